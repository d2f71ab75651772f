"""From the pairs and the edges of one arm to its part of the report: nothing is executed here.

A run takes its findings in as they come; `judge` takes in what is stored. Both get the same answer from the same facts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.report.axes import AxisChange, GridResult, Point, pair_name
from harness.report.grid_sentences import grid_notes, grid_sentence
from harness.report.model import ArmResult
from harness.search.boundaries import Boundary, Conclusion
from harness.search.grid import Change, Edge, Grid
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.axes import AxisResult, PartResult
    from harness.report.model import BoundaryResult, ReleaseResult
    from harness.search.grid import Cell, GridAnswer


class ArmGrid:
    """What is known of the grid of one arm, as the report has it.

    Args:
        name: Of the arm.
        axes: Both packages, with their releases.

    Attributes:
        grid: What is known of it, and what to ask next.
        rows: {cell: its row of the report}.
    """

    def __init__(self, name: str, axes: Sequence[AxisResult]) -> None:
        self.name = name
        self.axes = axes
        first, second = (len(axis.versions) for axis in axes)
        self.grid = Grid((first, second))
        self.rows: dict[Cell, ReleaseResult] = {}
        self._boundaries: dict[Change, BoundaryResult] = {}

    def point(self, axis: int, cell: Cell) -> Point:
        """Return a cell as it is executed where the package of an axis varies."""
        varied, held = self.axes[axis], self.axes[1 - axis]
        return Point(varied.package, varied.versions[cell[axis]], held.package, held.versions[cell[1 - axis]])

    def cell(self, point: Point) -> Cell:
        """Return where a pair stands."""
        choice = point.choice()
        first, second = (axis.versions.index(choice[axis.package]) for axis in self.axes)
        return first, second

    def name_of(self, cell: Cell) -> str:
        """Return how the pair of a cell is called."""
        return pair_name(
            self.axes, [axis.versions[place] for axis, place in zip(self.axes, cell, strict=True)]
        )

    def tell(self, point: Point, row: ReleaseResult) -> None:
        """Take in what one pair did; a row without a verdict says nothing."""
        verdict, cell = Verdict(row.verdict), self.cell(point)
        if verdict == Verdict.UNTESTED:
            return
        self.grid.tell(cell, verdict)
        if verdict != Verdict.SKIP or cell not in self.rows:
            self.rows[cell] = replace(row, version=self.name_of(cell), point=point)

    def answered(self, edge: Edge, arm: ArmResult) -> None:
        """Take in what the run of an edge says of this arm."""
        places = {version: place for place, version in enumerate(self.axes[edge.axis].versions)}
        verdicts: dict[str, str] = {}
        for row in arm.releases:
            self.tell(self.point(edge.axis, edge.cell(places[row.version])), row)
            verdicts[row.version] = row.verdict
        found = []
        for one in arm.boundaries:
            if one.signal != "verdict":
                continue
            kind = one.kind
            if kind == "changed":  # of a quantity without a worse direction: bad is what differs
                sides = (verdicts[one.before], verdicts[one.after])
                if sides[0] == sides[1]:
                    continue  # both differ from the reference
                kind = "regressed" if sides[1] == Verdict.BAD else "fixed"
            boundary = Boundary(
                before=places[one.before],
                after=places[one.after],
                kind=kind,
                skipped=tuple(places[version] for version in one.skipped),
                untested=tuple(places[version] for version in one.untested),
                confirmed=one.confirmed,
            )
            found.append(boundary)
            self._boundaries[Change(edge.axis, edge.at, boundary)] = self._along(edge, one)
        self.grid.answered(edge, found, conclusive=arm.conclusion != Conclusion.INCONCLUSIVE)

    def _along(self, edge: Edge, boundary: BoundaryResult) -> BoundaryResult:
        """Return a boundary of an edge as one of the grid: its sides are pairs."""
        varied, held = self.axes[edge.axis], self.axes[1 - edge.axis]

        def name(version: str) -> str:
            return self.name_of(edge.cell(varied.versions.index(version)))

        change = AxisChange(
            varied.package, boundary.before, boundary.after, held.package, held.versions[edge.at]
        )
        return replace(
            boundary,
            before=name(boundary.before),
            after=name(boundary.after),
            skipped=[name(version) for version in boundary.skipped],
            untested=[name(version) for version in boundary.untested],
            axis=change,
        )

    def result(
        self,
        parameters: Mapping[str, Any],
        parts: Sequence[PartResult],
        calibration: Mapping[str, Any] | None = None,
    ) -> ArmResult:
        """Return what the report says of the arm.

        Args:
            parameters: The arm's settings.
            parts: The runs of the edges.
            calibration: What all pairs are compared with, as in `ArmResult`.
        """
        answer = self.grid.answer()
        arm = ArmResult(
            name=self.name,
            parameters=dict(parameters),
            conclusion=answer.conclusion.value,
            answer="",
            boundaries=[self._boundaries[change] for change in answer.changes],
            releases=[self.rows[cell] for cell in sorted(self.rows)],
            calibration=dict(calibration or {}),
            grid=self._facts(answer),
        )
        if any(boundary.kind == "changed" for boundary in arm.boundaries) and arm.conclusion in _GRADED:
            arm = replace(arm, conclusion=Conclusion.CHANGED.value)
        return replace(arm, answer=grid_sentence(self.axes, arm), notes=grid_notes(self.axes, arm, parts))

    def _facts(self, answer: GridAnswer) -> GridResult:
        return GridResult(
            depends=answer.shape.value,
            decides=None if answer.axis is None else self.axes[answer.axis].package,
            pair={} if answer.pair is None else self.point(0, answer.pair).choice(),
            corners=[None if cell is None else self.name_of(cell) for cell in answer.corners],
            disputed=[self.name_of(cell) for cell in sorted(self.grid.disputed)],
        )


_GRADED = (Conclusion.REGRESSED, Conclusion.FIXED)
"""Conclusions that call one side better; of a quantity without a worse direction none is."""


def edge_of(axes: Sequence[AxisResult], part: PartResult) -> Edge:
    """Return the edge that a part answers."""
    axis = [one.package for one in axes].index(part.package)
    varied, held = axes[axis], axes[1 - axis]
    return Edge(
        axis,
        held.versions.index(part.held_version),
        varied.versions.index(part.first),
        varied.versions.index(part.last),
    )
