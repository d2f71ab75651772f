"""Fits a linear map by the adapter that the package under test makes, from the start that it draws."""

import plantedcause
import torch
from harness_recorder import Recorder, deterministic, settings

config = settings({"steps": 40, "lr": 0.05, "eps": 1e-8, "seed": 0, "device": "cpu", "threads": 1})
device = deterministic(config.device, config.threads)
torch.manual_seed(config.seed)

with Recorder(settings=vars(config), device=device) as recorder:
    inputs = torch.sin(torch.arange(64.0 * 8).reshape(64, 8))
    target = inputs @ torch.cos(torch.arange(64.0)).reshape(8, 8)
    model = plantedcause.Model(recorder.config(plantedcause.Config()))
    expected = recorder.prepare(model)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.lr, eps=config.eps, foreach=False, fused=False)
    recorder.begin(model, optimizer, groups={"A": "A", "B": "B"}, batches=[inputs, target], expected=expected)
    for _ in range(config.steps):
        loss = (model(inputs) - target).square().mean()
        recorder.forward(loss)
        loss.backward()
        recorder.backward()
        optimizer.step()
        recorder.step()
        if recorder.stopped:
            break
        optimizer.zero_grad(set_to_none=True)
