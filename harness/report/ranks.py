"""The ranks of one execution as lines of text: folded where they are alike, with the place where each one stood still."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness.probes.probe import first_line
from harness.report.text import clean

if TYPE_CHECKING:
    from harness.traces.trace import Rank, Trace


def ranks_in_words(trace: Trace | None) -> str:
    """Return a line for each group of ranks that ended alike; empty for a single process."""
    ranks = trace.ranks if trace is not None else ()
    lines = []
    for said, members in groupby(ranks, key=_end):
        numbers = [rank.number for rank in members]
        name = f"rank {numbers[0]}" if len(numbers) == 1 else f"ranks {numbers[0]} to {numbers[-1]}"
        lines.append(f"{name}: {said}")
    return clean("\n".join(lines))


def stacks_in_words(trace: Trace | None) -> str:
    """Return the stacks of the ranks that the harness ended, each behind its rank."""
    ranks = trace.ranks if trace is not None else ()
    return clean("\n".join(f"rank {rank.number}:\n{rank.stack}" for rank in ranks if rank.stack))


def _end(rank: Rank) -> str:
    error = rank.trace.error or {}
    said = [f"{rank.steps} steps"]
    if error:
        said.append(f"{error.get('exception')}: {first_line(str(error.get('message', '')))}")
    if rank.ended_by:
        said.append("ended by the harness")
    elif rank.status is not None:
        said.append(f"signal {-rank.status}" if rank.status < 0 else f"exit status {rank.status}")
    return ", ".join(said)
