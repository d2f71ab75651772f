"""Finds the runs of a site: those of the reports folder, and those that the site already has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.runs.stored import load_report

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.model import Report

_MARKS = ("report.json", "junit.xml", "pair.json")
"""Files of which a run's folder has one; the last one is what older harnesses wrote of two packages."""

_AHEAD = timedelta(days=1)
"""How far the clock of the machine that made a run may be ahead of this one's."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        name: Of the folder.
        folder: Where it is read from.
        report: Its facts.
        started: In UTC; the oldest of times where the report's is none.
    """

    name: str
    folder: Path
    report: Report
    started: datetime

    @property
    def day(self) -> str:
        """Day on which it started."""
        return f"{self.started:%Y-%m-%d}"

    @property
    def figures(self) -> list[str]:
        """Names of its figures, without the ending: each is there as SVG and PNG."""
        return sorted(path.stem for path in (self.folder / "figures").glob("*.svg"))


def find_runs(*places: Path) -> tuple[list[Run], list[str]]:
    """Return the runs of some folders, oldest first, and what is wrong with those that cannot be used.

    Args:
        places: Each holds a folder a run. Of runs of one name, that of the first place counts.
    """
    found: dict[str, Run] = {}
    faults: list[str] = []
    for folder in (folder for place in places for folder in _folders(place)):
        if folder.name in found:
            continue
        try:
            found[folder.name] = _read(folder)
        except UsageError as error:
            faults.append(str(error))
    return sorted(found.values(), key=lambda run: (run.started, run.name)), faults


def _drawn(folder: Path) -> Path:
    """Return a folder that has its page.

    Raises:
        UsageError: It has none.
    """
    if not (folder / "index.html").is_file():
        raise UsageError(
            f"{folder / 'index.html'}: missing; draw the run again with `python -m harness report {folder}`"
        )
    return folder


def _folders(place: Path) -> list[Path]:
    """Return the folders that hold a run; `latest`, be it a link or a copy, is another one's."""
    if not place.is_dir():
        return []
    return sorted(
        folder
        for folder in place.iterdir()
        if folder.name != "latest"
        and not folder.name.startswith(".")
        and not folder.is_symlink()
        and any((folder / name).is_file() for name in _MARKS)
    )


def _read(folder: Path) -> Run:
    report = load_report(folder)
    return Run(folder.name, _drawn(folder), report, _moment(report.started))


def _moment(text: str) -> datetime:
    """Return a report's time in UTC; the oldest of times where it is none, or lies in the future.

    A run of a machine whose clock was wrong would else be the newest one for ever.
    """
    oldest = datetime.min.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return oldest
    return found if found <= datetime.now(UTC) + _AHEAD else oldest
