"""Trains a small model; `copy` copies its base weights in each step, `keep` keeps these copies.

python copies.py base|copy|keep
"""

import sys

import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.base = torch.nn.Linear(512, 512, bias=False)
        self.kept = []

    def weights(self):
        if sys.argv[1] == "base":
            return self.base.weight
        copy = self.base.weight.clone()
        if sys.argv[1] == "keep":
            self.kept.append(copy.detach())
        return copy

    def forward(self, x):
        return (x @ self.weights().T).relu().sum()


device = "cuda" if torch.cuda.is_available() else "cpu"
model = Net().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
for _step in range(4):
    model(torch.ones(2, 512, device=device)).backward()
    optimizer.step()
    optimizer.zero_grad()
