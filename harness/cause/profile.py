"""Which function takes more time or memory: both sides of a boundary are executed again with a profile, and compared.

Time and counts: both sides twice, in turns, and the smaller figure of each function counts, since what disturbs only adds.
The functions that differ most are then executed with their lines counted. Memory: one execution of each side tells its
peak, a second one looks at what is held there, by line.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.cause.bench import Trial
from harness.cause.function_exchange import Profile, exchange
from harness.cause.profile_reading import (
    Sides,
    counted_lines,
    counts_of,
    dispatched_lines,
    executed,
    functions_of,
    holding,
    least_of,
    ranked,
    total_of,
    with_top,
)
from harness.report.profiled import ProfileResult
from harness.traces.measured import COUNTED, figure
from harness.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.cause.bench import Bench
    from harness.cause.profile_reading import Key, Line
    from harness.cause.transplant import Pair
    from harness.report.profiled import FunctionResult, FunctionSide
    from harness.sessions.finding import Finding

MOST_SHOWN = 12
"""Functions that a report keeps."""
_LOOKED_INTO = 5
"""Functions whose lines are counted."""
_MOST = 0.5
"""Share of a function's difference, from which on operations of torch tell its line."""
_SPANS = {
    "import_seconds": "import",
    "step_seconds": "training",
    "steps_per_second": "training",
    "tokens_per_second": "training",
}
"""{metric: the part of the job that it is about}; others are about all of it."""


def measure_of(signal: str) -> str:
    """Return what a profile attributes where this metric differs."""
    return signal if signal in COUNTED else "bytes" if signal == "memory_peak" else "seconds"


def profile(pair: Pair, signal: str, bench: Bench) -> ProfileResult:
    """Profile both sides of a boundary.

    Args:
        pair: The boundary.
        signal: The metric that differs.
        bench: Executes both sides.
    """
    version = bench.session.releases[pair.newer].version
    bench.watcher.note(f"both sides of {version} are executed again, to see what takes more {signal}")
    measure = measure_of(signal)
    empty = ProfileResult(signal, measure, _metric(pair, signal), [], [])
    asked = {"package": bench.session.asked.package, "span": _SPANS.get(signal, "all")}
    found = _memory(pair, bench, asked) if measure == "bytes" else _time(pair, bench, asked, measure)
    if isinstance(found, str):
        return replace(empty, problem=found)
    left_out = found.differing - len(found.functions)
    made = replace(empty, totals=found.totals, functions=found.functions, left_out=left_out, **found.facts)

    instructions: dict[str, Any] = {**asked, "of": "time"}
    if measure == "bytes":
        instructions = {**asked, "of": "memory", "torch": uses_torch(pair), "device": bench.session.device}
    return replace(
        made,
        exchange=exchange(
            pair, bench, made, Profile(instructions, found.executed, partial(total_of, measure=measure))
        ),
    )


def _metric(pair: Pair, signal: str) -> list[float | None]:
    return [_value(pair.before, signal), _value(pair.after, signal)]


def _value(finding: Finding, signal: str) -> float | None:
    """Return the median of a metric over the executions that a verdict rests on."""
    traces = [one.release.trace() for one in finding.pairs] or [one.trace for one in finding.seeds()]
    values = [trace.signal(signal)[-1:] for trace in traces]
    known = [value for several in values for value in several if value is not None]
    return median(known) if known else None


def _problem(traces: Sequence[Trace], measure: str) -> str:
    """Return why one of several profiles is none; empty if all are there."""
    for trace in traces:
        if total_of(trace, measure) is None:
            error = trace.error or {}
            if trace.profile is not None and trace.profile["damaged"]:
                return "the job sets a profile of its own"
            if error:
                return f"the profiled job fails: {error.get('exception')}: {error.get('message')}"
            return "the profiled job did not come to its end"
    return ""


class _Found(NamedTuple):
    """Totals, the functions to show, how many differ, all that are executed, and further fields of the result."""

    totals: list[float]
    functions: list[FunctionResult]
    differing: int
    executed: list[Key]
    facts: dict[str, Any]


def _time(pair: Pair, bench: Bench, asked: Mapping[str, Any], measure: str) -> _Found | str:
    turns = ((pair.older, 0), (pair.newer, 0), (pair.newer, 1), (pair.older, 1))
    trials = [_trial(pair, place, "time", {**asked, "turn": turn}) for place, turn in turns]
    traces = bench.traces(trials)
    if problem := _problem(traces, measure):
        return problem
    ours = [[traces[0], traces[3]], [traces[1], traces[2]]]
    counted = [[counts_of(one) for one in side] for side in ours]
    counts = {
        name: [one.get(name, 0) for one, _ in counted]
        for name in COUNTED
        if any(name in one for one, _ in counted)
    }
    sides = Sides(*(least_of([functions_of(one, measure) for one in side]) for side in ours))
    totals = [min(total_of(one, measure) or 0.0 for one in side) for side in ours]
    functions = ranked(sides)
    shown = _with_lines(
        pair, bench, asked, functions[:MOST_SHOWN], [dispatched_lines(side[0], measure) for side in ours]
    )
    return _Found(
        totals,
        shown,
        len(functions),
        executed([trace for side in ours for trace in side]),
        {"counts": counts, "equal": all(one == other for one, other in counted)},
    )


def _memory(pair: Pair, bench: Bench, asked: Mapping[str, Any]) -> _Found | str:
    places = (pair.older, pair.newer)
    asked = {**asked, "torch": uses_torch(pair), "device": bench.session.device}
    first = bench.traces([_trial(pair, place, "memory", asked) for place in places])
    if problem := _problem(first, "bytes"):
        return problem
    totals = [total_of(trace, "bytes") or 0.0 for trace in first]
    second = bench.traces(
        [
            _trial(pair, place, "memory", {**asked, "peak": peak})
            for place, peak in zip(places, totals, strict=True)
        ]
    )
    if problem := _problem(second, "bytes") or _never_close(totals, second):
        return problem
    functions = ranked(Sides(*map(holding, second)))
    return _Found(totals, functions[:MOST_SHOWN], len(functions), executed(second), {})


def _never_close(totals: Sequence[float], second: Sequence[Trace]) -> str:
    """Return why nothing is known of what a side holds at its peak: its second execution never came near it."""
    for total, trace in zip(totals, second, strict=True):
        if not (trace.profile or {}).get("sites"):
            held = total_of(trace, "bytes") or 0.0
            return (
                f"two executions of one release hold {figure('memory_peak', total)} and {figure('memory_peak', held)} "
                "at most: what is held was not looked at"
            )
    return ""


def uses_torch(pair: Pair) -> bool:
    """Tell whether the job imports torch."""
    return any("torch" in (side.trace.modules or ()) for side in (pair.before, pair.after))


def _with_lines(
    pair: Pair,
    bench: Bench,
    asked: Mapping[str, Any],
    functions: Sequence[FunctionResult],
    dispatched: Sequence[Mapping[Key, list[Line]]],
) -> list[FunctionResult]:
    """Return the functions with the line in each that has most of the difference, of those that add most of it.

    Of a function that spends it on operations of torch, the profile knows the line; of others it is counted now.
    """
    by_operation = {
        (one.file, one.function): lines
        for one in functions
        for lines in [[side.get((one.file, one.function), []) for side in dispatched]]
        if one.change
        and (sum(row[2] for row in lines[1]) - sum(row[2] for row in lines[0])) / one.change >= _MOST
    }
    wanted = [
        one
        for one in functions
        if one.file and one.share > 0 and (one.file, one.function) not in by_operation
    ][:_LOOKED_INTO]
    sides: tuple[tuple[int, Callable[[FunctionResult], FunctionSide | None]], ...] = (
        (pair.older, lambda one: one.before),
        (pair.newer, lambda one: one.after),
    )
    trials = [
        _trial(
            pair,
            place,
            "lines",
            {
                **asked,
                "functions": [[one.file, side.line] for one in wanted if (side := of(one)) is not None],
            },
        )
        for place, of in sides
    ]
    older, newer = (
        counted_lines(trace) for trace in (bench.traces(trials) if wanted else [Trace(), Trace()])
    )
    counted = {
        (one.file, one.function): [
            older.get((one.file, one.before.line if one.before else 0), []),
            newer.get((one.file, one.after.line if one.after else 0), []),
        ]
        for one in wanted
    }
    known = {**counted, **by_operation}
    return [with_top(one, *known.get((one.file, one.function), ([], []))) for one in functions]


def _trial(pair: Pair, position: int, of: str, asked: Mapping[str, Any]) -> Trial:
    return Trial(pair.arm, position, f"profile of {of}", instructions={"profile": {**asked, "of": of}})
