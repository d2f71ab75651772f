"""The oracle `metric`: one signal, compared with that of a release that is known to be good."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.verdicts.oracles.oracle import Option, Oracle
from harness.verdicts.oracles.training import training

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace
    from harness.verdicts.verdict import Judgement


def metric(trace: Trace, _settings: Mapping[str, Any]) -> Judgement:
    """Good, as far as one trace can tell, if every loss and weight stayed finite.

    Whether the metric is worse than the reference's is then judged over all seeds, see `calibration`.
    """
    return training(trace, {"loss_below": None})


def measure(trace: Trace, settings: Mapping[str, Any]) -> float:
    """Return the metric of one trace: the mean of the last `window` values of its signal; NaN without any."""
    values = [
        value for value in trace.signal(settings["signal"])[-int(settings["window"]) :] if value is not None
    ]
    return math.fsum(values) / len(values) if values else math.nan


ORACLE = Oracle(
    metric,
    {
        "signal": Option(str, "the signal that is compared, a column of the trace", default="loss"),
        "window": Option(int, "how many of its last values are averaged", default=20),
        "higher_is_worse": Option(bool, "true for a loss, false for an accuracy", default=True),
        "confidence": Option((int, float), "of all comparisons together", default=0.95),
        "reference": Option(str, "the release that is known to be good; default: the oldest of the range"),
        "aa_seeds": Option(int, "seeds of the reference, from which the noise floor is learnt", default=5),
    },
)
