"""The oracle `metric`: one value, judged by what is expected of it, or compared with that of a good release."""

from __future__ import annotations

import math
import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.keys import Key, Kind
from harness.keys.kinds import ABOVE_1, BOOLEAN, COUNT, SHARE, TEXT
from harness.traces.measured import COUNTED, MEASURED, OWN, higher_is_worse, is_below
from harness.traces.printed import EXPECTED
from harness.verdicts.difference import Aim, Difference, Worse, judge_difference
from harness.verdicts.interleaved import Looks, Metric, judge_interleaved
from harness.verdicts.levels import Sample
from harness.verdicts.noise import measure_noise, reproducible
from harness.verdicts.oracles.oracle import REFERENCE, Oracle
from harness.verdicts.oracles.training import training
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration


def metric(trace: Trace, settings: Mapping[str, Any]) -> Judgement:
    """Judge a metric by what is expected of it: skip where it was not recorded, bad where it is not finite.

    Without an `expect` a trace is good as far as it alone can tell; whether the metric differs from the
    reference's is then judged beside it.
    """
    if trace.steps:
        finite = training(trace, {"loss_below": None})
        if finite.verdict != Verdict.GOOD:
            return finite
    name = settings["signal"]
    if not any(value is not None for value in trace.signal(name)):
        return Judgement(Verdict.SKIP, _why_missing(name, trace), skip_kind=SkipKind.NOT_MEASURED)
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


def _why_missing(name: str, trace: Trace) -> str:
    """Return why a metric has no value: the names that do have one, and the form that is read."""
    if is_below(name, trace):
        return f"{name} is below what can be measured"
    if name in COUNTED:
        return f"{name} was not counted: {_NOT_COUNTED}"
    names = [other for other in (*trace.columns, *trace.records) if other not in MEASURED]
    shown = ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )
    return (
        f"nothing was recorded under the name {name}; recorded: {shown or 'nothing'}; "
        f"a script prints {EXPECTED}, or calls harness.record(name, value)"
    )


_NOT_COUNTED = (
    "the harness counts in a Python script that it starts itself, operations and allocations only where the script "
    "imports torch, and no calls where the script sets a profile of its own"
)
_MOST_NAMES = 8
"""Names that a reason lists."""


def compare_metric(
    calibration: Calibration, traces: Sequence[Trace], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by its metric beside the reference's, whose A/A runs teach the noise.

    Raises:
        UsageError: There are fewer than two A/A runs, or one of them is not finite.
    """
    reference = _of_reference(calibration, settings)
    floor, aim = measure_noise([reference]), aim_of(settings, calibration.comparisons)
    values = [measure(trace, settings) for trace in traces]
    own, its = math.fsum(reference) / len(reference), math.fsum(values) / len(values)
    exact = reproducible(reference)
    half = 0.0 if exact else floor.bound(len(reference), len(values), aim.risk)
    found = Difference(
        said(settings),
        calibration.reference,
        own,
        its,
        its - own - half,
        its - own + half,
        confidence=aim.confidence,
        exact_after=len(reference) if exact else 0,
    )
    if exact:
        found = replace(found, low=found.estimate, high=found.estimate)
    return _placed(judge_difference(found, aim, settings["signal"]), Sample(its), calibration, aim)


def compare_pairs(
    calibration: Calibration, pairs: Sequence[tuple[Trace, Trace]], settings: Mapping[str, Any]
) -> Judgement:
    """Judge a release by executions interleaved with the reference; a skip where they are too few yet."""
    aim = aim_of(settings, calibration.comparisons)
    judged, values = _interleaved(calibration, calibration.reference, pairs, settings, aim)
    sample = Sample(math.fsum(its for _, its in values) / len(values), [its - own for own, its in values])
    return _placed(judged, sample, calibration, aim)


def compare_sides(
    calibration: Calibration,
    before: str,
    pairs: Sequence[tuple[Trace, Trace]],
    settings: Mapping[str, Any],
    comparisons: int,
) -> Judgement:
    """Judge the newer side of a boundary by executions interleaved with the older one, whichever is the worse."""
    aim = replace(aim_of(settings, comparisons), worse=Worse.EITHER)
    return _interleaved(calibration, before, pairs, settings, aim)[0]


def _interleaved(
    calibration: Calibration,
    reference: str,
    pairs: Sequence[tuple[Trace, Trace]],
    settings: Mapping[str, Any],
    aim: Aim,
) -> tuple[Judgement, list[tuple[float, float]]]:
    floor = measure_noise([_of_reference(calibration, settings)])
    values = [(measure(own, settings), measure(its, settings)) for own, its in pairs]
    metric = Metric(settings["signal"], said(settings), reference)
    return judge_interleaved(metric, values, floor, aim, settings["pairs"]), values


def _placed(judged: Judgement, sample: Sample, calibration: Calibration, aim: Aim) -> Judgement:
    """Return a judgement with the level of the metric where every change counts."""
    return calibration.levels.placed(judged, sample, aim.risk) if aim.worse == Worse.EITHER else judged


def _of_reference(calibration: Calibration, settings: Mapping[str, Any]) -> list[float]:
    return [measure(trace, settings) for trace in calibration.traces]


def interleaves(settings: Mapping[str, Any], calibration: Calibration) -> bool:
    """Tell whether a plain script's metric differs between executions of one release.

    The noise of a job that takes a seed is that of its seeds; more of them tell more.
    """
    return bool(settings["exit_status"]) and not reproducible(_of_reference(calibration, settings))


def direction(settings: Mapping[str, Any]) -> Worse:
    """Return which change of the metric is a failure.

    It is what the settings say; by itself, the harness knows it only of what it measures.
    """
    stated = settings.get("higher_is_worse")
    if stated is None and settings["signal"] in OWN:
        stated = higher_is_worse(settings["signal"])
    return Worse.EITHER if stated is None else Worse.HIGHER if stated else Worse.LOWER


def aim_of(settings: Mapping[str, Any], comparisons: int) -> Aim:
    """Return which differences count."""
    return Aim(direction(settings), settings["minimum_effect"], settings["confidence"], comparisons)


def said(settings: Mapping[str, Any]) -> str:
    """Return what a sentence calls the metric."""
    name, window = settings["signal"], settings["window"]
    return name if window == 1 or name in OWN else f"mean of the last {window} values of {name}"


def reference_runs(settings: Mapping[str, Any], _seeds: int) -> list[tuple[int, int]]:
    """Return (seed, repeat) of the A/A runs: a script has no seed, so its runs are repeats, and so are those of a count.

    None of them is the first execution, which may have been started warm: noise is learnt from clean processes.
    """
    count = settings["aa_seeds"]
    if settings["exit_status"] or settings["signal"] in COUNTED:
        return [(0, repeat) for repeat in range(1, count + 1)]
    return [(seed, 1) for seed in range(count)]


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


_MEASURED = f"what the harness measures ({', '.join(MEASURED)}) or counts ({', '.join(COUNTED)})"

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
            "true for a loss, false for an accuracy; none: every change counts, but of what the harness measures "
            "or counts more is worse, and of a rate less",
            example=False,
        ),
        "minimum_effect": Key(
            ABOVE_1,
            "how many times the reference's value a change must be to count: 1.1 for one of 10% up, or down by as "
            "many times; none: every change beyond noise",
            example=1.1,
        ),
        "confidence": Key(SHARE, "of all comparisons together", default=0.95),
        "reference": REFERENCE,
        "aa_seeds": Key(
            COUNT,
            "executions of the reference, from which the noise is learnt: seeds, of a plain script repeats",
            default=5,
        ),
        "pairs": Key(
            COUNT,
            "executions interleaved with the reference that one comparison may take, where a plain script's metric "
            "differs between executions; it looks after 4, 8, 16 and so on, and never takes fewer than 4",
            default=16,
        ),
        "expect": Key(_EXPECTATION, "what is right; none: what the reference gives", example="<0.5"),
    },
    "good is a metric that is as expected or, without an expectation, what a good release gives, within noise",
    compares=lambda settings: settings["expect"] is None,
    compare=compare_metric,
    compare_pairs=compare_pairs,
    compare_sides=compare_sides,
    runs=reference_runs,
    alone=lambda settings: settings["signal"] in MEASURED,
    interleaves=interleaves,
    looks=lambda settings: Looks.of(settings["pairs"], aim_of(settings, 1)).pairs,
    two_sided=lambda settings: settings["expect"] is None and direction(settings) == Worse.EITHER,
)
