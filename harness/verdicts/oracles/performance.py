"""The oracle `performance`: what takes time or memory is not worse than with a release that is known to be good."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import ABOVE_1, BOOLEAN, COUNT, SHARE, TEXT
from harness.traces.measured import MEASURED
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace


def performance(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Good, as far as one trace can tell, if it has the metric and nothing that was trained is non-finite.

    Whether it is worse is judged by pairs, see `harness.verdicts.pairs`.
    """
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    name, value = settings["signal"], value_of(trace, settings)
    if math.isnan(value):
        known = f"; the harness itself measures {', '.join(MEASURED)}" if name not in MEASURED else ""
        return Judgement(
            Verdict.SKIP, f"{name} is not known of this job{known}", skip_kind=SkipKind.NOT_MEASURED
        )
    return Judgement(Verdict.GOOD, f"{name} {value:.6g}")


def value_of(trace: Trace, settings: Mapping[str, Any]) -> float:
    """Return the last value of the metric; NaN without any."""
    values = [value for value in trace.signal(settings["signal"]) if value is not None]
    return values[-1] if values else math.nan


ORACLE = Oracle(
    performance,
    {
        "signal": Key(
            TEXT,
            f"the metric: one of {', '.join(MEASURED)}, or the last value of what the job records under that name",
            default="step_seconds",
        ),
        "minimum_effect": Key(
            ABOVE_1, "how many times as bad as the reference is still good: 1.1 allows 10% more", default=1.1
        ),
        "confidence": Key(SHARE, "of the interval of one comparison", default=0.95),
        "pairs": Key(
            COUNT,
            "executions of release and reference, in turns, that one comparison may take; one that is not decided by "
            "then is a skip. It looks after 6, 12 and 24 at a confidence of 0.95, and never takes fewer",
            default=24,
        ),
        "higher_is_worse": Key(
            BOOLEAN,
            "true for a time, false for a rate; none: false for a name that ends in _per_second, else true",
            example=False,
        ),
        "reference": REFERENCE,
    },
    "good is a job that takes no more time or memory than with a release that is known to be good",
    compares=lambda _settings: True,
    alone=lambda _settings: True,
    in_turns=True,
)
