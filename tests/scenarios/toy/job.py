"""Trains nothing: takes its losses from the package under test."""

import toy
from harness_recorder import Recorder, settings

config = settings({"steps": 5, "scale": 1.0, "seed": 0, "device": "cpu", "threads": 1})

with Recorder(settings=vars(config), device=config.device) as recorder:
    recorder.begin()
    for step in range(1, config.steps + 1):
        recorder.step(loss=config.scale * toy.loss(step))
        if recorder.stopped:
            break
