"""A tiny training in float16 under autocast with a loss scale that adapts itself; prints each figure by its plain definition."""

import json
import math

import torch
from harness_recorder import Recorder, deterministic, settings
from torch import nn

config = settings({"steps": 12, "attach": False})
deterministic("cpu")
torch.manual_seed(0)
rows = []

with Recorder(settings=vars(config)) as recorder:
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14, growth_interval=2)
    if config.attach:
        recorder.attach(model, optimizer, scaler=scaler)
    recorder.begin(model, optimizer, groups={"all": "*"}, scaler=scaler)
    # Far apart in size, so that some gradients are subnormal in float16 and some are zero without the scale.
    sizes = torch.logspace(-9, 1, 8)
    for step in range(config.steps):
        with torch.autocast("cpu", torch.float16):
            loss = (
                model(torch.sin(torch.arange(32.0) * (step + 1)).reshape(4, 8) * sizes)
                .float()
                .square()
                .mean()
            )
        recorder.forward(loss)
        scale = scaler.get_scale()
        scaler.scale(loss).backward()
        recorder.backward()
        scaled = torch.cat([p.grad.reshape(-1) for p in model.parameters()]).tolist()
        overflow = [value for value in scaled if not math.isfinite(value)]
        zero = [value for value in scaled if value == 0]
        subnormal = [value for value in scaled if 0 < abs(value) < 2**-14]
        # what rounds to zero in float16 when the scale is taken away again
        rescued = [
            value
            for value in scaled
            if value and torch.tensor(value / scale, dtype=torch.float64).half() == 0
        ]
        rows.append([scale, *(len(some) / len(scaled) for some in (overflow, zero, subnormal, rescued))])
        scaler.step(optimizer)
        scaler.update()
        recorder.step()
        optimizer.zero_grad(set_to_none=True)
print(json.dumps(rows))
