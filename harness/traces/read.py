"""Reads a trace from its file, as far as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.files import number, parse_json, read_regular
from harness.traces.rank import combined, rank_of
from harness.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TEXT = frozenset(("NaN", "Infinity", "-Infinity"))
"""What `number` turns into numbers."""


def read_trace(path: Path) -> Trace:
    """Read a trace as far as it can be read; a missing file is an empty trace.

    Args:
        path: A file of JSON lines. A last line that was cut off is left out.
    """
    parts: list[list[dict[str, Any]]] = [[]]
    for event in read_events(path):
        if event.get("event") in {"ranks", "rank"}:
            parts.append([])
        parts[-1].append(event)
    own, *others = parts
    if not others:
        return _trace(own)
    tree, *ranks = others
    found = [rank_of(events[0], _trace(events[1:])) for events in ranks]
    return combined(_trace([*own, *(ranks[0][1:] if ranks else [])]), found, str(tree[0].get("tree")))


def _trace(events: Iterable[dict[str, Any]]) -> Trace:
    """Return the trace of one process, or of several that wrote into one file."""
    facts: dict[str, Any] = {}
    columns: tuple[str, ...] = ()
    rows: list[tuple[float | None, ...]] = []
    several: dict[str, list[dict[str, Any]]] = {
        name: []
        for name in (
            *("step", "nonfinite", "frame", "operation", "origin", "output", "warning", "record", "test"),
            *("replica", "whole", "collective"),
        )
    }
    for event in events:
        kind = str(event.get("event"))
        if kind in several:
            several[kind].append(event)
        if kind == "columns":
            columns = tuple(event["names"])
        elif kind == "step":
            values = event["values"]
            rows.append(tuple(map(number, values) if _TEXT.intersection(values) else values))
        elif kind == "training":
            facts["training"] = True
        elif kind == "memory":
            facts["memory_peak"] = int(event["peak"])
        elif kind == "modules":
            facts["modules"] = tuple(event["places"])
        elif kind in {
            "start",
            "census",
            "identity",
            "error",
            "end",
            "warned",
            "overlay",
            "executed",
            "profile",
            "pytest",
            "replicas",
        }:
            facts[kind] = event
    records: dict[str, list[float | None]] = {}
    for event in several["record"]:
        records.setdefault(event["name"], []).append(number(event["value"]))
    counts = facts.pop("warned", {}).get("counts") or [1] * len(several["warning"])
    return Trace(
        columns=columns,
        steps=tuple(event["step"] for event in several["step"]),
        rows=tuple(rows),
        nonfinite=tuple(
            {key: value for key, value in event.items() if key != "event"} for event in several["nonfinite"]
        ),
        frames=tuple({**event, "sample": list(map(number, event["sample"]))} for event in several["frame"]),
        operations=tuple(map(_operation, several["operation"])),
        origins=tuple(several["origin"]),
        records=records,
        outputs=tuple(
            {**event, "values": list(map(number, event.get("values", ())))} for event in several["output"]
        ),
        seconds=tuple(event.get("seconds") for event in several["step"]),
        tests=tuple(several["test"]),
        replica=tuple(map(_with_numbers, several["replica"])),
        whole=tuple(several["whole"]),
        collectives=tuple(several["collective"]),
        warnings=tuple(
            {**event, "count": count} for event, count in zip(several["warning"], counts, strict=False)
        ),
        **facts,
    )


def _with_numbers(event: dict[str, Any]) -> dict[str, Any]:
    """Return a `replica` event with its projections as numbers."""
    return {**event, **{name: list(map(number, event[name])) for name in ("own", "reduced", "values")}}


def _operation(event: dict[str, Any]) -> dict[str, Any]:
    outputs = [{**told, "sample": list(map(number, told.get("sample", ())))} for told in event["outputs"]]
    return {**event, "outputs": outputs}


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file of JSON lines, up to the first line that is none; none where there is no such file.

    Raises:
        OSError: It is there, and cannot be read.
    """
    try:
        text = read_regular(path).decode("utf-8", "replace")
    except (
        FileNotFoundError,
        ValueError,
    ):  # the job writes beside it, and may have put anything in its place
        return []
    events = []
    for line in text.splitlines():
        try:
            event = parse_json(line)
        except ValueError:
            break
        if not isinstance(event, dict):
            break
        events.append(event)
    return events
