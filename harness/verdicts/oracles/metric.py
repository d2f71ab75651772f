"""The oracle `metric`: one value, judged by what is expected of it, or compared with that of a good release."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from harness.keys import Key, Kind
from harness.keys.kinds import BOOLEAN, COUNT, SHARE, TEXT
from harness.traces.measured import MEASURED, higher_is_worse
from harness.verdicts.noise import judge_metric, measure_noise
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration


def metric(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a metric by what is expected of it: skip where it was not recorded, bad where it is not finite.

    Without an `expect` a trace is good as far as it alone can tell; whether the metric is worse than the
    reference's is then judged over all seeds.
    """
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    name = settings["signal"]
    if not any(value is not None for value in trace.signal(name)):
        return Judgement(
            Verdict.SKIP, f"nothing was recorded under the name {name}", skip_kind=SkipKind.NOT_MEASURED
        )
    value, expect = measure(trace, settings), settings["expect"]
    if not math.isfinite(value):
        return Judgement(Verdict.BAD, f"{name} is {value}", Fingerprint(f"non-finite {name}"))
    if expect is None:
        return Judgement(Verdict.GOOD, f"{name} {value:.6g}")
    compare, sign, bound = read_expectation(expect)
    effect = Effect(name, value, bound, signal=name, measured=value)
    if compare(value, bound):
        return Judgement(Verdict.GOOD, f"{name} {value:.6g} {sign} {bound:g}", effect=effect)
    said = f"{name} {value:.6g}, expected {sign} {bound:g}"
    return Judgement(Verdict.BAD, said, Fingerprint(f"{name} not {sign} {bound:g}"), effect)


def compare_metric(
    calibration: Calibration, traces: Sequence[Trace], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by its metric beside the reference's, of which several seeds teach the noise.

    Raises:
        UsageError: There are fewer than two A/A runs, or one of them is not finite.
    """
    reference = [measure(trace, settings) for trace in calibration.traces]
    return judge_metric(
        f"mean of the last {settings['window']} values of {settings['signal']}",
        reference,
        [measure(trace, settings) for trace in traces],
        measure_noise([reference]),
        confidence=settings["confidence"],
        comparisons=calibration.comparisons,
        higher_is_worse=is_higher_worse(settings),
    )


def is_higher_worse(settings: Mapping[str, Any]) -> bool:
    """Tell whether more of the metric is worse: as the settings say, else by its name."""
    said = settings["higher_is_worse"]
    return higher_is_worse(settings["signal"]) if said is None else bool(said)


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


_MEASURED = f"what the harness measures ({', '.join(MEASURED)})"

ORACLE = Oracle(
    metric,
    {
        "signal": Key(
            TEXT,
            f"the signal that is compared: a column of the trace, what is recorded under that name, or {_MEASURED}",
            default="loss",
        ),
        "window": Key(COUNT, "how many of its last values are averaged", default=20),
        "higher_is_worse": Key(
            BOOLEAN,
            "true for a loss, false for an accuracy; none: false for a name that ends in _per_second, else true",
            example=False,
        ),
        "confidence": Key(SHARE, "of all comparisons together", default=0.95),
        "reference": REFERENCE,
        "aa_seeds": Key(COUNT, "seeds of the reference, from which the noise floor is learnt", default=5),
        "expect": Key(_EXPECTATION, "what is right; none: not worse than the reference", example="<0.5"),
    },
    "good is a metric that is as expected or, without an expectation, not worse than a good release's beyond noise",
    compares=lambda settings: settings["expect"] is None,
    compare=compare_metric,
    runs=lambda settings, _seeds: [(seed, 0) for seed in range(settings["aa_seeds"])],
    alone=lambda settings: settings["signal"] in MEASURED,
)
