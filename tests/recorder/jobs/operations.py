"""Trains two steps of variants of one small model, each into a trace of its own.

python operations.py FOLDER '[["name of the trace", "variant", seed, {"first": …, "last": …, "seed": …} or null], …]'
"""

import json
import os
import sys
from pathlib import Path

import torch
from harness_recorder import Recorder
from torch.nn import functional


class Net(torch.nn.Module):
    def __init__(self, variant):
        super().__init__()
        self.variant = variant
        self.first = torch.nn.Linear(16, 16, bias=False)
        self.keys = torch.nn.Linear(16, 16, bias=False)
        self.last = torch.nn.Linear(16, 1)

    def normal(self, x):
        eps = 1e-5 if self.variant == "eps" else 1e-6
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)

    def attend(self, x):
        keys = self.keys(x)
        if self.variant == "attention":
            return functional.scaled_dot_product_attention(x, keys, x)
        weights = (x @ keys.transpose(1, 2) * 0.25).softmax(-1)
        return weights @ x

    def forward(self, x):
        x = self.normal(self.first(x))
        if self.variant == "cast":
            x = x.to(torch.bfloat16).float()
        if self.variant == "detour":
            x = x.view(-1).view(x.shape)
        x = self.attend(x)
        if self.variant != "missing":
            x = x * 0.5
        x = self.last(x) * x
        if self.variant == "order":
            return x.sum(0).sum() / 512
        return x.sum() / 512


def train(variant, seed):
    torch.manual_seed(seed)
    model = Net(variant)
    if variant == "start":
        with torch.no_grad():
            model.keys.weight.mul_(1.01)
    batches = torch.randn(2, 4, 8, 16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorder() as recorder:
        recorder.prepare(model)
        recorder.begin(model, optimizer)
        for batch in batches:
            loss = (model(batch) - 1.0) ** 2
            recorder.forward(loss)
            loss.backward()
            recorder.backward()
            optimizer.step()
            optimizer.zero_grad()
            recorder.step()


folder, wanted = Path(sys.argv[1]), json.loads(sys.argv[2])
torch.set_num_threads(1)
for name, variant, seed, perturb in wanted:
    asked = {"step": 2 if variant == "second" else 1, "package": "nothing", "perturb": perturb}
    os.environ["HARNESS_TRACE"] = str(folder / f"{name}.jsonl")
    os.environ["HARNESS_INSTRUCTIONS"] = json.dumps({"operations": asked})
    try:
        train(variant, seed)
    except SystemExit:
        continue
    raise AssertionError("a job ends behind the step whose operations are recorded")
