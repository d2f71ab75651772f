"""The line that did it: both sides of a boundary are built once more while every executed line is watched.

The recorder's `watchpoint` reads the property that makes the difference after each line of the package under test; the
job ends when training begins, so an execution costs the building of the model and no training.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.cause.bench import Bench, Trial
from harness.report.attribution import CodeLine, DifferenceResult, LineResult
from harness.report.causes import best

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cause.transplant import Pair
    from harness.report.attribution import AttemptResult
    from harness.traces.trace import Trace

WATCHED = ("dtype", "shape", "trainable", "start", "buffer", "attribute", "config")
"""Kinds of differences whose origin the recorder can watch."""

_MOST_NAMES = 8


def lines(
    pair: Pair, attempts: Sequence[AttemptResult], differences: Sequence[DifferenceResult], bench: Bench
) -> list[LineResult]:
    """Return the lines that set, on either side, the property that makes the difference.

    Args:
        pair: The boundary.
        attempts: The exchanges that were tried.
        differences: All groups, the likelier causes first.
        bench: Executes both sides.
    """
    watched = to_watch(attempts, differences)
    censuses = (pair.before.trace.census, pair.after.trace.census)
    if not watched or not all(censuses):
        return []
    package = bench.session.asked.package
    trials = [
        Trial(
            pair.arm,
            position,
            "the line",
            instructions={
                "watchpoint": {
                    "package": package,
                    "properties": [_asked(difference, census or {}) for difference in watched],
                }
            },
        )
        for position, census in zip((pair.older, pair.newer), censuses, strict=True)
    ]
    bench.watcher.note("both sides are built again, to find the line that sets the property")
    older, newer = bench.traces(trials)
    releases = [bench.session.releases[place].version for place in (pair.older, pair.newer)]
    return [*of_side("before", releases[0], older), *of_side("after", releases[1], newer)]


def to_watch(
    attempts: Sequence[AttemptResult], differences: Sequence[DifferenceResult]
) -> list[DifferenceResult]:
    """Return the properties of the known cause; where none is known, the likeliest difference."""
    proof = best(attempts)
    if proof is not None and proof.status in {"confirmed", "supported"}:
        return [difference for difference in proof.differences if difference.kind in WATCHED]
    return [difference for difference in differences if difference.kind in WATCHED][:1]


def of_side(side: str, release: str, trace: Trace) -> list[LineResult]:
    """Return what one side's watch saw, in order of execution; parameters that one line set alike are one result."""
    merged: dict[tuple[int, str], tuple[Mapping[str, Any], Mapping[str, Any], list[str], int]] = {}
    for origin in trace.origins:
        changes = origin["changes"]
        for place, change in enumerate(changes):
            what = (origin["property"], origin["key"], change, place == len(changes) - 1)
            _, _, names, count = merged.get((place, repr(what)), (origin, change, [], 0))
            merged[place, repr(what)] = (origin, change, [*names, *origin["names"]], count + origin["count"])
    longest = {(origin["property"], origin["key"]): len(origin["changes"]) for origin in trace.origins}
    return [
        LineResult(
            side=side,
            release=release,
            property=origin["property"],
            key=origin["key"],
            names=names[:_MOST_NAMES],
            count=count,
            previous=change["previous"],
            value=change["value"],
            last=place == len(origin["changes"]) - 1,
            code=None if change["outside"] else code_line(change),
            stack=[code_line(caller) for caller in change["stack"]],
            below=code_line(change["below"]) if change["below"] else None,
        )
        for (place, _), (origin, change, names, count) in sorted(
            merged.items(),
            key=lambda item: (list(longest).index((item[1][0]["property"], item[1][0]["key"])), item[0][0]),
        )
    ]


def code_line(line: Mapping[str, Any]) -> CodeLine:
    """Return a line of code as a report keeps it."""
    return CodeLine(line["file"], line["line"], line["text"], line["function"])


def _asked(difference: DifferenceResult, census: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the recorder is asked about one difference on the side with this census."""
    tensors = census.get("buffers" if difference.kind == "buffer" else "parameters", [])
    chosen = [tensor for tensor in tensors if _named(tensor["name"], difference.names)]
    modules = [module for module in census.get("modules", []) if _named(module["name"], difference.names)]
    shapes = [] if difference.kind == "shape" else [list(tensor["shape"]) for tensor in chosen]
    return {
        "property": difference.kind,
        "key": difference.key,
        "names": difference.names,
        "leaves": _distinct([tensor.get("raw", tensor["name"]).rpartition(".")[2] for tensor in chosen]),
        "shapes": _distinct(shapes),
        "classes": _distinct([module["class"] for module in modules]),
    }


def _named(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _distinct(values: Sequence[Any]) -> list[Any]:
    return [value for place, value in enumerate(values) if value not in values[:place]]
