"""A question about two packages asked and answered: corners are executed, edges answered by ordinary runs.

Environments, probes, search, confirmation, cause and the reports of the edges are those of a question about one package;
the same probes are stored, so an interrupted question goes on where it was, and a repeated one executes nothing.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.files import given_up, take_name
from harness.locks.resolve import Unresolvable
from harness.probes.store import Store
from harness.report.axes import AxisResult, PartResult, Point, packages
from harness.report.model import ReleaseResult, Report
from harness.report.write import write_report
from harness.runs.bisect import Run, begin, bisect
from harness.runs.facts import environment, host, of_question
from harness.runs.gather import release_result
from harness.runs.grids import ArmGrid
from harness.runs.kept import keep_job
from harness.runs.phases import Phases
from harness.runs.stored import stored_evidence
from harness.runs.write import point_latest, write_locks
from harness.search.edges import AXES
from harness.sessions.arm_map import representative
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.sessions.finding import Finding
from harness.sessions.part import Part
from harness.sessions.warm_start import prove_warm_start
from harness.verdicts.oracles import compares
from harness.verdicts.skips import unresolvable
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.report.model import ArmResult
    from harness.search.grid import Cell, Edge
    from harness.sessions.asked import Asked
    from harness.sessions.axes import AskedAxes
    from harness.sessions.driver import Task, Watcher
    from harness.sessions.session import Session
    from harness.state import State
    from harness.verdicts.calibration import Calibration

RUNS = "runs"
"""Folder of an answer in which the runs of its edges lie."""
ASSUMED = "assumed, not executed"
"""Reason of a pair that was not executed, since its verdict was assumed."""


def bisect_axes(asked: AskedAxes, state: State, watcher: Watcher, started: datetime | None = None) -> Run:
    """Answer a question about two packages and write its report; the runs of its edges lie in its folder.

    Args:
        asked: Checked already.
        state: Where state lives.
        watcher: Is told how it goes on.
        started: What the report is dated and named by; None for now.

    Raises:
        HarnessError: As the parts say; nothing that was executed before is lost.
    """
    phases = Phases()
    investigation = GridInvestigation(asked, state, watcher, started or datetime.now(UTC))
    interrupted = False
    try:
        with given_up(investigation.folder):
            investigation.run()
    except KeyboardInterrupt:
        interrupted = True
        investigation.warnings.append("interrupted: the same command goes on where this one stopped")
    phases.ended("corners and edges")
    report = investigation.report()
    write_report(investigation.folder, report, stored_evidence(report, Store(state)), drawings=state.drawings)
    keep_job(asked.scenario).write(investigation.folder)
    point_latest(asked.out, investigation.folder)
    phases.ended("report")
    return Run(report, investigation.folder, interrupted, phases.seconds)


class GridInvestigation:
    """One question about two packages as it goes on.

    Attributes:
        axes: Both packages, with the releases of their ranges.
        grids: {arm: what is known of it}.
        parts: The runs, in the order in which they were asked.
        calibrations: {arm: what all pairs are compared with}, where the oracle compares.
        warnings: What a reader must know.
        folder: Of the report.
    """

    def __init__(self, asked: AskedAxes, state: State, watcher: Watcher, started: datetime) -> None:
        self.asked, self.state, self.watcher, self.started = asked, state, watcher, started
        releases, self.warnings = asked.releases(state)
        self.axes = [
            AxisResult(one.package, [release.version for release in found])
            for one, found in zip(asked.ranges, releases, strict=True)
        ]
        self.grids = {arm.name: ArmGrid(arm.name, self.axes) for arm in asked.arms}
        self.parts: list[PartResult] = []
        self.calibrations: dict[str, Calibration] = {}
        self.folder = asked.out / take_name(asked.out, f"{started:%Y%m%dT%H%M%SZ}-{asked.scenario.name}")
        self._host: dict[str, str | None] = {}
        self._environment: dict[str, object] = {}

    def run(self) -> None:
        """Ask until no grid wants anything.

        Raises:
            KeyboardInterrupt: With all that was found before taken in.
        """
        if compares(self.asked.scenario.oracle):
            self._calibrate()
        while True:
            cells = {arm: wanted for arm, one in self.grids.items() if (wanted := one.grid.wanted_cells())}
            if cells:
                self._execute(cells)
                continue
            edges: defaultdict[Edge, list[str]] = defaultdict(list)
            for arm, one in self.grids.items():
                for edge in one.grid.wanted_edges():
                    edges[edge].append(arm)
            if not edges:
                return
            for edge, arms in edges.items():
                self._answer(edge, arms)

    def report(self) -> Report:
        """Put everything that was found into one report."""
        asked = self.asked
        return Report(
            run=self.folder.name,
            package=packages(self.axes),
            started=self.started.isoformat(timespec="seconds"),
            command=asked.command,
            host=self._host,
            environment=self._environment,
            arms=[
                self.grids[arm.name].result(
                    {**arm.parameters, **dict(asked.question.job.settings)},
                    self.parts,
                    self.calibrations[arm.name].to_dict() if arm.name in self.calibrations else None,
                )
                for arm in asked.arms
            ],
            warnings=self.warnings,
            **of_question(asked.scenario, asked.question),
            axes=self.axes,
            parts=self.parts,
        )

    @contextmanager
    def _begin(self, part: Part) -> Iterator[Session]:
        """Make a part ready, and keep its locks."""
        with begin(self._ask(part), self.state, self.watcher) as (session, warnings):
            try:
                yield session
            finally:
                write_locks(self.folder / "locks" / part.locks, session)
                self.warnings += [one for one in warnings if one not in self.warnings]

    def _ask(self, part: Part) -> Asked:
        asked = self.asked.ask(part, self.state, self.folder / RUNS)
        return replace(asked, calibrations=self.calibrations)

    def _part(self, axis: int, at: int, first: int, last: int, arms: Sequence[str]) -> Part:
        """Return the part in which the package of an axis varies, the other one held at a position."""
        varied, held = self.axes[axis], self.axes[1 - axis]
        versions = varied.versions
        return Part(
            varied.package, versions[first : last + 1], held.package, held.versions[at], arms, line=versions
        )

    def _line(self, axis: int, at: int, arms: Sequence[str]) -> Part:
        """Return the part of all releases of the package of an axis."""
        return self._part(axis, at, 0, len(self.axes[axis].versions) - 1, arms)

    def _calibrate(self) -> None:
        """Learn what all pairs are compared with: the scenario's reference release, with the oldest of the other package.

        Raises:
            UsageError: The reference is not in the range, or is not good.
        """
        part = self._line(self.asked.compared_axis(), 0, [arm.name for arm in self.asked.arms])
        self.watcher.note(f"reference: {part.package} with {part.held} {part.held_version}")
        with self._begin(part) as session:
            self.calibrations = self.asked.compare(session, part, sum(len(one.versions) for one in self.axes))

    # -- corners --------------------------------------------------------------------------------------------

    def _execute(self, wanted: Mapping[str, Sequence[Cell]]) -> None:
        """Execute single cells: those of one row or one column together.

        That is in whichever there are fewer of, then along the grid's edges, which may have to be searched anyway.
        """
        wanted = {
            arm: [cell for cell in found if not self._assumed(arm, cell)] for arm, found in wanted.items()
        }
        cells = [cell for found in wanted.values() for cell in found]
        inside = [
            sum(0 < cell[1 - axis] < len(self.axes[1 - axis].versions) - 1 for cell in cells) for axis in AXES
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

    def _assumed(self, arm: str, cell: Cell) -> bool:
        """Take in a cell whose verdict is assumed; return whether it is."""
        grid = self.grids[arm]
        point = grid.point(0, cell)
        verdict = self.asked.assumed(point)
        if verdict:
            grid.tell(point, ReleaseResult(point.version, None, verdict, ASSUMED))
        return bool(verdict)

    def _execute_line(self, axis: int, at: int, tasks: Sequence[Task]) -> None:
        """Execute cells of one row or column; cells of it for which no lock exists are known from then on too."""
        part = self._line(axis, at, sorted({arm for arm, _, _ in tasks}))
        self.watcher.note(f"corners: {part.package} with {part.held} {part.held_version}")
        with self._begin(part) as session:
            for arm in session.asked.arms:
                calibrate(session, arm)
            driver = Driver(session, self.watcher)
            try:
                prove_warm_start(driver, [(arm, position) for arm, position, _ in tasks])
                driver.execute(tasks)
            finally:
                if not self._host:
                    self._host, self._environment = host(driver), self._of_all(environment(session))
                for name in part.arms:
                    self._take_in(driver, part, name)

    def _of_all(self, found: Mapping[str, object]) -> dict[str, object]:
        """Return what one session says of its environments, as far as that holds for all pairs."""
        kept = {name: value for name, value in found.items() if name in ("policy", "torch", "fixed")}
        pins = [*self.asked.scenario.pins]
        return {**kept, "pins": pins}

    def _take_in(self, driver: Driver, part: Part, arm: str) -> None:
        session = driver.session
        findings: dict[int, tuple[Finding, list[Finding]]] = {
            position: (Finding(unresolvable(lock.reason)), [])
            for position, lock in session.known_locks().items()
            if isinstance(lock, Unresolvable)
        }
        findings |= {position: representative(repeats) for position, repeats in driver.findings[arm].items()}
        for position, (first, repeats) in findings.items():
            release = session.releases[position]
            command = session.asked.probe_command(release.version, arm)
            row = release_result(release, first, repeats, command, part.package)
            self.grids[arm].tell(Point(part.package, release.version, part.held, part.held_version), row)

    def _with_assumed(self, part: Part, arm: ArmResult) -> ArmResult:
        """Return an arm of a part in which assumed releases, which were not executed, have their verdict."""
        rows = []
        for row in arm.releases:
            point = Point(part.package, row.version, part.held, part.held_version)
            verdict = self.asked.assumed(point) if row.verdict == Verdict.UNTESTED else ""
            rows.append(replace(row, verdict=verdict, reason=ASSUMED) if verdict else row)
        return replace(arm, releases=rows)

    # -- edges ----------------------------------------------------------------------------------------------

    def _answer(self, edge: Edge, arms: Sequence[str]) -> None:
        """Answer one edge by an ordinary run."""
        part = self._part(edge.axis, edge.at, edge.first, edge.last, arms)
        self.watcher.note(f"{part}, in {', '.join(arms)}")
        done = bisect(self._ask(part), self.state, self.watcher)
        folder = done.folder.relative_to(self.folder).as_posix()
        shutil.copytree(done.folder / "locks", self.folder / "locks" / part.locks, dirs_exist_ok=True)
        self.parts.append(
            PartResult(
                *(part.package, part.first, part.last, part.held, part.held_version),
                folder,
                {arm.name: [arm.conclusion, arm.answer] for arm in done.report.arms},
            )
        )
        self.warnings += [one for one in done.report.warnings if one not in self.warnings]
        for arm in done.report.arms:
            self.grids[arm.name].answered(edge, self._with_assumed(part, arm))
        if done.interrupted:
            raise KeyboardInterrupt
