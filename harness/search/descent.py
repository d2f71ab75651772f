"""The smallest pair of two packages' releases: from a corner inwards, along one package after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.search.edges import AXES, Change, Edge
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from harness.search.edges import Cell, Edges


def descend(
    edges: Edges, odd: Verdict, start: Cell, far: Cell
) -> tuple[Cell, tuple[Change, ...]] | Edge | None:
    """Return the pair that is reached from a corner, with one change along each axis.

    Args:
        edges: What was answered.
        odd: Verdict of the corner, which no other corner has.
        start: The corner.
        far: The opposite corner.

    Returns:
        The pair and its changes, in the order of axes; or the edge that must be answered first; or None where
        no pair is reached.
    """
    for order in (AXES, AXES[::-1]):
        found = _walk(edges, odd, start, far, order)
        if found is not None:
            return found
    return None


def _walk(
    edges: Edges, odd: Verdict, start: Cell, far: Cell, order: tuple[int, ...]
) -> tuple[Cell, tuple[Change, ...]] | Edge | None:
    """Walk towards the far corner as far as the verdict holds; every move ends at a boundary.

    The cell that is at a boundary along both axes is the pair. Every other move is nearer to the far corner, so the
    walk ends.
    """
    other = Verdict.GOOD if odd == Verdict.BAD else Verdict.BAD
    here, seen = list(start), list(far)
    while True:
        before = list(here)
        changes: dict[int, Change] = {}
        for axis in order:
            found = _step(edges, odd, here, axis, far=far[axis], seen=seen[axis])
            if not isinstance(found, Change):
                return found
            changes[axis] = found
            here[axis], seen[axis] = found.side(odd), found.side(other)
        if here == before:
            return (here[0], here[1]), tuple(changes[axis] for axis in AXES)


def _step(
    edges: Edges, odd: Verdict, here: list[int], axis: int, *, far: int, seen: int
) -> Change | Edge | None:
    """Return the nearest known change from a cell on; or the edge to ask for one; None if there is none."""
    start, at = here[axis], here[1 - axis]
    if start == far:
        return None
    away = 1 if far > start else -1
    kind = "regressed" if (odd == Verdict.GOOD) == (far > start) else "fixed"  # what is met where `odd` ends
    ahead = [
        change
        for change in edges.changes(axis, at)
        if change.boundary.kind == kind and (change.side(odd) - start) * away >= 0
    ]
    if ahead:
        return min(ahead, key=lambda change: abs(change.side(odd) - start))
    ends = (
        [seen] if (seen - start) * away > 0 else []
    )  # that far it was the last time: most often it still is
    for end in (*ends, far):
        edge = Edge(axis, at, min(start, end), max(start, end))
        if not edges.covered(edge):
            return edge
    return None
