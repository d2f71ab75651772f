"""Three epochs of 8 batches, 4 of them accumulated: 2 updates each."""

import torch
from accelerate import Accelerator

torch.manual_seed(0)
torch.set_num_threads(1)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=4)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = torch.utils.data.DataLoader(torch.ones(8, 4), batch_size=1)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
updates = []
for _ in range(3):
    count = 0
    for batch in loader:
        with accelerator.accumulate(model):
            before = model.weight.detach().clone()
            accelerator.backward(model(batch).sum())
            optimizer.step()
            optimizer.zero_grad()
            count += not torch.equal(before, model.weight)
    updates.append(count)
print("updates", updates)
assert updates == [2, 2, 2], f"updates an epoch: {updates}"
