"""The ranks of one probe, seen from the harness: what is asked of `harness_ranks`, and one story out of what it left.

Each rank writes a trace of its own, beside the others. Afterwards `trace.jsonl` holds them one behind the other, each
behind a `rank` event that says how its process ended.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.files import write_atomic
from harness.recording import RECORDER
from harness.traces.rank import first_failure
from harness.traces.read import read_events

if TYPE_CHECKING:
    from pathlib import Path

    from harness.probes.probe import Execution, Probe
    from harness.traces.trace import Trace

_PORT = 29500
"""What torch's launcher takes where nothing else is asked for. A probe that has a network of its own finds it free."""
_EARLIER = 20.0
"""Seconds before a probe's time is up, a quarter of it at most, in which its ranks are asked for their stacks and ended."""
_FACTS = "ranks.jsonl"
_OF_RANK = re.compile(r"trace\.jsonl\.rank(\d{1,6})")


def variables(probe: Probe, folder: Path, holds: tuple[str, ...]) -> dict[str, str]:
    """Return the environment variables by which a probe's ranks are started; none for a single one.

    Args:
        probe: Says how many ranks.
        folder: Where the probe records.
        holds: What is shut off of it.
    """
    if probe.ranks == 1:
        return {}
    asked = {
        "count": probe.ranks,
        "port": _PORT if "network" in holds else 0,
        "facts": str(folder / _FACTS),
        "limit": max(probe.timeout * 0.75, probe.timeout - _EARLIER),
        "idle": None if probe.online else probe.hang_after,  # who waits for the network does not work either
    }
    # Without a name that can be resolved gloo finds no interface.
    return {"HARNESS_RANKS": json.dumps(asked), "GLOO_SOCKET_IFNAME": "lo"}


def command(words: list[str], probe: Probe, python: Path) -> list[str]:
    """Return the command line that starts another one once a rank; for a single rank that one itself."""
    if probe.ranks == 1:
        return words
    return [str(python), "-I", "-S", str(RECORDER / "harness_ranks.py"), *words]


def merge(folder: Path) -> None:
    """Make one trace of those that ranks left in the folder of a probe, if any did."""
    facts = _lines(folder / _FACTS)
    traces = {int(found[1]): path for path in folder.iterdir() if (found := _OF_RANK.fullmatch(path.name))}
    ends = {fact["rank"]: fact for fact in facts if "rank" in fact}
    if not traces and not ends:
        return
    tree = next((fact["tree"] for fact in facts if "tree" in fact), "")
    own = folder / "trace.jsonl"
    events = _lines(own)
    if own.is_dir() and not own.is_symlink():  # of the job's making
        shutil.rmtree(own, ignore_errors=True)
    events.append({"event": "ranks", "count": len(ends) or len(traces), "tree": tree})
    for rank in sorted({*traces, *ends}):
        unknown = {"status": None, "at": None, "ended_by": "", "stack": ""}
        events.append({"event": "rank", "rank": rank, **unknown, **ends.get(rank, {})})
        if rank in traces:
            events += _lines(traces[rank])
    write_atomic(own, "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events))


def end_of(execution: Execution, trace: Trace) -> Execution:
    """Return how a probe ended: with several ranks as the first of them that failed.

    Args:
        execution: How its first process ended.
        trace: Of all ranks.
    """
    if not trace.tree or execution.ended == "timeout":
        return execution
    if trace.tree == "late":
        return replace(execution, ended="timeout")
    first = first_failure(trace.ranks)
    return execution.ended_as(0 if first is None or first.status is None else first.status)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file as far as it can be read, but for those that no job writes."""
    try:
        events = read_events(path)
    except OSError:
        return []
    return [event for event in events if event.get("event") not in {"ranks", "rank"}]
