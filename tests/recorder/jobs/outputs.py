"""Hands over outputs of every kind that torch has."""

import torch
from harness_recorder import Recorder, settings

config = settings({"shift": 0.0})
with Recorder(settings=vars(config)) as recorder:
    values = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    values[0, 0] = float("nan")
    values[1, 2] += config.shift
    recorder.output("half", values.half())
    recorder.output("bfloat16", values.bfloat16().requires_grad_())
    recorder.output("complex", torch.complex(values, -values))
    recorder.output("mask", values > 2)
    recorder.output("turned", values.T)
    recorder.output("sparse", torch.eye(3).to_sparse())
    recorder.output("empty", torch.empty(0, 2))
    recorder.output("many", {"a": [torch.tensor(1), torch.tensor(2.5)], "b": (1, 2.5), "c": None})
    large = torch.zeros(100, 100)
    large[99, 98] = config.shift
    recorder.output("large", large)
