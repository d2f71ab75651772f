"""Fits one number in plain Python: put what you want to compare in its place."""

import PACKAGE  # noqa: F401 - the package under test
from harness_recorder import Recorder, settings

# What scenario.toml may set; seed, device and threads are handed to every job.
config = settings({"steps": 50, "lr": 0.1, "seed": 0, "device": "cpu", "threads": 1})

with Recorder(settings=vars(config), device=config.device) as recorder:
    recorder.begin()
    weight = 0.0
    for _ in range(config.steps):
        gradient = 2 * (weight - 3.0)
        loss = (weight - 3.0) ** 2
        weight -= config.lr * gradient
        recorder.step(loss=loss, weight=weight)  # any numbers by name; the oracle looks at `loss`
        if recorder.stopped:  # a number that is not finite
            break
