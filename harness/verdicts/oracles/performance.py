"""The oracle `performance`: what takes time or memory is not worse than with a release that is known to be good."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import ABOVE_1, BOOLEAN, COUNT, SHARE, TEXT
from harness.traces.measured import COUNTED, MEASURED, is_below
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.pairs import judge_change, judge_pairs, looks
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration


def performance(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Good, as far as one trace can tell, if it has the metric and nothing that was trained is non-finite.

    Whether it is worse is judged by pairs, see `harness.verdicts.pairs`.
    """
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    name, value = settings["signal"], value_of(trace, settings)
    if name in COUNTED:
        return Judgement(
            Verdict.SKIP,
            f'{name} repeats exactly, so nothing is interleaved to compare it: take kind = "metric"',
            skip_kind=SkipKind.NOT_MEASURED,
        )
    if is_below(name, trace):
        return Judgement(
            Verdict.SKIP, f"{name} is below what can be measured", skip_kind=SkipKind.NOT_MEASURED
        )
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


def compare_pairs(
    calibration: Calibration, pairs: Sequence[tuple[Trace, Trace]], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by executions interleaved with the reference; a skip where they are too few yet."""
    return judge_pairs(settings["signal"], calibration.reference, _values(pairs, settings), settings)


def compare_sides(
    _calibration: Calibration,
    before: str,
    pairs: Sequence[tuple[Trace, Trace]],
    settings: Mapping[str, Any],
    boundaries: int,
) -> Judgement:
    """Judge the newer side of a boundary by executions interleaved with the older one, whichever is the worse."""
    confidence = 1 - (1 - settings["confidence"]) / boundaries
    return judge_change(settings["signal"], before, _values(pairs, settings), confidence, settings["pairs"])


def _values(pairs: Sequence[tuple[Trace, Trace]], settings: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(value_of(own, settings), value_of(its, settings)) for own, its in pairs]


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
            "executions of release and reference interleaved, that one comparison may take; one that is not decided by "
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
    interleaves=lambda _settings, _calibration: True,
    compare_pairs=compare_pairs,
    compare_sides=compare_sides,
    looks=lambda settings: [look.pairs for look in looks(settings["confidence"], settings["pairs"])],
)
