"""The corners of a grid of two packages' releases: what stands for one that cannot be tested, and what they depend on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from harness.search.edges import AXES
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.search.edges import Cell

MOST_MOVES = 12
"""Cells asked beside a corner that cannot be tested, before it is given up."""


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


def stand_in(corner: Cell, sizes: tuple[int, int], verdicts: Mapping[Cell, Verdict]) -> Cell | None:
    """Return the nearest cell that is good or bad; None if a nearer one was not executed, or if there is none."""
    for cell in _walk(corner, sizes):
        verdict = verdicts.get(cell)
        if verdict in (Verdict.GOOD, Verdict.BAD):
            return cell
        if verdict is None:
            return None
    return None


def next_cell(
    corner: Cell, sizes: tuple[int, int], verdicts: Mapping[Cell, Verdict], asked: set[Cell]
) -> Cell | None:
    """Return the cell that must be executed to know what stands for a corner; None if that is known, or given up."""
    if sum(cell in asked for cell in _walk(corner, sizes)) > MOST_MOVES:
        return None
    for cell in _walk(corner, sizes):
        verdict = verdicts.get(cell)
        if verdict != Verdict.SKIP:
            return cell if verdict is None else None
    return None


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


def _walk(corner: Cell, sizes: tuple[int, int]) -> Iterator[Cell]:
    """Yield a corner, then the cells along its two edges, nearest first, without the other corners."""
    yield corner
    for distance in range(1, max(sizes) - 1):
        for axis in AXES:
            if distance < sizes[axis] - 1:
                moved = list(corner)
                moved[axis] += distance if corner[axis] == 0 else -distance
                yield moved[0], moved[1]
