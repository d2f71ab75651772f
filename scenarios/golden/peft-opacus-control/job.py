"""Opacus' per-sample gradients of a LoRA model are those that each sample gives alone."""

import torch
from opacus import GradSampleModule
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
torch.set_num_threads(1)
base = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
model = get_peft_model(base, LoraConfig(r=2, target_modules=["0", "2"], init_lora_weights=False))
samples = torch.randn(4, 8)
alone = []
for sample in samples:
    model.zero_grad()
    model(sample[None]).square().sum().backward()
    alone.append(
        {name: value.grad.clone() for name, value in model.named_parameters() if value.requires_grad}
    )
model.zero_grad()
wrapped = GradSampleModule(model, loss_reduction="sum")
wrapped(samples).square().sum().backward()
worst = 0.0
for name, parameter in model.named_parameters():
    if parameter.requires_grad:
        for place, gradients in enumerate(alone):
            worst = max(worst, (parameter.grad_sample[place] - gradients[name]).abs().max().item())
print(f"worst={worst}")
assert worst < 1e-4, f"per-sample gradients differ by {worst}"
