"""Minimal training loops, one a mechanism and one that nearly is; each leaves a trace of its own in a folder."""

import os
import sys
from pathlib import Path

import torch
from harness_recorder import Recorder
from torch import nn

FOLDER = Path(sys.argv[1])


class Scaled(nn.Module):
    """One weight matrix and a constant that scales its output: what decides over- and underflow."""

    def __init__(self, dtype, factor=1.0, start=0.5):
        super().__init__()
        self.weight = nn.Parameter(torch.full((4, 8), start, dtype=dtype))
        self.factor = factor

    def forward(self, x):
        return (x.to(self.weight.dtype) @ self.weight.T) * self.factor


def train(
    name,
    model,
    make_optimizer,
    *,
    steps=3,
    scale=1.0,
    loss=None,
    settings=None,
    told=None,
    scaler=False,
    float8=False,
):
    """Train with every value under control."""
    os.environ["HARNESS_TRACE"] = str(FOLDER / f"{name}.jsonl")
    inputs = torch.linspace(0.25, 1, 16).reshape(2, 8)
    scaler = torch.amp.GradScaler("cpu", growth_interval=2) if scaler else None
    with Recorder(settings={"loss_scale": scale, **(settings or {})}, stop_early=told is None) as recorder:
        optimizer = make_optimizer(model.parameters())
        recorder.begin(model, optimizer, groups={"weight": "weight"}, scaler=scaler, float8=float8)
        for _ in range(steps):
            out = model(inputs)
            value = loss(out) if loss else out.sum()
            recorder.forward(value)
            (scaler.scale(value) if scaler else value * scale).backward()
            recorder.backward()
            if scaler:
                scaler.unscale_(optimizer)
                scaler.step(optimizer)
                scaler.update()
            else:
                optimizer.step()
            signals = told(value) if told else {}
            recorder.step(**signals)
            if recorder.stopped:
                break
            optimizer.zero_grad(set_to_none=True)


class InFloat8(Scaled):
    """A weight that is rounded to float8 with a fixed scale before it is used, as in a recipe that forgets to adapt it."""

    def __init__(self, scale):
        super().__init__(torch.float32)
        self.scale = scale

    def forward(self, x):
        limit = torch.finfo(torch.float8_e4m3fn).max
        rounded = (self.weight.detach() * self.scale).clamp(-limit, limit).to(torch.float8_e4m3fn)
        return super().forward(x) + (x @ (rounded.float() / self.scale).T).detach()


def adam(eps=1e-8, lr=1e-3):
    return lambda parameters: torch.optim.AdamW(parameters, lr=lr, eps=eps, foreach=False, fused=False)


def sgd(lr):
    return lambda parameters: torch.optim.SGD(parameters, lr=lr)


def told(value):
    """What a filter for the log makes of a loss."""
    return {"logged_loss": 0.0 if not value.isfinite() else value.item()}


HALF = torch.float16
small = 1e-4  # gradients near 1e-4: their squares times 0.001 are below float16

# 0/0 where the gradient is exactly zero; an eps that float16 holds is enough to be saved
train("zero_over_zero", Scaled(HALF, factor=0.0), adam())
train("zero_over_zero.near", Scaled(HALF, factor=0.0), adam(eps=1e-4))
# m/0 where the second moment underflowed; gradients that are large enough do not
train("denominator_zero", Scaled(HALF, factor=small), adam())
train("denominator_zero.near", Scaled(HALF, factor=1.0), adam())
# gradients beside the edge of underflow: subnormal here and zero there; far above it there are none
uneven = torch.tensor([1e-6, 1e-9, 1e-5, 1e-3]).reshape(1, 4)
train("gradient_flushed", Scaled(HALF), sgd(1e-3), loss=lambda out: (out * uneven.to(HALF)).sum())
train("gradient_flushed.near", Scaled(HALF), sgd(1e-3))
# updates below half an ulp of 0.5 in float16 (2.4e-4); above it the weights move
train("update_lost", Scaled(HALF), sgd(1e-5))
train("update_lost.near", Scaled(HALF), sgd(1e-2))
# past 65504: in the loss, on the way to it, and by the loss scale
train("overflow_in_loss", Scaled(HALF), sgd(1e-3), loss=lambda out: (out.float().sum() * 1e4).to(HALF))
train("overflow_in_loss.near", Scaled(HALF), sgd(1e-6), loss=lambda out: (out.float().sum() * 1e3).to(HALF))
train("overflow_in_forward", Scaled(HALF, factor=6e4), sgd(1e-9), loss=lambda out: (out * 2 - out * 3).sum())
train(
    "overflow_in_forward.near",
    Scaled(HALF, factor=1e3),
    sgd(1e-9),
    loss=lambda out: (out * 2 - out * 3).sum(),
)
train("overflow_by_scale", Scaled(HALF), sgd(1e-9), scale=65504.0, loss=lambda out: out.float().sum() * 4)
train("overflow_by_scale.near", Scaled(HALF), sgd(1e-9), scale=64.0, loss=lambda out: out.float().sum() * 4)
# a scale that adapts itself: past the largest number however small it is; past it in step 3, and back in step 4
large = {"scaler": True, "settings": {"scaler": True}}
train("overflow_by_adapting_scale", Scaled(torch.float32), sgd(0), loss=lambda out: out.sum() * 1e37, **large)
train(
    "overflow_by_adapting_scale.near",
    Scaled(torch.float32),
    sgd(0),
    steps=4,
    loss=lambda out: out.sum() * 2e33,
    **large,
)
# weights of 0.5 in float8, whose numbers end at 448 and begin at 2^-9; a scale of 64 fits
train("saturated_in_float8", InFloat8(1024.0), sgd(1e-3), float8=True)
train("saturated_in_float8.near", InFloat8(64.0), sgd(1e-3), float8=True)
train("flushed_in_float8", InFloat8(2.0**-12), sgd(1e-3), float8=True)
train("flushed_in_float8.near", InFloat8(64.0), sgd(1e-3), float8=True)
# a loss that is logged as 0; one that is 0
train("nan_told_as_zero", Scaled(HALF, factor=0.0), adam(), told=told)
train("nan_told_as_zero.near", Scaled(torch.float32, factor=0.0), adam(), told=told)
# GradScaler wants trained parameters in float32
train("unscale_refused.near", Scaled(torch.float32), adam(), scaler=True)
try:
    train("unscale_refused", Scaled(HALF), adam(), scaler=True)
except ValueError:
    print("refused")
