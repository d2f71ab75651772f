"""Writes every file of a pair report into its folder, beside the reports of its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.files import to_json, write_atomic
from harness.pairs.model import PairReport
from harness.report.model import read_stored

if TYPE_CHECKING:
    from pathlib import Path

    from harness.state import State


def write_pair(folder: Path, report: PairReport) -> None:
    """Write pair.json, summary.md, issue.md and index.html; the same report gives the same bytes."""
    from harness.pairs.issue import issue, summary  # noqa: PLC0415 - templates are slow to import
    from harness.pairs.page import draw  # noqa: PLC0415

    write_atomic(folder / "pair.json", to_json(report.to_dict()))
    write_atomic(folder / "summary.md", summary(report))
    text = issue(report)
    write_atomic(folder / "issue.md", text)
    write_atomic(folder / "index.html", draw(report, issue=text))


def redraw_pair(folder: Path, state: State) -> PairReport:
    """Write the files of a pair report and of its runs anew, and return it."""
    from harness.runs.stored import redraw  # noqa: PLC0415 - imports what executes

    report = load_pair(folder)
    for part in report.parts:
        if (folder / part.folder / "report.json").is_file():
            redraw(folder / part.folder, state)
    write_pair(folder, report)
    return report


def load_pair(folder: Path) -> PairReport:
    """Read a folder's pair.json.

    Raises:
        UsageError: It cannot be read, or another schema wrote it.
    """
    return read_stored(folder / "pair.json", PairReport.from_dict)
