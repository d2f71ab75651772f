"""Conversions into float8 by hand, forward and backward, and a parameter in float8; prints each figure by its plain definition."""

import json
import math

import torch
from harness_recorder import Recorder, deterministic, settings
from torch import nn

config = settings({"steps": 3, "float8": True, "scaled": "yes"})
deterministic("cpu")
torch.manual_seed(0)
rows = []


def convert(value, dtype, scale):
    """Return a tensor as torchao rounds it, and note what that loses."""
    scaled = value.float() * scale if config.scaled == "yes" else value.float()
    limits = torch.finfo(dtype)
    result = scaled.clamp(-limits.max, limits.max).to(dtype)
    before, after = scaled.double().flatten().tolist(), result.double().flatten().tolist()
    noted.setdefault(str(dtype).replace("torch.", ""), []).append(
        {
            "amax": max(abs(number) for number in value.double().flatten().tolist()),
            "scale": scale if config.scaled == "yes" else None,
            "size": len(before),
            "moving": sum(number != 0 for number in before),
            "saturated": sum(abs(number) == limits.max for number in after),
            "flushed": sum(old != 0 and new == 0 for old, new in zip(before, after, strict=True)),
            "subnormal": sum(0 < abs(number) < limits.tiny for number in after),
            "error": math.dist(before, after) / math.hypot(*before),
        }
    )
    return result.float() / (scale if config.scaled == "yes" else 1)


class InFloat8(torch.autograd.Function):
    """A matrix product in float8; the backward pass has another format and another scale."""

    @staticmethod
    def forward(context, x, weight):
        context.save_for_backward(x, weight)
        return convert(x, torch.float8_e4m3fn, 64.0) @ convert(weight, torch.float8_e4m3fn, 4.0).T

    @staticmethod
    def backward(context, gradient):
        x, weight = context.saved_tensors
        rounded = convert(gradient, torch.float8_e5m2, 4096.0)
        return rounded @ weight, rounded.T @ x


def summed(format_name):
    """Return the figures of all conversions into one format in a step."""
    every = noted.get(format_name, [])
    scales = [one["scale"] for one in every if one["scale"] is not None]
    size = sum(one["size"] for one in every)
    return {
        "casts": len(every),
        "amax": max(one["amax"] for one in every),
        **({"scale_min": min(scales), "scale_max": max(scales)} if scales else {}),
        "saturated": sum(one["saturated"] for one in every) / size,
        "flushed": sum(one["flushed"] for one in every) / sum(one["moving"] for one in every),
        "subnormal": sum(one["subnormal"] for one in every) / size,
        "error": max(one["error"] for one in every),
    }


class Model(nn.Module):
    """One matrix that is multiplied in float8, and a frozen one that is kept in float8."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 8))
        frozen = torch.tensor([448.0, -448.0, 0.0, 2.0**-9, 1.0]).to(torch.float8_e4m3fn)
        self.frozen = nn.Parameter(frozen, requires_grad=False)

    def forward(self, x):
        return InFloat8.apply(x, self.weight) + self.frozen.float().mean()


with Recorder(settings=vars(config)) as recorder:
    model = Model()
    optimizer = torch.optim.SGD([model.weight], lr=1e-3)
    recorder.begin(model, optimizer, watch={"frozen": "frozen"}, groups={"all": "*"}, float8=config.float8)
    for step in range(config.steps):
        noted = {}
        # From far below the smallest number of the format to past its largest one.
        x = (
            (torch.logspace(-6, 1, 32) * torch.cos(torch.arange(32.0) * (step + 1)))
            .reshape(4, 8)
            .requires_grad_()
        )
        # What a multiplication may be besides a scale.
        _ = (
            torch.ones(3) / 0,
            torch.ones(3) * 2j,
            torch.div(torch.ones(3), 2, rounding_mode="floor"),
            torch.ones(0) * 2,
        )
        _ = (
            torch.ones(3) * True,
            2 * torch.arange(3),
            torch.ones(3).to(torch.float8_e5m2, copy=True).to(torch.float8_e4m3fn),
        )
        noted["float8_e5m2"] = [
            {
                "amax": 1.0,
                "scale": None,
                "size": 3,
                "moving": 3,
                "saturated": 0,
                "flushed": 0,
                "subnormal": 0,
                "error": 0.0,
            }
        ]
        loss = model(x).square().mean()
        recorder.forward(loss)
        loss.backward()
        recorder.backward()
        optimizer.step()
        recorder.step()
        optimizer.zero_grad(set_to_none=True)
        rows.append({name: summed(name) for name in ("float8_e4m3fn", "float8_e5m2")})
print(json.dumps(rows))
