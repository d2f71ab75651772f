"""A stored run, about one package or two, drawn or judged again: nothing is executed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.probes.store import Store
from harness.report.sentences import worded
from harness.report.write import write_report
from harness.runs.grids import ArmGrid, edge_of
from harness.runs.stored import (
    ORACLES,
    choose_oracle,
    judge_run,
    judged_row,
    load_report,
    redraw_run,
    stored_evidence,
    with_commands,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.report.axes import PartResult
    from harness.report.model import ArmResult, Report
    from harness.state import State

__all__ = ["ORACLES", "judge_again", "redraw"]


def redraw(folder: Path, state: State) -> Report:
    """Write the files of a run anew, its answers worded as they are now, and return its report.

    Of a question about two packages, the runs beneath it too.
    """
    report = load_report(folder)
    if not report.axes:
        return redraw_run(folder, state)
    parts = _parts(report, folder, lambda part: redraw_run(part, state))
    return _write(worded(replace(report, parts=[part for part, _ in parts])), folder, state)


def judge_again(folder: Path, state: State, oracle: str = "auto") -> tuple[Report, str]:
    """Judge a run's stored traces again, and write its files anew.

    Causes and remedies stay as they were judged when they were executed, but for the causes of boundaries that are
    gone.

    Args:
        folder: Of the run.
        state: Has the traces.
        oracle: One of `ORACLES`.

    Returns:
        The report, and what a reader must know of the oracle; empty if it is the run's own.

    Raises:
        UsageError: The oracle cannot be had, or none of the run's probes is stored any more.
    """
    old = load_report(folder)
    if not old.axes:
        settings, said = choose_oracle(old, oracle)
        return judge_run(old, folder, state, settings), said
    if gone := [part.folder for part in old.parts if not (folder / part.folder / "report.json").is_file()]:
        raise UsageError(f"{folder / gone[0]}: this run of the answer is gone; ask the question anew")
    known = old if old.question or not old.parts else load_report(folder / old.parts[0].folder)
    settings, said = choose_oracle(known, oracle)
    parts = _parts(old, folder, lambda part: judge_run(load_report(part), part, state, settings))
    arms = [_judge_grid(old, arm, parts, Store(state), settings) for arm in old.arms]
    new = replace(old, arms=arms, parts=[part for part, _ in parts], oracle=dict(settings))
    return _write(new, folder, state), said


def _judge_grid(
    report: Report,
    arm: ArmResult,
    parts: Sequence[tuple[PartResult, Report | None]],
    store: Store,
    oracle: Mapping[str, Any],
) -> ArmResult:
    """Return an arm from its pairs outside of the parts, judged again, and from the parts as they are judged now."""
    grid = ArmGrid(arm.name, report.axes)
    edges = [
        (edge_of(report.axes, part), mine)
        for part, found in parts
        if found
        for mine in found.arms
        if mine.name == arm.name
    ]
    covered = {
        edge.cell(report.axes[edge.axis].versions.index(row.version))
        for edge, mine in edges
        for row in mine.releases
        if row.executions
    }
    for row in arm.releases:
        if row.point is not None and grid.cell(row.point) not in covered:
            grid.tell(row.point, judged_row(arm, row, store, oracle))
    for edge, mine in edges:
        grid.answered(edge, mine)
    return grid.result(arm.parameters, [part for part, _ in parts], arm.calibration)


def _parts(
    report: Report, folder: Path, do: Callable[[Path], Report]
) -> list[tuple[PartResult, Report | None]]:
    """Return the parts with the answers that their runs have now; None for a run that is gone."""
    found: list[tuple[PartResult, Report | None]] = []
    for part in report.parts:
        if not (folder / part.folder / "report.json").is_file():
            found.append((part, None))
            continue
        made = do(folder / part.folder)
        answers = {arm.name: [arm.conclusion, arm.answer] for arm in made.arms}
        found.append((replace(part, answers=answers), made))
    return found


def _write(report: Report, folder: Path, state: State) -> Report:
    report = with_commands(report, folder)
    write_report(folder, report, stored_evidence(report, Store(state)), drawings=state.drawings)
    return report
