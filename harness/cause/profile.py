"""Which function takes more time or memory: both sides of a boundary are executed again with a profile, and compared.

Time and counts: both sides twice, in turns, and the smaller figure of each function counts, since what disturbs only adds.
The functions that differ most are then executed with their lines counted. Memory: one execution of each side tells its
peak, a second one looks at what is held there, by line.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.cause.bench import Trial
from harness.cause.function_exchange import Profile, exchange
from harness.report.profiled import FunctionResult, FunctionSide, ProfileResult
from harness.traces.measured import COUNTED
from harness.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.cause.bench import Bench
    from harness.cause.transplant import Pair
    from harness.sessions.finding import Finding

MOST_SHOWN = 12
"""Functions that a report keeps."""
_LEAST = 0.005
"""Share of all that is added, below which a function is left out."""
_LOOKED_INTO = 5
"""Functions whose lines are counted."""
_SPANS = {
    "import_seconds": "import",
    "step_seconds": "training",
    "steps_per_second": "training",
    "tokens_per_second": "training",
}
"""{metric: the part of the job that it is about}; others are about all of it."""
_BELOW = 3
_COLUMNS = {"operations": 2, "seconds": 3, "allocations": 4}
"""{measure: its place in a row of an operation of torch}."""

Key = tuple[str, str]
"""File and function."""
Line = tuple[int, int, float, str]
"""Number, how often it was executed, what it takes with all that it calls, text."""


class Sides(NamedTuple):
    """{function: what is attributed to it} on the older and on the newer side."""

    older: Mapping[Key, FunctionSide]
    newer: Mapping[Key, FunctionSide]


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

    def total(trace: Trace) -> float | None:
        return _total(trace, measure)

    instructions: dict[str, Any] = {**asked, "of": "time"}
    if measure == "bytes":
        instructions = {**asked, "of": "memory", "torch": uses_torch(pair), "device": bench.session.device}
    return replace(made, exchange=exchange(pair, bench, made, Profile(instructions, found.executed, total)))


def ranked(sides: Sides) -> list[FunctionResult]:
    """Return the functions that differ, those first that add most to the difference of the whole.

    A function's share is of all that goes the way of the whole; of one that goes the other way it is negative.
    """
    found = {
        key: FunctionResult(*key, sides.older.get(key), sides.newer.get(key), 0.0)
        for key in {**sides.older, **sides.newer}
    }
    whole = sum(one.change for one in found.values())
    sign = -1.0 if whole < 0 else 1.0
    moved = sum(max(0.0, sign * one.change) for one in found.values())
    if not moved:
        return []
    shared = [replace(one, share=sign * one.change / moved) for one in found.values()]
    kept = [one for one in shared if abs(one.share) >= _LEAST]
    return sorted(kept, key=lambda one: one.share, reverse=True)


def _metric(pair: Pair, signal: str) -> list[float | None]:
    return [_value(pair.before, signal), _value(pair.after, signal)]


def _value(finding: Finding, signal: str) -> float | None:
    """Return the median of a metric over the executions that a verdict rests on."""
    traces = [one.release.trace() for one in finding.pairs] or [one.trace for one in finding.seeds()]
    values = [trace.signal(signal)[-1:] for trace in traces]
    known = [value for several in values for value in several if value is not None]
    return median(known) if known else None


def _total(trace: Trace, measure: str) -> float | None:
    """Return the whole of a profile; None where it was not finished."""
    told = trace.profile
    if told is None or told["damaged"] or trace.error is not None:
        return None
    value = told.get("peak" if measure == "bytes" else measure)
    return None if value is None else float(value)


def _problem(traces: Sequence[Trace], measure: str) -> str:
    """Return why one of several profiles is none; empty if all are there."""
    for trace in traces:
        if _total(trace, measure) is None:
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
    counted = [[_counts(one) for one in side] for side in ours]
    counts = {
        name: [one.get(name, 0) for one, _ in counted]
        for name in COUNTED
        if any(name in one for one, _ in counted)
    }
    sides = Sides(*(_least([_functions(one, measure) for one in side]) for side in ours))
    totals = [min(_total(one, measure) or 0.0 for one in side) for side in ours]
    functions = ranked(sides)
    shown = _with_lines(
        pair, bench, asked, functions[:MOST_SHOWN], [_dispatched(side[0], measure) for side in ours]
    )
    return _Found(
        totals,
        shown,
        len(functions),
        executed([trace for side in ours for trace in side]),
        {"counts": counts, "equal": all(one == other for one, other in counted)},
    )


def executed(traces: Sequence[Trace]) -> list[Key]:
    """Return the functions that profiles know of."""
    sites = [site for trace in traces for site in (trace.profile or {}).get("sites", ())]
    return list(dict.fromkeys((site["file"], site["function"]) for site in sites if site["file"]))


def _counts(trace: Trace) -> dict[str, int]:
    told = trace.profile or {}
    return {name: int(told[name]) for name in COUNTED if name in told}


def _functions(trace: Trace, measure: str) -> dict[Key, FunctionSide]:
    """Return what a profile of time attributes to each function; several of one name are told together."""
    found: dict[Key, FunctionSide] = {}
    for site in (trace.profile or {}).get("sites", ()):
        key = (site["file"], site["function"])
        known = found.get(key, FunctionSide(site["line"], 0.0, 0))
        beneath = sorted(_beneath(site, measure), key=lambda row: row[1], reverse=True)[:_BELOW]
        found[key] = replace(
            known,
            amount=known.amount + site[measure],
            calls=(known.calls or 0) + site["calls"],
            below=known.below or dict(beneath),
        )
    return found


def _beneath(site: Mapping[str, Any], measure: str) -> list[tuple[str, float]]:
    """Return (name, amount) of what other libraries do on a function's account."""
    column = _COLUMNS.get(measure)
    rows: dict[str, float] = defaultdict(float)
    for row in site["dispatched"] if column else ():
        rows[row[0].removesuffix(".default")] += row[column]
    for name, calls, seconds in site["below"] if measure in {"seconds", "python_calls"} else ():
        rows[name] += seconds if measure == "seconds" else calls
    return list(rows.items())


def _least(several: Sequence[Mapping[Key, FunctionSide]]) -> dict[Key, FunctionSide]:
    """Return the smaller figure of each function in repeated executions of one release."""
    return {
        key: replace(side, amount=min(one[key].amount for one in several if key in one))
        for key, side in several[0].items()
    }


def _memory(pair: Pair, bench: Bench, asked: Mapping[str, Any]) -> _Found | str:
    places = (pair.older, pair.newer)
    asked = {**asked, "torch": uses_torch(pair), "device": bench.session.device}
    first = bench.traces([_trial(pair, place, "memory", asked) for place in places])
    if problem := _problem(first, "bytes"):
        return problem
    totals = [_total(trace, "bytes") or 0.0 for trace in first]
    second = bench.traces(
        [
            _trial(pair, place, "memory", {**asked, "peak": peak})
            for place, peak in zip(places, totals, strict=True)
        ]
    )
    if problem := _problem(second, "bytes"):
        return problem
    functions = ranked(Sides(*map(_holding, second)))
    return _Found(totals, functions[:MOST_SHOWN], len(functions), executed(second), {})


def uses_torch(pair: Pair) -> bool:
    """Tell whether the job imports torch."""
    return any("torch" in (side.trace.modules or ()) for side in (pair.before, pair.after))


def _holding(trace: Trace) -> dict[Key, FunctionSide]:
    """Return what each function holds at the peak, with the line that holds most."""
    lines: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for site in (trace.profile or {}).get("sites", ()):
        lines[site["file"], site["function"]].append(site)
    found = {}
    for key, sites in lines.items():
        top = max(sites, key=_bytes)
        found[key] = FunctionSide(
            line=top["line"],
            amount=float(sum(map(_bytes, sites))),
            top=top["at"] or None,
            text=top["text"],
        )
    return found


def _bytes(site: Mapping[str, Any]) -> int:
    return int(site["held"] + site["passing"])


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
        if one.change and sum(row[2] for row in lines[1]) - sum(row[2] for row in lines[0]) >= one.change / 2
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
    older, newer = (_lines(trace) for trace in (bench.traces(trials) if wanted else [Trace(), Trace()]))
    counted = {
        (one.file, one.function): [
            older.get((one.file, one.before.line if one.before else 0), []),
            newer.get((one.file, one.after.line if one.after else 0), []),
        ]
        for one in wanted
    }
    known = {**counted, **by_operation}
    return [_with_top(one, *known.get((one.file, one.function), ([], []))) for one in functions]


def _dispatched(trace: Trace, measure: str) -> dict[Key, list[Line]]:
    """Return the lines of each function that call operations of torch, with what these take there."""
    column = _COLUMNS.get(measure)
    found: dict[Key, dict[int, Line]] = defaultdict(dict)
    for site in (trace.profile or {}).get("sites", ()) if column else ():
        lines = found[site["file"], site["function"]]
        for row in site["dispatched"]:
            _, count, amount, _ = lines.get(row[1], (0, 0, 0.0, ""))
            lines[row[1]] = (row[1], count + row[2], amount + row[column], row[5])
    return {key: list(lines.values()) for key, lines in found.items()}


def _lines(trace: Trace) -> dict[tuple[str, int], list[Line]]:
    told = trace.profile or {}
    return {
        (one["file"], one["line"]): [(row[0], row[1], row[2], row[3]) for row in one["lines"]]
        for one in told.get("functions", ())
    }


def _with_top(one: FunctionResult, older: Sequence[Line], newer: Sequence[Line]) -> FunctionResult:
    """Return a function with the line that has most of the difference, and the line of the same text on the other side."""
    mine, others = (newer, older) if one.change >= 0 else (older, newer)
    took: dict[str, float] = defaultdict(float)
    for _, _, seconds, text in others:
        took[text] += seconds
    if not mine:
        return one
    top = max(mine, key=lambda line: line[2] - took.get(line[3], 0.0))
    twin = next((line for line in others if line[3] == top[3]), None)
    lines = (twin, top) if one.change >= 0 else (top, twin)
    before, after = (
        replace(side, top=line[0], top_count=line[1], text=line[3]) if side and line else side
        for side, line in zip((one.before, one.after), lines, strict=True)
    )
    return replace(one, before=before, after=after)


def _trial(pair: Pair, position: int, of: str, asked: Mapping[str, Any]) -> Trial:
    return Trial(pair.arm, position, f"profile of {of}", instructions={"profile": {**asked, "of": of}})
