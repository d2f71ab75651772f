"""Opens a located boundary of a stored run into its hunks, and writes the run's files anew with what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.descent import overlay
from harness.descent.opening import Opening, Sides
from harness.environments.environment import NotInstallable
from harness.errors import UsageError
from harness.locks.lock import Lock
from harness.probes.launch import site_packages
from harness.report.boundaries import gravest
from harness.report.write import write_report
from harness.runs.bisect import begin
from harness.runs.kept import question_of
from harness.runs.stored import load_report, stored_evidence
from harness.sessions.asked import ask
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from harness.descent.hunks import Tree
    from harness.model.question import Place
    from harness.report.model import ArmResult, BoundaryResult, Report
    from harness.sessions.driver import Watcher
    from harness.sessions.session import Session
    from harness.state import State

LIKELIEST = 1000.0
"""Suspicion of a line that set the property of the cause, or that is the deepest one of a traceback."""
CALLER = 20.0
"""Suspicion of a line that led to it."""


def descend(
    folder: Path, state: State, watcher: Watcher, *, boundary: str = "", arm: str = "", place: Place
) -> Report:
    """Find the hunks that do it at one boundary of a run; return its report with them.

    Args:
        folder: Of the run.
        state: Where state lives.
        watcher: Is told how it goes on.
        boundary: `OLDER..NEWER` or the newer release alone; empty for the newest one in verdict.
        arm: Its name; empty for the gravest one.
        place: Where and how fast.

    Raises:
        UsageError: The run has no such boundary, or keeps no question.
        HarnessError: As the parts say.
    """
    report = load_report(folder)
    chosen, found = choose(report, boundary, arm)
    question = question_of(report, folder)
    if question is None:
        raise UsageError(f"{folder}: an older harness wrote this run, and it keeps no question: bisect again")
    asked = ask(question, state, place)
    arms = [one for one in asked.arms if one.name == chosen.name]
    asked = replace(asked, arms=arms, first=found.before, last=found.after, locks=folder / "locks")
    overlays = state.root / "overlays"
    try:
        with begin(asked, state, watcher) as (session, _):
            calibrate(session, arms[0])
            fixed = found.kind == "fixed"
            older, newer = 0, len(session.releases) - 1
            sides = Sides(
                good=newer if fixed else older,
                bad=older if fixed else newer,
                older=_files(session, older),
                newer=_files(session, newer),
                fixed=fixed,
                **_suspicions(report, chosen, found),
            )
            jobs = Driver(session, watcher).jobs
            answer = Opening(session, arms[0], sides, overlays, jobs=jobs, note=watcher.note).answer()
    finally:
        overlay.remove(overlays)
    opened = replace(found, hunks=answer)
    boundaries = [opened if one is found else one for one in chosen.boundaries]
    arm_results = [replace(one, boundaries=boundaries) if one is chosen else one for one in report.arms]
    report = replace(report, arms=arm_results)
    write_report(folder, report, stored_evidence(report, session.store), drawings=state.drawings)
    return report


def choose(report: Report, boundary: str, arm: str) -> tuple[ArmResult, BoundaryResult]:
    """Return the arm and the boundary in verdict that are meant.

    Raises:
        UsageError: There is none.
    """
    chosen = next((one for one in report.arms if one.name == arm), None) if arm else gravest(report.arms)
    if chosen is None:
        known = ", ".join(one.name for one in report.arms)
        raise UsageError(f"--arm {arm}: the run has no such arm; it has {known}")
    located = [one for one in chosen.boundaries if one.signal in {"verdict", "failure"} and not one.untested]
    names = [f"{one.before}..{one.after}" for one in located]
    wanted = [one for one, name in zip(located, names, strict=True) if boundary in {"", name, one.after}]
    if not wanted:
        raise UsageError(
            f"{boundary or chosen.name}: no such boundary is located in arm {chosen.name}; there are: "
            f"{', '.join(names) or 'none'}"
        )
    breaks = [one for one in wanted if one.kind == "regressed"]
    return chosen, (breaks or wanted)[0 if boundary else -1]


def _files(session: Session, position: int) -> Tree:
    """Return the package's files in a release."""
    lock, version = session.locks[position], session.releases[position].version
    if not isinstance(lock, Lock):
        raise UsageError(f"{session.asked.package} {version} cannot be resolved any more: {lock.reason}")
    made = session.environments.ensure(lock)
    if isinstance(made, NotInstallable):
        raise UsageError(f"{session.asked.package} {version} cannot be installed any more: {made.reason}")
    return overlay.installed(site_packages(made.folder), session.asked.package)


def _suspicions(
    report: Report, arm: ArmResult, boundary: BoundaryResult
) -> dict[str, dict[tuple[str, int], float]]:
    """Return how suspicious the lines of both releases are, by what the run knows of the cause."""
    known: dict[str, dict[tuple[str, int], float]] = {"before": {}, "after": {}}
    place = (arm.name, boundary.before, boundary.after)
    for cause in report.cause:
        if (cause.arm, cause.before, cause.after) == place:
            for line in cause.lines:
                for caller in line.stack:
                    known[line.side][caller.file, caller.line] = CALLER
            for line in cause.lines:
                if line.code and line.last:
                    known[line.side][line.code.file, line.code.line] = LIKELIEST
    for release in arm.releases:
        side = {boundary.before: "before", boundary.after: "after"}.get(release.version)
        if side and release.raised_at:
            known[side][release.raised_at.file, release.raised_at.line] = LIKELIEST
    return {"before_lines": known["before"], "after_lines": known["after"]}
