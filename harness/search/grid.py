"""Two packages at once: what to ask next of a grid of releases, and what follows from the answers; pure.

A cell is a pair of releases. An edge is a range of one package's releases with the other package held at one release:
an ordinary question, which an ordinary search answers. The corners are asked first. What they say decides which edges
matter, and from those follows the answer: one package alone, either of them, or a pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from harness.search import corners
from harness.search.boundaries import Conclusion
from harness.search.corners import Shape
from harness.search.descent import descend
from harness.search.edges import AXES, Cell, Change, Edge, Edges
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.search.boundaries import Boundary

__all__ = ["Cell", "Change", "Edge", "Grid", "GridAnswer", "Shape"]


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
        self._edges = Edges()
        self._asked: set[Cell] = set()

    def ends(self) -> list[Cell]:
        """Return the four corners: both oldest, the first newest, the second newest, both newest."""
        return corners.ends(self.sizes)

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
        self._edges.add(edge, boundaries, conclusive=conclusive)

    def wanted_cells(self) -> list[Cell]:
        """Return the cells to execute next: the corners, or what may stand for one that cannot be tested."""
        found = [corners.stand_in(end, self.sizes, self.verdicts)[1] for end in self.ends()]
        wanted = [cell for cell in dict.fromkeys(found) if cell is not None and cell not in self._asked]
        self._asked.update(wanted)
        return wanted

    def wanted_edges(self) -> list[Edge]:
        """Return the edges to ask next, none when the answer is there; to be asked when no cell is wanted."""
        found = self._draw()
        return found if isinstance(found, list) else []

    def answer(self) -> GridAnswer:
        """Return the answer as of now; `inconclusive` while something is wanted."""
        found = self._draw()
        if isinstance(found, list):
            return replace(self._blank(), changes=tuple(self._edges.changes()))
        doubtful = self._edges.unsure or self.disputed
        return replace(found, conclusion=Conclusion.INCONCLUSIVE) if doubtful else found

    def _blank(self) -> GridAnswer:
        """Return what the corners say by themselves."""
        cells = tuple(corners.stand_in(end, self.sizes, self.verdicts)[0] for end in self.ends())
        shape, axis = corners.shape([None if cell is None else self.verdicts[cell] for cell in cells])
        return GridAnswer(shape, Conclusion.INCONCLUSIVE, cells, axis)

    def _draw(self) -> GridAnswer | list[Edge]:
        """Return the answer, or the edges that are needed for it and are not answered yet."""
        blank = self._blank()
        known = [cell for cell in blank.corners if cell is not None]
        if blank.shape == Shape.UNTESTABLE:
            return blank
        if blank.shape == Shape.ALIKE:
            good = self.verdicts[known[0]] == Verdict.GOOD
            return replace(blank, conclusion=Conclusion.ALWAYS_GOOD if good else Conclusion.NEVER_GOOD)
        if blank.shape == Shape.BOTH:
            return self._both(blank, known)
        whole = (
            [self._whole(blank.axis, known, newest) for newest in (False, True)]
            if blank.axis is not None
            else [self._whole(axis, known, False) for axis in AXES]
        )
        edges = list(dict.fromkeys(whole))  # one, where one row stands in for both
        if missing := [edge for edge in edges if edge not in self._edges]:
            return missing
        changes = [self._edges.of(edge) for edge in edges]
        conclusion = _conclude(changes) if all(changes) else Conclusion.INCONCLUSIVE
        return replace(blank, changes=tuple(chain.from_iterable(changes)), conclusion=conclusion)

    def _whole(self, axis: int, cells: Sequence[Cell], newest: bool) -> Edge:
        """Return the whole edge at one end of the other package; beside it, where a corner stands in beside it."""
        other = 1 - axis
        near = [
            cell[other] for end, cell in zip(self.ends(), cells, strict=True) if bool(end[other]) == newest
        ]
        return Edge(axis, min(near) if newest else max(near), 0, self.sizes[axis] - 1)

    def _both(self, blank: GridAnswer, cells: Sequence[Cell]) -> GridAnswer | list[Edge]:
        """Search the pair from the corner that differs from the three others."""
        verdicts = [self.verdicts[cell] for cell in cells]
        place = next(place for place, verdict in enumerate(verdicts) if verdicts.count(verdict) == 1)
        found = descend(self._edges, verdicts[place], cells[place], self.ends()[3 - place])
        if isinstance(found, Edge):
            return [found]
        if found is None:
            changes = tuple(self._edges.changes())
            return replace(blank, changes=changes, conclusion=Conclusion.NON_MONOTONE)
        pair, changes = found
        conclusion = Conclusion.REGRESSED if verdicts[place] == Verdict.BAD else Conclusion.FIXED
        if any(change.boundary.skipped for change in changes):
            conclusion = Conclusion.UNTESTABLE_GAP
        return replace(blank, pair=pair, changes=changes, conclusion=conclusion)


def _conclude(edges: Sequence[Sequence[Change]]) -> Conclusion:
    """Return what the changes of some edges say together, one at least each."""
    boundaries = [change.boundary for changes in edges for change in changes]
    kinds = {boundary.kind for boundary in boundaries}
    if len(kinds) > 1 or len(boundaries) > len(edges):
        return Conclusion.NON_MONOTONE
    if any(boundary.skipped for boundary in boundaries):
        return Conclusion.UNTESTABLE_GAP
    return Conclusion.REGRESSED if kinds == {"regressed"} else Conclusion.FIXED
