"""A compiled function with one graph break, called with tensors of two sizes: four graphs, two of them after a recompilation."""

import torch
from harness_recorder import Recorder, settings

config = settings({"compile": True})


def double_and_add(values):
    """Return 2 x + 1; printing is what a graph cannot hold."""
    doubled = values * 2
    print(end="")
    return doubled + 1


called = torch.compile(double_and_add, backend="eager") if config.compile else double_and_add

with Recorder() as recorder:
    recorder.begin()
    for size in (3, 3, 4):
        recorder.step(loss=float(called(torch.ones(size)).sum()))
