"""`bisect` with two packages: the answer on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.pairs.model import PairReport
    from harness.pairs.question import PairQuestion


def run_pair(asked: PairQuestion, *, fail_on_regression: bool) -> int:
    """Answer the question, print the answer, return the exit status.

    Raises:
        KeyboardInterrupt: It was interrupted; its report is written.
    """
    from harness.cli.progress import watcher  # noqa: PLC0415 - kept out of start-up
    from harness.pairs.run import bisect_pair  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    with watcher() as watched:
        done = bisect_pair(asked, State.find(), watched)
    show_pair(done.report, done.folder)
    if done.interrupted:
        raise KeyboardInterrupt
    return pair_status(done.report, fail_on_regression=fail_on_regression)


def find_pair(name: str, out: str) -> Path | None:
    """Return the folder of a stored answer about two packages; None if there is none of that name."""
    found = (folder for folder in (Path(name), Path(out) / name) if (folder / "pair.json").is_file())
    return next((folder.resolve() for folder in found), None)


def show_pair(report: PairReport, folder: Path) -> None:
    """Print the answer of each arm, what it rests on, and where the report lies."""
    from rich.console import Console  # noqa: PLC0415 - kept out of start-up

    from harness.cli.answer import show_arm  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    for arm in report.arms:
        show_arm(console, arm)
        for one in arm.changes:
            sure = "confirmed" if one.confirmed else "not confirmed"
            said = f"  {one.package} {one.before} -> {one.after}  {one.kind} with {one.held} {one.version}, {sure}"
            console.print(said, markup=False)
        for note in arm.notes:
            console.print(f"  {note}", markup=False, style="dim")
    console.print(f"report: {folder / 'index.html'}", markup=False)


def pair_status(report: PairReport, *, fail_on_regression: bool = False) -> int:
    """Return 3 if an arm is inconclusive, 1 for a located regression if that is asked for, else 0."""
    from harness.cli.answer import INCONCLUSIVE, REGRESSION  # noqa: PLC0415 - kept out of start-up

    if fail_on_regression and any(one.kind == "regressed" for arm in report.arms for one in arm.changes):
        return REGRESSION
    return INCONCLUSIVE if any(arm.conclusion == "inconclusive" for arm in report.arms) else 0
