"""Opens a located boundary of a stored run into its commit, hunks and lines, and writes the run's files anew with them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.descent.descent import Descent
from harness.descent.patch import Patch
from harness.descent.repository import AUTO
from harness.errors import UsageError
from harness.report.boundaries import BY_VERDICT, gravest, verdict_changes
from harness.report.write import write_report
from harness.runs.bisect import Run, begin
from harness.runs.kept import question_of
from harness.runs.stored import load_report, stored_evidence
from harness.sessions import overlay
from harness.sessions.asked import ask
from harness.sessions.source import Index

if TYPE_CHECKING:
    from harness.model.question import Place
    from harness.report.model import ArmResult, BoundaryResult, Report
    from harness.sessions.asked import Asked
    from harness.sessions.driver import Watcher
    from harness.state import State


def descend(
    folder: Path,
    state: State,
    watcher: Watcher,
    *,
    boundary: str = "",
    arm: str = "",
    source: str = AUTO,
    patch: str | None = None,
    own_links: tuple[str, ...] = (),
    place: Place,
) -> Report:
    """Find the commit and the hunks that do it at one boundary of a run; return its report with them.

    Args:
        folder: Of the run.
        state: Where state lives.
        watcher: Is told how it goes on.
        boundary: `OLDER..NEWER` or the newer release alone; empty for the newest one in verdict.
        arm: Its name; empty for the gravest one.
        source: The repository: a path, a URL, or `auto` for the one that the package's metadata name.
        patch: File that is applied to every candidate; None for what the run's own question says.
        own_links: Folders with builds of the harness, which the releases of the boundary may be.
        place: Where and how fast.

    Raises:
        UsageError: The run has no such boundary, or keeps no question; or the source is a path and no repository.
        HarnessError: As the parts say.
    """
    report = load_report(folder)
    chosen, found = choose(report, boundary, arm)
    asked = replace(asked_at(folder, report, chosen, found, state=state, place=place), locks=folder / "locks")
    if own_links:
        asked = replace(asked, source=Index(own_links))
    patch = patch or asked.question.plan.patch
    with overlay.kept(state.root / "overlays"), begin(asked, state, watcher) as (session, _):
        applied = Patch(Path(patch)) if patch else None
        opened = Descent(session, watcher, asked.arms[0], chosen, found, report, applied)
        commits, hunks = opened.open(source)
    report = with_boundary(report, found, replace(found, commits=commits, hunks=hunks))
    write_report(folder, report, stored_evidence(report, session.store), drawings=state.drawings)
    return report


def with_commits(run: Run, source: str, place: Place, state: State, watcher: Watcher) -> Run:
    """Return a finished run with every located change of the verdict opened.

    Args:
        run: As `bisect` returned it.
        source: As `descend` takes it.
        place: Where and how fast.
        state: Where state lives.
        watcher: Is told how it goes on.

    Raises:
        HarnessError: As `descend` says.
    """
    started = time.monotonic()
    report = run.report
    for arm in run.report.arms:
        for one in verdict_changes(arm):
            if not one.untested:
                where = f"{one.before}..{one.after}"
                report = descend(
                    run.folder, state, watcher, boundary=where, arm=arm.name, source=source, place=place
                )
    return replace(run, report=report, seconds={**run.seconds, "commits": time.monotonic() - started})


def choose(report: Report, boundary: str, arm: str) -> tuple[ArmResult, BoundaryResult]:
    """Return the arm and the boundary in verdict that are meant.

    Raises:
        UsageError: There is none.
    """
    chosen = next((one for one in report.arms if one.name == arm), None) if arm else gravest(report.arms)
    if chosen is None:
        known = ", ".join(one.name for one in report.arms)
        raise UsageError(f"--arm {arm}: the run has no such arm; it has {known}")
    located = [one for one in chosen.boundaries if one.signal in BY_VERDICT and not one.untested]
    if not located:
        raise UsageError(
            f"arm {chosen.name} is {chosen.conclusion}: no boundary in verdict is located in it, and one is needed here; "
            "ask about a range with a good and a bad release"
        )
    names = [f"{one.before}..{one.after}" for one in located]
    wanted = [one for one, name in zip(located, names, strict=True) if boundary in {"", name, one.after}]
    if not wanted:
        raise UsageError(
            f"{boundary or chosen.name}: no such boundary is located in arm {chosen.name}; there are: "
            f"{', '.join(names)}"
        )
    breaks = [one for one in wanted if one.kind == "regressed"]
    return chosen, (breaks or wanted)[0 if boundary else -1]


def asked_at(
    folder: Path, report: Report, arm: ArmResult, boundary: BoundaryResult, *, state: State, place: Place
) -> Asked:
    """Return the question of a run about one of its arms and one of its boundaries alone.

    Args:
        folder: Of the run.
        report: Of the run.
        arm: One of the report's.
        boundary: One of the arm's.
        state: Where state lives.
        place: Where and how fast.

    Raises:
        UsageError: The run keeps no question.
        HarnessError: As `ask` says.
    """
    question = question_of(report, folder)
    if question is None:
        raise UsageError(f"{folder}: an older harness wrote this run, and it keeps no question: bisect again")
    asked = ask(question, state, place)
    arms = [one for one in asked.arms if one.name == arm.name]
    return replace(asked, arms=arms, first=boundary.before, last=boundary.after)


def with_boundary(report: Report, boundary: BoundaryResult, opened: BoundaryResult) -> Report:
    """Return a report with one boundary of its arms replaced by what is known of it now."""
    arms = [
        replace(arm, boundaries=[opened if one is boundary else one for one in arm.boundaries])
        for arm in report.arms
    ]
    return replace(report, arms=arms)
