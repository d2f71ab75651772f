"""The corners of a grid of two packages' releases: what stands for one that cannot be tested, and what they depend on."""

from __future__ import annotations

from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from harness.search.edges import AXES
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.search.edges import Cell

MOST_MOVES = 16
"""Distances tried along one edge beside a corner that cannot be tested, before it is given up."""


class Shape(StrEnum):
    """What the corners depend on: nothing, one package, either of them alone, or a pair."""

    ALIKE = "alike"
    ONE = "one"
    EACH = "each"
    BOTH = "both"
    UNTESTABLE = "untestable"


def ends(sizes: tuple[int, int]) -> list[Cell]:
    """Return the four corners: both oldest, the first newest, the second newest, both newest."""
    first, second = (size - 1 for size in sizes)
    return [(0, 0), (first, 0), (0, second), (first, second)]


def stand_in(
    corner: Cell, sizes: tuple[int, int], verdicts: Mapping[Cell, Verdict]
) -> tuple[Cell | None, Cell | None]:
    """Return what stands for a corner as far as is known, and the cell that must be executed to know it better.

    It is the corner itself, or else the nearest cell along one of its edges that is good or bad: found by doubling the
    distance, then by halving back, since what cannot be tested mostly ends somewhere and does not come again.
    """
    if verdicts.get(corner) != Verdict.SKIP:
        return (corner, None) if corner in verdicts else (None, corner)
    tried = [_distances(size - 2) for size in sizes]
    for pair in zip_longest(*tried):
        for axis, distance in zip(AXES, pair, strict=True):
            if distance is None:
                continue
            cell = _moved(corner, axis, distance)
            if cell not in verdicts:
                return None, cell
            if verdicts[cell] != Verdict.SKIP:
                return _nearest(corner, axis, distance, verdicts)
    return None, None


def _nearest(
    corner: Cell, axis: int, distance: int, verdicts: Mapping[Cell, Verdict]
) -> tuple[Cell, Cell | None]:
    """Halve back from a cell that can be tested to the nearest one; return it as far as is known, and what to ask."""
    known = range(1, distance)
    skipped = max(
        (one for one in known if verdicts.get(_moved(corner, axis, one)) == Verdict.SKIP), default=0
    )
    while distance - skipped > 1:
        middle = (distance + skipped) // 2
        cell = _moved(corner, axis, middle)
        if cell not in verdicts:
            return _moved(corner, axis, distance), cell
        if verdicts[cell] == Verdict.SKIP:
            skipped = middle
        else:
            distance = middle
    return _moved(corner, axis, distance), None


def _distances(longest: int) -> list[int]:
    """Return how far from a corner to look: 1, 2, 4 and so on, the longest, then those between, nearest first."""
    doubled = [2**power for power in range(longest.bit_length())] if longest > 0 else []
    every = dict.fromkeys([*doubled, *([longest] if longest > 0 else []), *range(1, longest)])
    return list(every)[:MOST_MOVES]


def _moved(corner: Cell, axis: int, distance: int) -> Cell:
    """Return the cell at a distance from a corner, along an edge of the grid."""
    moved = list(corner)
    moved[axis] += distance if corner[axis] == 0 else -distance
    return moved[0], moved[1]


def shape(corners: Sequence[Verdict | None]) -> tuple[Shape, int | None]:
    """Return what four verdicts in the order of `ends` depend on, and which package where it is one."""
    oldest, first, second, newest = corners
    if None in corners:
        return Shape.UNTESTABLE, None
    if oldest == first == second == newest:
        return Shape.ALIKE, None
    if oldest == second and first == newest:
        return Shape.ONE, 0
    if oldest == first and second == newest:
        return Shape.ONE, 1
    return (Shape.EACH if first == second != oldest else Shape.BOTH), None
