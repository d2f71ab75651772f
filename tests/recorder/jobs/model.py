"""A tiny model on which the recorder is tested; checks every figure of the trace against its plain definition."""

import json
import math
import sys

import torch
from harness_recorder import Recorder, deterministic, settings
from torch import nn

config = settings(
    {
        "steps": 20,
        "dtype": "float32",
        "optimizer": "AdamW",
        "eps": 1e-8,
        "scale": 1.0,
        "order": "ab",
        "start": "injected",
        "fail_at": 0,
        "overflow_at": 0,
        "skip_backward": False,
    }
)


class Model(nn.Module):
    """Two layers, registered in either order, and `spare`: trained, but without a part in the loss."""

    def __init__(self):
        super().__init__()
        parts = {"a": nn.Linear(8, 16, bias=False), "b": nn.Linear(16, 2)}
        for name in config.order:
            self.add_module(name, parts[name])
        self.spare = nn.Linear(2, 2)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


def figures(tensor):
    """Return the eleven figures of a tensor by their plain definitions."""
    if tensor is None:
        return [None] * 11
    x = tensor.detach().double().flatten()
    tiny, largest = torch.finfo(tensor.dtype).tiny, torch.finfo(tensor.dtype).max
    values = [x.min(), x.max(), x.mean(), ((x - x.mean()) ** 2).mean() ** 0.5, (x**2).sum() ** 0.5]
    counts = [x.isnan(), x == float("inf"), x == -float("inf"), x == 0, (x != 0) & (x.abs() < tiny)]
    counts.append(x.abs() == largest)
    return [float(value) for value in values] + [float(count.sum()) for count in counts]


def quantiles(tensor):
    """Return five values of nearest rank; NaN if there is any."""
    if tensor is None:
        return [None] * 5
    ordered = sorted(tensor.detach().double().flatten().tolist())
    if any(math.isnan(value) for value in ordered):
        return [float("nan")] * 5
    return [ordered[round(share * (len(ordered) - 1))] for share in (0.01, 0.1, 0.5, 0.9, 0.99)]


def shares(before, parameters):
    """Return the signals of a group, checksums left out, by their plain definitions."""
    weight = torch.cat([p.detach().double().flatten() for p in parameters])
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    gradient = torch.cat([grad.double().flatten() for grad in grads])
    answers = [gradient.norm(), (weight - before).norm() / weight.norm(), (gradient == 0).double().mean()]
    tiny = torch.finfo(parameters[0].dtype).tiny
    subnormal = float(((gradient != 0) & (gradient.abs() < tiny)).double().mean())
    moving = gradient != 0
    lost = float((weight == before)[moving].double().mean()) if moving.any() else None
    if config.optimizer == "SGD":
        return [*map(float, answers), None, None, subnormal, lost]
    seconds = [optimizer.state[p]["exp_avg_sq"] for p in parameters]
    correction = 1 - 0.999**recorder.steps
    denominator = torch.cat([((v.sqrt() / correction**0.5) + config.eps).double().flatten() for v in seconds])
    second = torch.cat([v.double().flatten() for v in seconds])
    flushed = float((second[moving] == 0).double().mean()) if moving.any() else None
    return [*map(float, answers), flushed, float((denominator == 0).double().mean()), subnormal, lost]


device = deterministic("cpu")
dtype = getattr(torch, config.dtype)
torch.manual_seed(0)
expected_rows = []

with Recorder(settings=vars(config), device=device) as recorder:
    model = Model().to(dtype)
    model.a.gain = 1.0
    asked = None
    if config.start != "drawn":
        asked = recorder.prepare(model, 0 if config.start == "injected" else None)
    recorder.config({"width": 16, "kind": "plain", "nothing": None})
    options = {"eps": config.eps, "foreach": False} if config.optimizer != "SGD" else {}
    optimizer = getattr(torch.optim, config.optimizer)(model.parameters(), lr=1e-2, **options)
    inputs = [torch.sin(torch.arange(64.0) * (step + 1)).reshape(8, 8) for step in range(config.steps)]
    group = [model.a.weight, model.b.weight]
    recorder.begin(
        model,
        optimizer,
        watch={"head": "b.weight"},
        groups={"matrices": "?.weight", "none": "*.lora_A.*"},
        batches=inputs,
        expected=asked,
    )
    for step, x in enumerate(inputs, 1):
        before = torch.cat([p.detach().double().flatten() for p in group])
        phases = []
        loss = model(x.to(dtype)).float().square().mean()
        recorder.forward(loss)
        phases.append([figures(model.b.weight), figures(model.b.weight.grad)])
        (loss * (1e30 if step == config.overflow_at else config.scale)).backward()
        if step == config.fail_at:
            raise RuntimeError("planted")
        if not config.skip_backward:
            recorder.backward()
        phases.append([figures(model.b.weight), figures(model.b.weight.grad)])
        gradients = quantiles(model.b.weight.grad)
        if step != config.overflow_at:
            optimizer.step()
        recorder.step(rate=0.5)
        phases.append([figures(model.b.weight), figures(model.b.weight.grad)])
        watched = [value for tensor in (0, 1) for phase in phases for value in phase[tensor]]
        if step != config.overflow_at:
            watched += [*quantiles(model.b.weight), *gradients]
            expected_rows.append([loss.item(), *watched, *shares(before, group)])
        if recorder.stopped:
            break
        optimizer.zero_grad(set_to_none=True)

json.dump(expected_rows, sys.stdout)
