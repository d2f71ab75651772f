"""Two packages at once: what to ask next of a grid of releases, and what follows from the answers; pure.

A cell is a pair of releases. An edge is a range of one package's releases with the other package held at one release:
an ordinary question, which an ordinary search answers. The corners are asked first. What they say decides which edges
matter, and from those follows the answer: one package alone, either of them, or a pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from harness.search.boundaries import Conclusion
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.search.boundaries import Boundary

Cell: TypeAlias = tuple[int, int]
"""Position among the first package's releases, and among the second's; each from 0, oldest first."""

AXES = (0, 1)
MOST_MOVES = 12
"""Cells asked beside a corner that cannot be tested, before it is given up."""


class Shape(StrEnum):
    """What the corners depend on."""

    ALIKE = "alike"
    ONE = "one"
    EACH = "each"
    BOTH = "both"
    UNTESTABLE = "untestable"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A range of one package's releases, the other package held.

    Attributes:
        axis: The package that varies: 0 or 1.
        at: Position of the other one.
        first, last: Ends of the range.
    """

    axis: int
    at: int
    first: int
    last: int

    def cell(self, position: int) -> Cell:
        """Return the cell of a release of the package that varies."""
        return (position, self.at) if self.axis == 0 else (self.at, position)

    def covers(self, other: Edge) -> bool:
        """Tell whether the other edge is a part of this one."""
        same = (self.axis, self.at) == (other.axis, other.at)
        return same and self.first <= other.first and other.last <= self.last


@dataclass(frozen=True, slots=True)
class Change:
    """A boundary of one edge: its positions are those of the package that varies."""

    axis: int
    at: int
    boundary: Boundary

    def sides(self) -> dict[Verdict, int]:
        """Return {verdict: position of the side that has it}."""
        new, old = Verdict.BAD, Verdict.GOOD
        if self.boundary.kind == "fixed":
            new, old = old, new
        return {old: self.boundary.before, new: self.boundary.after}


@dataclass(frozen=True, slots=True)
class GridAnswer:
    """What is known of a grid.

    Attributes:
        shape: What the corners depend on.
        conclusion: One of the contract's.
        corners: What stands for each corner, in the order of `Grid.ends`; None where nothing can be tested.
        axis: The package that decides; shape `one` alone.
        pair: The cell that differs from its neighbour along either axis; shape `both` alone, if there is one.
        changes: The boundaries that this rests on; with a pair, one along each axis, in the order of axes.
    """

    shape: Shape
    conclusion: Conclusion
    corners: tuple[Cell | None, ...]
    axis: int | None = None
    pair: Cell | None = None
    changes: tuple[Change, ...] = ()


class Grid:
    """What is known of a grid, and what to ask of it.

    Args:
        sizes: Number of releases of each package.

    Attributes:
        verdicts: Of every cell that was executed or cannot be.
        disputed: Cells of which two edges say different things.
    """

    def __init__(self, sizes: tuple[int, int]) -> None:
        self.sizes = sizes
        self.verdicts: dict[Cell, Verdict] = {}
        self.disputed: set[Cell] = set()
        self._answers: dict[Edge, Sequence[Boundary]] = {}
        self._unsure: set[Edge] = set()
        self._asked: set[Cell] = set()

    def tell(self, cell: Cell, verdict: Verdict) -> None:
        """Take in a verdict; untested says nothing."""
        if verdict == Verdict.UNTESTED:
            return
        if {self.verdicts.get(cell), verdict} == {Verdict.GOOD, Verdict.BAD}:
            self.disputed.add(cell)
        if verdict != Verdict.SKIP or cell not in self.verdicts:
            self.verdicts[cell] = verdict

    def answered(self, edge: Edge, boundaries: Sequence[Boundary], *, conclusive: bool) -> None:
        """Take in an edge's boundaries in verdict, and whether its search came to a conclusion."""
        self._answers[edge] = boundaries
        if not conclusive:
            self._unsure.add(edge)

    def ends(self) -> list[Cell]:
        """Return the four corners: both oldest, the first newest, the second newest, both newest."""
        first, second = (size - 1 for size in self.sizes)
        return [(0, 0), (first, 0), (0, second), (first, second)]

    def wanted_cells(self) -> list[Cell]:
        """Return the cells to execute next: the corners, or what may stand for one that cannot be tested."""
        cells = [cell for corner in self.ends() for cell in [self._next(corner)] if cell is not None]
        wanted = [cell for cell in dict.fromkeys(cells) if cell not in self._asked]
        self._asked.update(wanted)
        return wanted

    def wanted_edges(self) -> list[Edge]:
        """Return the edges to ask next, none when the answer is there; to be asked when no cell is wanted."""
        found = self._draw()
        return found if isinstance(found, list) else []

    def answer(self) -> GridAnswer:
        """Return the answer as of now; `inconclusive` while something is wanted."""
        found = self._draw()
        if isinstance(found, GridAnswer):
            doubtful = self._unsure or self.disputed
            return replace(found, conclusion=Conclusion.INCONCLUSIVE) if doubtful else found
        shape, axis = self._shape()
        return GridAnswer(shape, Conclusion.INCONCLUSIVE, self._corners(), axis, changes=tuple(self._all()))

    # -- corners --------------------------------------------------------------------------------------------

    def _walk(self, corner: Cell) -> Iterator[Cell]:
        """Yield a corner, then the cells along its two edges, nearest first, without the other corners."""
        yield corner
        for distance in range(1, max(self.sizes) - 1):
            for axis in AXES:
                if distance < self.sizes[axis] - 1:
                    moved = list(corner)
                    moved[axis] += distance if corner[axis] == 0 else -distance
                    yield moved[0], moved[1]

    def _stand_in(self, corner: Cell) -> Cell | None:
        """Return the nearest cell with a verdict of those that were executed, up to the first that was not."""
        for cell in self._walk(corner):
            verdict = self.verdicts.get(cell)
            if verdict in (Verdict.GOOD, Verdict.BAD):
                return cell
            if verdict is None:
                return None
        return None

    def _next(self, corner: Cell) -> Cell | None:
        """Return the cell that must be executed to know what stands for a corner; None if that is known."""
        for tried, cell in enumerate(self._walk(corner)):
            verdict = self.verdicts.get(cell)
            if verdict is None:
                moves = sum(one in self._asked for one in self._walk(corner)) if tried else 0
                return cell if moves <= MOST_MOVES else None
            if verdict != Verdict.SKIP:
                return None
        return None

    def _corners(self) -> tuple[Cell | None, ...]:
        return tuple(self._stand_in(corner) for corner in self.ends())

    def _shape(self) -> tuple[Shape, int | None]:
        """Return what the corners depend on, and the package where it is one."""
        corners = self._corners()
        oldest, first, second, newest = (None if one is None else self.verdicts[one] for one in corners)
        if None in (oldest, first, second, newest):
            return Shape.UNTESTABLE, None
        if oldest == first == second == newest:
            return Shape.ALIKE, None
        if oldest == second and first == newest:
            return Shape.ONE, 0
        if oldest == first and second == newest:
            return Shape.ONE, 1
        return (Shape.EACH if first == second != oldest else Shape.BOTH), None

    # -- edges ----------------------------------------------------------------------------------------------

    def _draw(self) -> GridAnswer | list[Edge]:
        """Return the answer, or the edges that are needed for it and are not answered yet."""
        shape, axis = self._shape()
        corners = self._corners()
        known = [corner for corner in corners if corner is not None]
        blank = GridAnswer(shape, Conclusion.INCONCLUSIVE, corners, axis)
        if shape == Shape.UNTESTABLE:
            return blank
        if shape == Shape.ALIKE:
            good = self.verdicts[known[0]] == Verdict.GOOD
            return replace(blank, conclusion=Conclusion.ALWAYS_GOOD if good else Conclusion.NEVER_GOOD)
        if shape == Shape.BOTH:
            return self._both(blank, known)
        edges = (
            [self._whole(axis, known, newest) for newest in (False, True)]
            if axis is not None
            else [self._whole(one, known, False) for one in AXES]
        )
        edges = list(dict.fromkeys(edges))  # one, where one row stands in for both
        if missing := [edge for edge in edges if edge not in self._answers]:
            return missing
        changes = [Change(edge.axis, edge.at, one) for edge in edges for one in self._answers[edge]]
        settled = all(self._answers[edge] for edge in edges)
        return replace(
            blank,
            changes=tuple(changes),
            conclusion=_conclude(changes, len(edges)) if settled else Conclusion.INCONCLUSIVE,
        )

    def _whole(self, axis: int, corners: Sequence[Cell], newest: bool) -> Edge:
        """Return the whole edge at one end of the other package; beside it, where a corner stands in beside it."""
        other = 1 - axis
        near = [
            corner[other]
            for end, corner in zip(self.ends(), corners, strict=True)
            if bool(end[other]) == newest
        ]
        return Edge(axis, min(near) if newest else max(near), 0, self.sizes[axis] - 1)

    def _both(self, blank: GridAnswer, corners: Sequence[Cell]) -> GridAnswer | list[Edge]:
        """Search the pair from the corner that differs from the three others."""
        verdicts = [self.verdicts[corner] for corner in corners]
        place = next(place for place, verdict in enumerate(verdicts) if verdicts.count(verdict) == 1)
        opposite = self.ends()[3 - place]
        for order in (AXES, AXES[::-1]):
            found = self._descend(corners[place], opposite, order)
            if isinstance(found, Edge):
                return [found]
            if found is not None:
                pair, changes = found
                conclusion = Conclusion.REGRESSED if verdicts[place] == Verdict.BAD else Conclusion.FIXED
                if any(change.boundary.skipped for change in changes):
                    conclusion = Conclusion.UNTESTABLE_GAP
                return replace(blank, pair=pair, changes=changes, conclusion=conclusion)
        return replace(blank, changes=tuple(self._all()), conclusion=Conclusion.NON_MONOTONE)

    def _descend(
        self, start: Cell, far: Cell, order: tuple[int, ...]
    ) -> tuple[Cell, tuple[Change, ...]] | Edge | None:
        """Walk from a cell towards the opposite corner, along one axis after the other, as far as its verdict holds.

        Every move ends at a boundary. Where the cell is at one along both axes, it is the pair.

        Returns:
            The pair and its two changes; or the edge that must be answered first; or None, if along an axis its
            verdict holds up to the end.
        """
        odd, here, seen = self.verdicts[start], list(start), list(far)
        while True:
            before, changes = tuple(here), {}
            for axis in order:
                found = self._step(odd, (here[0], here[1]), axis, far[axis], seen[axis])
                if not isinstance(found, Change):
                    return found
                changes[axis] = found
                sides = found.sides()
                here[axis], seen[axis] = sides.pop(odd), next(iter(sides.values()))
            if tuple(here) == before:
                return (here[0], here[1]), tuple(changes[axis] for axis in AXES)

    def _step(self, odd: Verdict, here: Cell, axis: int, far: int, seen: int) -> Change | Edge | None:
        """Return the nearest known boundary from a cell on; or the edge to ask for one; None if there is none."""
        start, at = here[axis], here[1 - axis]
        if start == far:
            return None
        away = 1 if far > start else -1
        nearest: Change | None = None
        for change in self._all(axis, at):
            sides = change.sides()
            place = sides.pop(odd)
            beyond = next(iter(sides.values()))
            if (beyond - place) * away > 0 and (place - start) * away >= 0:
                closer = nearest is None or (nearest.sides()[odd] - place) * away > 0
                nearest = change if closer else nearest
        if nearest is not None:
            return nearest
        ends = (
            [seen] if (seen - start) * away > 0 else []
        )  # that far it was the last time: most often it still is
        for end in dict.fromkeys([*ends, far]):
            edge = Edge(axis, at, min(start, end), max(start, end))
            if not any(one.covers(edge) for one in self._answers):
                return edge
        return None

    def _all(self, axis: int | None = None, at: int | None = None) -> Iterator[Change]:
        """Yield all boundaries that were told, or those of one row or column, each once."""
        found: set[tuple[int, int, int, int]] = set()
        for edge, boundaries in self._answers.items():
            if axis is not None and (edge.axis, edge.at) != (axis, at):
                continue
            for one in boundaries:
                key = (edge.axis, edge.at, one.before, one.after)
                if key not in found:
                    found.add(key)
                    yield Change(edge.axis, edge.at, one)


def _conclude(changes: Sequence[Change], edges: int) -> Conclusion:
    """Return what the boundaries of so many edges say together, one at least each."""
    kinds = {change.boundary.kind for change in changes}
    if len(kinds) > 1 or len(changes) > edges:
        return Conclusion.NON_MONOTONE
    if any(change.boundary.skipped for change in changes):
        return Conclusion.UNTESTABLE_GAP
    return Conclusion.REGRESSED if kinds == {"regressed"} else Conclusion.FIXED
