"""Finds the runs of a site: those of the reports folder, and those that the site already has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.errors import UsageError
from harness.report.model import Report
from harness.runs.stored import load_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


Facts = TypeVar("Facts")
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Stored(Generic[Facts]):
    """A folder of the reports.

    Attributes:
        name: Of the folder.
        folder: Where it is read from.
        report: Its facts.
        started: In UTC; the oldest of times where the report's is none.
    """

    name: str
    folder: Path
    report: Facts
    started: datetime


@dataclass(frozen=True, slots=True)
class Run(Stored[Report]):
    """One run."""

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
    found, faults = collect(places, ("report.json", "junit.xml"), _read)
    return sorted(found, key=lambda run: (run.started, run.name)), faults


def collect(
    places: Sequence[Path], marks: Sequence[str], read: Callable[[Path], Kept]
) -> tuple[list[Kept], list[str]]:
    """Read the folders that have one of some files, and return what is wrong with those that cannot be read.

    Args:
        places: Each holds such folders. Of folders of one name, that of the first place counts.
        marks: Names of the files.
        read: Reads a folder; raises UsageError if it cannot be used.
    """
    found: dict[str, Kept] = {}
    faults: list[str] = []
    for folder in (folder for place in places for folder in _folders(place, marks)):
        if folder.name in found:
            continue
        try:
            found[folder.name] = read(folder)
        except UsageError as error:
            faults.append(str(error))
    return list(found.values()), faults


def drawn(folder: Path) -> Path:
    """Return a folder that has its page.

    Raises:
        UsageError: It has none.
    """
    if not (folder / "index.html").is_file():
        raise UsageError(
            f"{folder / 'index.html'}: missing; draw the run again with `python -m harness report {folder}`"
        )
    return folder


def _folders(place: Path, marks: Sequence[str]) -> list[Path]:
    """Return the folders that have one of the files; `latest`, be it a link or a copy, is another one's."""
    if not place.is_dir():
        return []
    return sorted(
        folder
        for folder in place.iterdir()
        if folder.name != "latest"
        and not folder.name.startswith(".")
        and not folder.is_symlink()
        and any((folder / name).is_file() for name in marks)
    )


def _read(folder: Path) -> Run:
    report = load_report(folder)
    return Run(folder.name, drawn(folder), report, moment(report.started))


def moment(text: str) -> datetime:
    """Return a report's time in UTC; the oldest of times where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
