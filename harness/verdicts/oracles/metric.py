"""The oracle `metric`: one value, judged by what is expected of it, or compared with that of a good release."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from harness.keys import Key, Kind
from harness.keys.kinds import BOOLEAN, COUNT, SHARE, TEXT, VERSION
from harness.verdicts.oracles.oracle import Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.traces.trace import Trace


def metric(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a metric by what is expected of it: skip where it was not recorded, bad where it is not finite.

    Without an `expect` a trace is good as far as it alone can tell; whether the metric is worse than the
    reference's is then judged over all seeds, see `calibration`.
    """
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    name = settings["signal"]
    if not any(value is not None for value in trace.signal(name)):
        return Judgement(Verdict.SKIP, f"nothing was recorded under the name {name}")
    value, expect = measure(trace, settings), settings["expect"]
    if not math.isfinite(value):
        return Judgement(Verdict.BAD, f"{name} is {value}", Fingerprint(f"non-finite {name}"))
    if expect is None:
        return Judgement(Verdict.GOOD, f"{name} {value:.6g}")
    compare, sign, bound = read_expectation(expect)
    effect = Effect(name, value, bound)
    if compare(value, bound):
        return Judgement(Verdict.GOOD, f"{name} {value:.6g} {sign} {bound:g}", effect=effect)
    said = f"{name} {value:.6g}, expected {sign} {bound:g}"
    return Judgement(Verdict.BAD, said, Fingerprint(f"{name} not {sign} {bound:g}"), effect)


def measure(trace: Trace, settings: Mapping[str, Any]) -> float:
    """Return the metric of one trace: the mean of the last `window` values of its signal; NaN without any."""
    values = [
        value for value in trace.signal(settings["signal"])[-int(settings["window"]) :] if value is not None
    ]
    return math.fsum(values) / len(values) if values else math.nan


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def read_expectation(text: str) -> tuple[Callable[[float, float], bool], str, float]:
    """Read what is expected of a metric, as `<0.5`; return the comparison, its sign and the bound.

    Raises:
        ValueError: It is no comparison with a number.
    """
    sign = next((sign for sign in _COMPARISONS if text.strip().startswith(sign)), None)
    if sign is None:
        raise ValueError("it begins with no comparison")
    return _COMPARISONS[sign], sign, float(text.strip()[len(sign) :])


_EXPECTATION = Kind(
    f"one of {' '.join(_COMPARISONS)} and a number, as in <0.5",
    {"type": "string", "pattern": r"^\s*(<=|>=|==|!=|<|>)"},
    lambda value: isinstance(value, str) and bool(read_expectation(value)),
)


ORACLE = Oracle(
    metric,
    {
        "signal": Key(TEXT, "the signal that is compared, a column of the trace", default="loss"),
        "window": Key(COUNT, "how many of its last values are averaged", default=20),
        "higher_is_worse": Key(BOOLEAN, "true for a loss, false for an accuracy", default=True),
        "confidence": Key(SHARE, "of all comparisons together", default=0.95),
        "reference": Key(
            VERSION,
            "the release that is known to be good; none: the oldest of the range",
            example="0.6.2",
        ),
        "aa_seeds": Key(COUNT, "seeds of the reference, from which the noise floor is learnt", default=5),
        "expect": Key(_EXPECTATION, "what is right; none: not worse than the reference", example="<0.5"),
    },
    "good is a metric that is as expected or, without an expectation, not worse than a good release's beyond noise",
)
