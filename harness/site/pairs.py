"""Finds the answers about two packages: each is a page of its own, with the runs of its edges beneath it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.pairs.write import load_pair
from harness.site.runs import moment

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from harness.pairs.model import PairReport


@dataclass(frozen=True, slots=True)
class Pair:
    """One question about two packages.

    Attributes:
        name: Of its folder.
        folder: Where it is read from.
        report: Its facts.
        started: In UTC; the oldest of times where the report's is none.
    """

    name: str
    folder: Path
    report: PairReport
    started: datetime

    @property
    def address(self) -> str:
        """Of its page, seen from the site's."""
        return f"runs/{self.name}/index.html"


def find_pairs(*places: Path) -> tuple[list[Pair], list[str]]:
    """Return the pairs of some folders, newest first, and what is wrong with those that cannot be used.

    Args:
        places: Each holds a folder a pair, among runs. Of pairs of one name, that of the first place counts.
    """
    found: dict[str, Pair] = {}
    faults: list[str] = []
    for path in (path for place in places for path in sorted(place.glob("*/pair.json"))):
        folder = path.parent
        if folder.name in found or folder.name == "latest" or folder.is_symlink():
            continue
        try:
            report = load_pair(folder)
        except UsageError as error:
            faults.append(str(error))
            continue
        if (folder / "index.html").is_file():
            found[folder.name] = Pair(folder.name, folder, report, moment(report.started))
        else:
            faults.append(
                f"{folder / 'index.html'}: missing; draw it again with `python -m harness report {folder}`"
            )
    return sorted(found.values(), key=lambda pair: (pair.started, pair.name), reverse=True), faults
