"""Edges of a grid of two packages' releases, and the boundaries that were found on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.search.boundaries import Boundary

Cell: TypeAlias = tuple[int, int]
"""Position among the first package's releases, and among the second's; each from 0, oldest first."""

AXES = (0, 1)


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

    def side(self, verdict: Verdict) -> int:
        """Return the position of the side that has a verdict."""
        newer_has_it = (self.boundary.kind == "regressed") == (verdict == Verdict.BAD)
        return self.boundary.after if newer_has_it else self.boundary.before


class Edges:
    """The edges that were answered, with their boundaries in verdict.

    Attributes:
        unsure: Those whose search came to no conclusion.
    """

    def __init__(self) -> None:
        self.unsure: set[Edge] = set()
        self._answers: dict[Edge, Sequence[Boundary]] = {}

    def __contains__(self, edge: object) -> bool:
        return edge in self._answers

    def add(self, edge: Edge, boundaries: Sequence[Boundary], *, conclusive: bool) -> None:
        """Take in an edge's boundaries, and whether its search came to a conclusion."""
        self._answers[edge] = boundaries
        if not conclusive:
            self.unsure.add(edge)

    def covered(self, edge: Edge) -> bool:
        """Tell whether an edge was answered, as it is or as a part of another one."""
        return any(one.covers(edge) for one in self._answers)

    def of(self, edge: Edge) -> list[Change]:
        """Return the changes of an edge that was answered."""
        return [Change(edge.axis, edge.at, one) for one in self._answers[edge]]

    def changes(self, axis: int | None = None, at: int | None = None) -> Iterator[Change]:
        """Yield all changes, or those of one row or column, each once."""
        found: set[tuple[int, int, int, int]] = set()
        for edge in self._answers:
            if axis is not None and (edge.axis, edge.at) != (axis, at):
                continue
            for one in self.of(edge):
                key = (edge.axis, edge.at, one.boundary.before, one.boundary.after)
                if key not in found:
                    found.add(key)
                    yield one
