"""A pair question as it goes on: corners are executed, edges answered by ordinary runs, until no grid wants anything.

Environments, probes, search, confirmation, cause and the reports of the edges are those of `harness.runs`; the same
probes are stored, so an interrupted question goes on where it was, and a repeated one executes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.locks.resolve import Unresolvable
from harness.pairs.model import CellResult, PackageRange, PartResult
from harness.pairs.question import Part
from harness.runs.bisect import begin, bisect, free_name
from harness.search.boundaries import Boundary, Conclusion
from harness.search.edges import AXES
from harness.search.grid import Change, Grid
from harness.sessions.arm_map import representative
from harness.sessions.driver import Driver
from harness.sessions.warm_start import prove_warm_start
from harness.verdicts.oracles import compares
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from harness.pairs.question import PairQuestion
    from harness.report.model import ArmResult
    from harness.search.grid import Cell, Edge
    from harness.sessions.asked import Asked
    from harness.sessions.driver import Task, Watcher
    from harness.state import State
    from harness.verdicts.calibration import Calibration


class PairInvestigation:
    """One pair question as it goes on.

    Attributes:
        packages: Both, with the releases of their ranges.
        grids: {arm: what is known of it}.
        cells: {arm: {cell: its verdict, with the reason}}.
        parts: The runs, in the order in which they were asked.
        moves: {(arm, change): what else moved}, as in `BoundaryResult`.
        calibrations: {arm: what all pairs are compared with}, where the oracle compares.
        warnings: What a reader must know.
        folder: Of the report.
    """

    def __init__(self, asked: PairQuestion, state: State, watcher: Watcher, started: datetime) -> None:
        self.asked, self.state, self.watcher, self.started = asked, state, watcher, started
        releases, self.warnings = asked.releases(state)
        self.packages = [
            PackageRange(one.package, [release.version for release in found])
            for one, found in zip(asked.ranges, releases, strict=True)
        ]
        first, second = (len(one.versions) for one in self.packages)
        self.grids = {arm.name: Grid((first, second)) for arm in asked.arms}
        self.cells: dict[str, dict[Cell, CellResult]] = {arm.name: {} for arm in asked.arms}
        self.parts: list[PartResult] = []
        self.moves: dict[tuple[str, Change], list[dict[str, str | None]]] = {}
        self.calibrations: dict[str, Calibration] = {}
        self.name = free_name(asked.out, f"{started:%Y%m%dT%H%M%SZ}-{asked.scenario.name}-pair")
        self.folder = asked.out / self.name

    def run(self) -> None:
        """Ask until no grid wants anything.

        Raises:
            KeyboardInterrupt: With all that was found before taken in.
        """
        if compares(self.asked.scenario.oracle):
            self._calibrate()
        while True:
            cells = {arm: wanted for arm, grid in self.grids.items() if (wanted := grid.wanted_cells())}
            if cells:
                self._execute(cells)
                continue
            edges: defaultdict[Edge, list[str]] = defaultdict(list)
            for arm, grid in self.grids.items():
                for edge in grid.wanted_edges():
                    edges[edge].append(arm)
            if not edges:
                return
            for edge, arms in edges.items():
                self._answer(edge, arms)

    def ask(self, part: Part) -> Asked:
        """Return the ordinary question of a part."""
        return replace(self.asked.ask(part, self.state), calibrations=self.calibrations)

    def _calibrate(self) -> None:
        """Learn what all pairs are compared with: the scenario's reference release, with the oldest of the other package.

        Raises:
            UsageError: The reference is not in the range, or is not good.
        """
        packages = [one.package for one in self.packages]
        axis = packages.index(self.asked.scenario.package) if self.asked.scenario.package in packages else 0
        versions = self.packages[axis].versions
        part = self.part(axis, 0, versions[0], versions[-1], [arm.name for arm in self.asked.arms])
        self.watcher.note(f"reference: {part.package} with {part.held} {part.version}")
        session, _ = begin(self.ask(part), self.state, self.watcher)
        try:
            for arm in session.asked.arms:
                session.calibrate(arm)
        finally:
            session.executor.close()
        self.calibrations = {
            name: replace(
                found,
                reference=f"{part.package} {found.reference} with {part.held} {part.version}",
                comparisons=sum(len(one.versions) for one in self.packages),
            )
            for name, found in session.calibrations.items()
        }

    # -- corners --------------------------------------------------------------------------------------------

    def _execute(self, wanted: Mapping[str, Sequence[Cell]]) -> None:
        """Execute single cells: those of one row or one column together.

        That is in whichever there are fewer of, then along the grid's edges, which may have to be searched anyway.
        """
        cells = [cell for found in wanted.values() for cell in found]
        inside = [
            sum(0 < cell[1 - axis] < len(self.packages[1 - axis].versions) - 1 for cell in cells)
            for axis in AXES
        ]
        axis = min(AXES, key=lambda one: (len({cell[1 - one] for cell in cells}), inside[one]))
        for at in dict.fromkeys(cell[1 - axis] for cell in cells):
            tasks: list[Task] = [
                (arm, cell[axis], 0)
                for arm, found in wanted.items()
                for cell in found
                if cell[1 - axis] == at
            ]
            self._execute_line(axis, at, tasks)

    def _execute_line(self, axis: int, at: int, tasks: Sequence[Task]) -> None:
        """Execute cells of one row or column; cells of it for which no lock exists are known from then on too."""
        versions = self.packages[axis].versions
        part = self.part(axis, at, versions[0], versions[-1], sorted({arm for arm, _, _ in tasks}))
        self.watcher.note(f"corners: {part.package} with {part.held} {part.version}")
        session, _ = begin(self.ask(part), self.state, self.watcher)
        for arm in session.asked.arms:
            session.calibrate(arm)
        driver = Driver(session, self.watcher)
        try:
            prove_warm_start(driver, [(arm, position) for arm, position, _ in tasks])
            driver.execute(tasks)
        finally:
            session.executor.close()
            for name in part.arms:
                for position, lock in enumerate(session.locks):
                    if isinstance(lock, Unresolvable):
                        said = Judgement(Verdict.SKIP, f"cannot be resolved: {lock.reason}")
                        self._tell(name, _cell(axis, at, position), said.verdict, said.reason)
                for position, repeats in driver.findings[name].items():
                    found = representative(repeats)[0].judgement
                    self._tell(name, _cell(axis, at, position), found.verdict, found.reason)

    def _tell(self, arm: str, cell: Cell, verdict: Verdict, reason: str) -> None:
        if verdict == Verdict.UNTESTED:
            return
        self.grids[arm].tell(cell, verdict)
        if verdict != Verdict.SKIP or cell not in self.cells[arm]:
            pairs = zip(self.packages, cell, strict=True)
            versions = [one.versions[position] for one, position in pairs]
            self.cells[arm][cell] = CellResult(versions, verdict.value, reason)

    # -- edges ----------------------------------------------------------------------------------------------

    def part(self, axis: int, at: int, first: str, last: str, arms: Sequence[str]) -> Part:
        """Return the part in which the package of an axis varies, the other one held at a position."""
        varied, held = self.packages[axis], self.packages[1 - axis]
        out = self.folder / "runs"
        return Part(varied.package, first, last, held.package, held.versions[at], arms, out)

    def _answer(self, edge: Edge, arms: Sequence[str]) -> None:
        """Answer one edge by an ordinary run."""
        versions = self.packages[edge.axis].versions
        part = self.part(edge.axis, edge.at, versions[edge.first], versions[edge.last], arms)
        self.watcher.note(
            f"{part.package} {part.first} to {part.last} with {part.held} {part.version}, in {', '.join(arms)}"
        )
        done = bisect(self.ask(part), self.state, self.watcher)
        folder = done.folder.relative_to(self.folder).as_posix()
        answers = {arm.name: [arm.conclusion, arm.answer] for arm in done.report.arms}
        self.parts.append(
            PartResult(*(part.package, part.first, part.last, part.held, part.version), folder, answers)
        )
        self.warnings += [one for one in done.report.warnings if one not in self.warnings]
        for arm in done.report.arms:
            self._take_in(edge, arm, {version: position for position, version in enumerate(versions)})
        if done.interrupted:
            raise KeyboardInterrupt

    def _take_in(self, edge: Edge, arm: ArmResult, places: Mapping[str, int]) -> None:
        for row in arm.releases:
            self._tell(arm.name, edge.cell(places[row.version]), Verdict(row.verdict), row.reason)
        verdicts = {row.version: row.verdict for row in arm.releases}
        found = []
        for one in (boundary for boundary in arm.boundaries if boundary.signal == "verdict"):
            found.append(
                Boundary(
                    before=places[one.before],
                    after=places[one.after],
                    kind="regressed" if verdicts[one.after] == Verdict.BAD else "fixed",
                    skipped=tuple(places[version] for version in one.skipped),
                    untested=tuple(places[version] for version in one.untested),
                    confirmed=one.confirmed,
                )
            )
            self.moves[arm.name, Change(edge.axis, edge.at, found[-1])] = one.moves
        sure = arm.conclusion != Conclusion.INCONCLUSIVE
        self.grids[arm.name].answered(edge, found, conclusive=sure)


def _cell(axis: int, at: int, position: int) -> Cell:
    return (position, at) if axis == 0 else (at, position)
