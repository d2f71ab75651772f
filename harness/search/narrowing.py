"""Where to probe next when verdicts are trusted: gaps between releases that differ, cut into even parts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.search.knowledge import Knowledge, Signal


class Gap(NamedTuple):
    """Two releases with a result, and those between them that have none yet."""

    before: int
    after: int
    candidates: tuple[int, ...]


def gaps(known: Knowledge, anchors: Sequence[int]) -> list[Gap]:
    """Return the gaps between neighbouring anchors (positions in order) that still hold candidates."""
    found = [
        Gap(before, after, tuple(p for p in range(before + 1, after) if not known.tested(p)))
        for before, after in pairwise(anchors)
    ]
    return [gap for gap in found if gap.candidates]


def splitting_gaps(known: Knowledge) -> list[Gap]:
    """Return the gaps with candidates whose two sides differ in a signal, or in a trace alone."""
    by_signal = differing_gaps(known)
    told = set(by_signal)
    every = gaps(known, known.testable())
    return by_signal + [
        gap for gap in every if gap not in told and known.trace(gap.before) != known.trace(gap.after)
    ]


def differing_gaps(known: Knowledge) -> list[Gap]:
    """Return the gaps with candidates whose two sides differ: good and bad, or two failures.

    The gap between a good release and the failure of the newest bad one comes first, so that it is cut first.
    """
    states = {
        p: Verdict.GOOD if known.verdict(p) == Verdict.GOOD else known.signal(p) for p in known.testable()
    }
    newest = next((state for state in reversed(states.values()) if state != Verdict.GOOD), None)
    found = [gap for gap in gaps(known, list(states)) if _differ(states[gap.before], states[gap.after])]
    return sorted(found, key=lambda gap: {states[gap.before], states[gap.after]} != {Verdict.GOOD, newest})


def _differ(old: Signal | None, new: Signal | None) -> bool:
    """Tell whether two signals differ; a failure without a fingerprint is taken for any."""
    if Verdict.GOOD in (old, new):
        return old != new
    return Verdict.BAD not in (old, new) and old != new


def cut(parts: Iterable[tuple[int, ...]], pending: set[int], slots: int) -> list[int]:
    """Choose up to `slots` candidates so that the largest remaining part is as small as can be.

    A part of g boundaries (one more than its candidates) cut at k candidates leaves parts of at most
    ⌈g / (k + 1)⌉, so that ⌈log_{k+1} g⌉ rounds suffice; a skipped release is no candidate, so its nearest
    untested neighbour takes its place.

    Args:
        parts: Candidates of each gap, in order.
        pending: Candidates being probed already; they cut as well.
        slots: How many to choose.
    """
    whole = [piece for part in parts for piece in _between(part, pending)]
    points = [0] * len(whole)
    for _ in range(slots):
        open_parts = [i for i, piece in enumerate(whole) if points[i] < len(piece)]
        if not open_parts:
            break
        points[max(open_parts, key=lambda i: (len(whole[i]) + 1) / (points[i] + 1))] += 1
    return [
        piece[cut_at * (len(piece) + 1) // (count + 1) - 1]
        for piece, count in zip(whole, points, strict=True)
        for cut_at in range(1, count + 1)
    ]


def rounds(boundaries: int, jobs: int) -> int:
    """Return ⌈log_{jobs+1} boundaries⌉, the rounds that cutting needs, in whole numbers."""
    needed, reach = 0, 1
    while reach < boundaries:
        reach *= jobs + 1
        needed += 1
    return needed


def _between(part: tuple[int, ...], pending: set[int]) -> list[tuple[int, ...]]:
    """Return the runs of candidates between those being probed."""
    pieces: list[list[int]] = [[]]
    for candidate in part:
        if candidate in pending:
            pieces.append([])
        else:
            pieces[-1].append(candidate)
    return [tuple(piece) for piece in pieces if piece]
