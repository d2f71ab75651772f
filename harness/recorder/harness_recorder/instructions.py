"""What the harness asks of a probe beyond its settings: transplants, frames, operations, a watchpoint, how often and long.

The environment variable HARNESS_INSTRUCTIONS holds them as JSON, and they are a part of the probe's address:

    {"transplant": [{"property": "dtype", "names": ["*.lora_A.weight"], "value": "float32"}, ...],
     "frames": [1, 2],
     "statistics_every": 10,
     "prefix": 20,
     "watchpoint": {"package": "peft", "properties": [{"property": "dtype", "names": [...], ...}]},
     "counts": {"names": ["python_calls"], "package": "peft"},
     "profile": {"package": "peft", "of": "time", "span": "all"},
     "operations": {"step": 1, "package": "peft", "perturb": {"first": 120, "last": 124, "seed": 0}}}

A transplant gives a release a property that another one has. `names` are patterns (as of `fnmatch`) of canonical
names, and what they name depends on the property:

| property    | names      | value |
|-------------|------------|-------|
| `dtype`     | parameters | what they are cast to |
| `trainable` | parameters | whether they are trained |
| `start`     | parameters | [mean, standard deviation] that their start values are moved and stretched to |
| `buffer`    | buffers    | the dtype they are cast to |
| `attribute` | modules    | what `key` (a path such as `scaling.default`) is set to |
| `config`    | -          | what `key` of a configuration is set to, before a model is made from it |
| `optimizer` | -          | what `key` of all parameter groups is set to |

One that matches nothing is an error before training: it says nothing of the release.

`prefix` ends the process after so many steps of the training, unless that ended by itself before or is to go on (`prefix.py`).
`overlay` {`package`, `digest`} and `executed` {`package`} are told by the modules of these names.
A watchpoint tells which line set a property while the model was built, and ends the job there (`watchpoint.py`).
`counts` and `profile` tell what takes time and memory (`counts.py`, `profiled.py`).
`operations` tells every operation of one step, and ends the job behind it (`operations.py`).
"""

from __future__ import annotations

import json
import os
from fnmatch import fnmatchcase
from typing import Any

from .attributes import set_attribute
from .census import parameters_of
from .names import canonical


def instructions() -> dict[str, Any]:
    """Return what the harness asks; nothing outside a probe."""
    return dict(json.loads(os.environ.get("HARNESS_INSTRUCTIONS") or "{}"))


class Transplants:
    """Applies the transplants of one probe, each at the point of the job where it can be.

    Args:
        wanted: As the module's docstring says.
    """

    def __init__(self, wanted: list[dict[str, Any]]) -> None:
        self._wanted = wanted

    def on_config(self, config: Any) -> None:
        """Change a configuration, an object or a dictionary, in place."""
        for one in self._of("config"):
            if isinstance(config, dict):
                config[one["key"]] = one["value"]
            else:
                setattr(config, one["key"], one["value"])

    def on_model(self, model: Any) -> None:
        """Change a model in place; its optimizer must not have been made yet.

        Raises:
            ValueError: A transplant matches nothing in this release.
        """
        for one in self._of("dtype", "trainable", "start", "buffer", "attribute"):
            kind, names = one["property"], one["names"]
            if kind == "attribute":
                count = set_attribute(model, names, one["key"], one["value"])
            elif kind == "buffer":
                count = _cast_buffers(model, names, one["value"])
            else:
                count = _change_parameters(model, names, kind, one["value"])
            if not count:
                raise ValueError(f"transplant: nothing here has the {kind} of {', '.join(names)}")

    def on_optimizer(self, optimizer: Any) -> None:
        """Change the settings of every parameter group."""
        for one in self._of("optimizer"):
            for group in optimizer.param_groups:
                group[one["key"]] = one["value"]

    def _of(self, *kinds: str) -> list[dict[str, Any]]:
        return [one for one in self._wanted if one["property"] in kinds]


def _change_parameters(model: Any, names: list[str], kind: str, value: Any) -> int:
    import torch

    chosen = [
        parameter
        for name, (_, parameter) in parameters_of(model).items()
        if any(fnmatchcase(name, one) for one in names)
    ]
    for parameter in chosen:
        if kind == "dtype":
            parameter.data = parameter.data.to(getattr(torch, value))
        elif kind == "trainable":
            parameter.requires_grad_(value)
        else:
            with torch.no_grad():
                parameter.copy_(_stretched(parameter, *value))
    return len(chosen)


def _stretched(parameter: Any, mean: float, deviation: float) -> Any:
    """Return the values moved to a mean and stretched to a standard deviation; constants become even steps."""
    import torch

    values = parameter.detach().double()
    if not float(values.std(unbiased=False)):
        values = torch.linspace(-1, 1, values.numel(), dtype=torch.float64).reshape(values.shape)
        values = values.to(parameter.device)
    spread = float(values.std(unbiased=False)) or 1.0
    return (values - values.mean()) * (deviation / spread) + mean


def _cast_buffers(model: Any, names: list[str], value: str) -> int:
    import torch

    count = 0
    for raw, buffer in list(model.named_buffers()):
        if any(fnmatchcase(canonical(raw), one) for one in names):
            buffer.data = buffer.data.to(getattr(torch, value))
            count += 1
    return count
