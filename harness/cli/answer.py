"""The answer of a run on a terminal, and the exit status that it deserves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.cli.terminal import terminal
from harness.report import descended, operations, profile
from harness.report.blame_rows import replaced, support
from harness.report.boundaries import located, span
from harness.report.causes import not_sought
from harness.report.dependencies import proof
from harness.report.gaps import gap_of
from harness.report.lines import raised, rows
from harness.report.offers import offers
from harness.report.policies import compared
from harness.report.remedies import not_tried
from harness.report.remedies import sentences as helpful
from harness.report.stages import stage_sentences
from harness.report.tests import sentence, table
from harness.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from harness.report.attribution import CauseResult
    from harness.report.blamed import BlameResult
    from harness.report.model import ArmResult, BoundaryResult, Report
    from harness.report.tests import TestsResult

INCONCLUSIVE = 3
REGRESSION = 1


def show(report: Report, folder: Path) -> None:
    """Print the answer of each arm, its boundaries, their causes, and where the report lies."""
    show_facts(terminal(highlight=False, soft_wrap=True), report, folder)


def show_facts(console: Console, report: Report, folder: Path) -> None:
    """Print the same on a console of the caller's."""
    for arm in report.arms:
        show_arm(console, arm)
        for boundary in arm.boundaries if report.blame is None else ():
            _show_boundary(console, report, arm, boundary)
        if arm.tests:
            _show_tests(console, arm.tests)
        for note in arm.notes if arm.grid else ():
            console.print(f"  {note}", markup=False, style="dim")
        _show_why(console, report, arm)
    for said in (*stage_sentences(report), *not_tried(report)):
        console.print(f"  {said}", markup=False)
    for line in _open(report, folder):
        console.print(f"  {line}", markup=False)
    if report.blame is not None:
        _show_blame(console, report.blame)
    if why := not_sought(report):
        console.print(f"{why}.", markup=False, style="dim")
    console.print(f"report: {folder / 'index.html'}", markup=False)


def _show_blame(console: Console, blame: BlameResult) -> None:
    """Print how the answer about two environments is supported, and which change of a culprit does it."""
    for line in filter(None, [*replaced(blame), support(blame)]):
        console.print(f"  {line}", markup=False, style="dim")
    for one in filter(descended.known, blame.inside):
        console.print(f"  {one.name} {one.good} -> {one.bad}:", markup=False)
        _show_change(console, one, one.name)


def _open(report: Report, folder: Path) -> list[str]:
    """Return what the run leaves open, with the commands that would decide it."""
    commands = [f"{offer.said}: {offer.command}" for offer in offers(report, str(folder))]
    return [*filter(None, [compared(report.policies)]), *commands]


def _show_why(console: Console, report: Report, arm: ArmResult) -> None:
    """Print the causes of an arm's boundaries, and which remedies help."""
    for cause in report.cause:
        if cause.arm == arm.name:
            _show_cause(console, cause, report.package)
    for matrix in report.interventions:
        if matrix.arm == arm.name:
            console.print(f"  What helps: {' '.join(helpful(matrix))}", markup=False)


def _show_boundary(console: Console, report: Report, arm: ArmResult, boundary: BoundaryResult) -> None:
    sure = "confirmed" if boundary.confirmed else "not confirmed"
    head = f"  {boundary.signal:<8}{span(boundary)}  {boundary.kind}, {sure}"
    console.print(head, markup=False)
    for said in (proof(boundary, report.package), gap_of(boundary, arm.releases), boundary.agreement):
        if said:
            console.print(f"            {said}", markup=False)
    for said, text in raised(boundary, arm.releases, report.package):
        console.print(f"            {said}", markup=False)
        console.print(f"                {one_line(text)}", markup=False, style="dim")
    _show_change(console, boundary, report.package)
    for line in boundary.details[:4] if boundary.signal != "verdict" else ():
        console.print(f"            {line}", markup=False, style="dim")


def _show_change(console: Console, boundary: descended.Opened, package: str) -> None:
    """Print what opening a boundary proved, the smallest change, and what that took."""
    for row in descended.rows(boundary, package):
        console.print(f"            {row.said}{f', {row.link}' if row.link else ''}", markup=False)
        if row.code:
            console.print(f"                {one_line(row.code)}", markup=False, style="dim")
    for line in descended.patch(boundary).splitlines():
        console.print(f"                {line}", markup=False, style="dim")
    took = [
        f"{one.executions} executions of {what}, {one.seconds:.0f} s"
        for one, what in ((boundary.commits, "commits"), (boundary.hunks, "mixtures"))
        if one and one.executions
    ]
    if took:
        console.print(f"            {'; '.join(took)}", markup=False, style="dim")


def _show_tests(console: Console, result: TestsResult) -> None:
    """Print what became of the tests: a row for those that changed alike, a column for each boundary."""
    console.print(f"  {sentence(result)}", markup=False)
    header, rows = table(result)
    order = [0, *range(2, len(header) - 1), 1]  # names last: they may be long
    widths = [max(len(row[place]) for row in (header, *rows)) for place in order]
    for row in (header, *rows) if rows else ():
        cells = (row[place].ljust(width) for place, width in zip(order, widths, strict=True))
        console.print(("    " + "  ".join(cells)).rstrip(), markup=False)
        if row is not header and row[-1]:
            console.print(f"        {row[-1]}", markup=False, style="dim")


def _show_cause(console: Console, cause: CauseResult, package: str) -> None:
    """Print a cause and, below it, the last lines that set the property on both sides."""
    console.print(f"  {cause.before} -> {cause.after}  {cause.sentence}", markup=False)
    if code := profile.text(cause):
        console.print(f"                {one_line(code)}", markup=False, style="dim")
    for said, text in rows(cause, package):
        console.print(f"            {said}", markup=False)
        if text:
            console.print(f"                {one_line(text)}", markup=False, style="dim")
    if operation := operations.sentence(cause):
        console.print(f"            {operation}", markup=False)


def show_arm(console: Console, arm: ArmResult) -> None:
    """Print what an arm's answer is, in one line."""
    console.print(arm.name, markup=False, style="bold", end=" ")
    console.print(f"{arm.conclusion}: {arm.answer}", markup=False)


def show_time(phases: Mapping[str, float]) -> None:
    """Say on stderr what took how long."""
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in phases.items())
    print(f"took {sum(phases.values()):.1f} s: {parts}", file=sys.stderr)


def exit_status(report: Report, *, fail_on_regression: bool = False) -> int:
    """Return 3 if an arm is inconclusive, 1 for a located regression if that is asked for, else 0."""
    if fail_on_regression and any(map(located, report.arms)):
        return REGRESSION
    return INCONCLUSIVE if any(arm.conclusion == "inconclusive" for arm in report.arms) else 0
