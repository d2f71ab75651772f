"""What profiles say of each function: read from the traces of both sides, and put beside each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.report.profiled import FunctionResult, FunctionSide
from harness.traces.measured import COUNTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace

_LEAST = 0.005
"""Share of all that is added, below which a function is left out."""
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


def total_of(trace: Trace, measure: str) -> float | None:
    """Return the whole of a profile; None where it was not finished."""
    told = trace.profile
    if told is None or told["damaged"] or trace.error is not None:
        return None
    value = told.get("peak" if measure == "bytes" else measure)
    return None if value is None else float(value)


def executed(traces: Sequence[Trace]) -> list[Key]:
    """Return the functions that profiles know of."""
    sites = [site for trace in traces for site in (trace.profile or {}).get("sites", ())]
    return list(dict.fromkeys((site["file"], site["function"]) for site in sites if site["file"]))


def counts_of(trace: Trace) -> dict[str, int]:
    """Return {name: how many} of what a profile of time counts."""
    told = trace.profile or {}
    return {name: int(told[name]) for name in COUNTED if name in told}


def functions_of(trace: Trace, measure: str) -> dict[Key, FunctionSide]:
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


def least_of(several: Sequence[Mapping[Key, FunctionSide]]) -> dict[Key, FunctionSide]:
    """Return the smaller figure of each function in repeated executions of one release."""
    return {
        key: replace(side, amount=min(one[key].amount for one in several if key in one))
        for key, side in several[0].items()
    }


def holding(trace: Trace) -> dict[Key, FunctionSide]:
    """Return what each function holds at the peak, with the line that holds most."""
    lines: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for site in (trace.profile or {}).get("sites", ()):
        lines[site["file"], site["function"]].append(site)
    found = {}
    for key, sites in lines.items():
        top = max(sites, key=_surely)
        found[key] = FunctionSide(
            line=top["line"],
            amount=float(sum(map(_bytes, sites))),
            top=top["at"] or None,
            text=top["text"],
        )
    return found


def _bytes(site: Mapping[str, Any]) -> int:
    return int(site["held"] + site["passing"])


def _surely(site: Mapping[str, Any]) -> float:
    """Return how surely a line is the one: what passes is seen at the next call or return, which may be a later line."""
    return float(site["held"] + site["passing"] / 2)


def dispatched_lines(trace: Trace, measure: str) -> dict[Key, list[Line]]:
    """Return the lines of each function that call operations of torch, with what these take there."""
    column = _COLUMNS.get(measure)
    found: dict[Key, dict[int, Line]] = defaultdict(dict)
    for site in (trace.profile or {}).get("sites", ()) if column else ():
        lines = found[site["file"], site["function"]]
        for row in site["dispatched"]:
            _, count, amount, _ = lines.get(row[1], (0, 0, 0.0, ""))
            lines[row[1]] = (row[1], count + row[2], amount + row[column], row[5])
    return {key: list(lines.values()) for key, lines in found.items()}


def counted_lines(trace: Trace) -> dict[tuple[str, int], list[Line]]:
    """Return {(file, first line of a function): its lines} of a profile of lines."""
    told = trace.profile or {}
    return {
        (one["file"], one["line"]): [(row[0], row[1], row[2], row[3]) for row in one["lines"]]
        for one in told.get("functions", ())
    }


def with_top(one: FunctionResult, older: Sequence[Line], newer: Sequence[Line]) -> FunctionResult:
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
