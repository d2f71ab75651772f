"""The ranks of one job: how each ended, what each recorded, and which of them failed first.

A rank that fails takes the others with it: they lose their connection, or the harness ends them. What these say is no
failure of theirs.
"""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.traces.trace import Rank, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_LINE = re.compile(r"^\[rank(\d+)\]: ?(?:\[rank\1\]: ?)?(.*)$")
"""A line of a rank: behind the mark of `harness_ranks`, and perhaps behind that of torch's own exception hook."""


def first_failure(ranks: Sequence[Rank]) -> Rank | None:
    """Return the rank whose failure came first, None if none failed.

    An error of its own comes before the loss of a connection, and before a signal that follows from one.
    """

    def order(rank: Rank) -> tuple[bool, bool, float, int]:
        followed = rank.status in {-signal.SIGABRT, -signal.SIGTERM} and rank.trace.error is None
        return rank.lost_others, followed, rank.at or 0.0, rank.number

    return min((rank for rank in ranks if rank.failed), key=order, default=None)


def unsure(trace: Trace) -> bool:
    """Tell whether an execution is to be tried again: its ranks hang, found no port, or died after they were done."""
    first = first_failure(trace.ranks)
    return (
        trace.tree == "hang"
        or (first is not None and first.no_rendezvous)
        or any(rank.aborted_at_the_end for rank in trace.ranks)
    )


def combined(own: Trace, ranks: Sequence[Rank], tree: str) -> Trace:
    """Return one trace of all ranks: what the first rank recorded, the first failure's error, and all of them in `ranks`.

    What other ranks recorded under a name is `NAME@RANK`. The memory of all counts together.

    Args:
        own: Of the first rank, with what the process that started it recorded.
        ranks: By number.
        tree: How all of them ended.
    """
    records = dict(own.records)
    for rank in ranks[1:]:
        records |= {f"{name}@{rank.number}": values for name, values in rank.trace.records.items()}
    peaks = [rank.trace.memory_peak for rank in ranks]
    known = [peak for peak in peaks if peak is not None]
    first = first_failure(ranks)
    return replace(
        own,
        records=records,
        error=first.trace.error if first is not None else own.error,
        memory_peak=sum(known) if known and len(known) == len(peaks) else own.memory_peak,
        ranks=tuple(ranks),
        tree=tree,
    )


def outputs_of(output: str) -> dict[int, str]:
    """Return {rank: what it printed} of an output whose lines carry their rank; empty where none does."""
    found: dict[int, list[str]] = {}
    for rank, line in _marked(output):
        found.setdefault(rank, []).append(line)
    return {rank: "\n".join(lines) + "\n" for rank, lines in sorted(found.items())}


def _marked(output: str) -> Iterator[tuple[int, str]]:
    for line in output.splitlines():
        match = _LINE.match(line)
        if match:
            yield int(match[1]), match[2]


def rank_of(facts: dict[str, Any], trace: Trace) -> Rank:
    """Return the rank that a `rank` event describes.

    Args:
        facts: The event.
        trace: What came behind it.
    """
    return Rank(facts["rank"], facts["status"], facts["at"], facts["ended_by"], facts["stack"], trace)
