"""Records one training job as a trace of strict JSON lines; runs inside the environment under test.

It asks for little there: Python 3.8, the standard library, and torch 1.13 or newer only where a model is recorded.
A job uses it like this::

    config = settings({"steps": 200, "dtype": "float16"})   # each can be given as --name value
    device = deterministic("auto", threads=1)
    with Recorder(settings=vars(config), device=device) as recorder:
        expected = recorder.prepare(model, seed=0)
        recorder.begin(model, optimizer, batches=batches, expected=expected,
                       watch={"score": "score.weight"}, groups={"lora_A": "*.lora_A.weight"})
        for batch in batches:
            loss = ...
            recorder.forward(loss)
            loss.backward()
            recorder.backward()
            optimizer.step()
            recorder.step()
            if recorder.stopped:
                break
            optimizer.zero_grad(set_to_none=True)

Instead of placing four calls, a loop may let the recorder follow its optimizer, and tell the loss alone::

        recorder.attach(model, optimizer, batches=batches, expected=expected)
        for batch in batches:
            loss = ...
            recorder.loss(loss)
            loss.backward()
            optimizer.step()

`harness_recorder.transformers` and `harness_recorder.lightning` have a callback each for those trainers.

The trace goes to the file that the environment variable HARNESS_TRACE (or `--trace PATH`) names; without one,
nothing is written and the job runs all the same. A job without a model calls `recorder.begin()` and then
`recorder.step(loss=..., other_signal=...)` with plain numbers. A script that is judged by a single value calls
`record("loss", value)` and needs no recorder. What a release computes, and another one should compute as well,
is told by `recorder.output("logits", tensor)`, or `output("logits", tensor)` without a recorder.
`harness/traces/trace.py` tells the format.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arguments import settings
    from .host import deterministic
    from .recorder import VERSION, Recorder
    from .script import output, record
    from .start import inject

__all__ = ["VERSION", "Recorder", "deterministic", "inject", "output", "record", "settings"]

_WHERE = {
    "VERSION": "recorder",
    "Recorder": "recorder",
    "deterministic": "host",
    "inject": "start",
    "output": "script",
    "record": "script",
    "settings": "arguments",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: every traced process loads this package, few need a recorder."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("." + _WHERE[name], __name__), name)
