"""Finds the answers about two packages: each is a page of its own, with the runs of its edges beneath it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.pairs.model import PairReport
from harness.pairs.write import load_pair
from harness.site.runs import Stored, collect, drawn, moment

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pair(Stored[PairReport]):
    """One question about two packages."""

    @property
    def address(self) -> str:
        """Of its page, seen from the site's."""
        return f"runs/{self.name}/index.html"


def find_pairs(*places: Path) -> tuple[list[Pair], list[str]]:
    """Return the pairs of some folders, newest first, and what is wrong with those that cannot be used.

    Args:
        places: Each holds a folder a pair, among runs. Of pairs of one name, that of the first place counts.
    """
    found, faults = collect(places, ("pair.json",), _read)
    return sorted(found, key=lambda pair: (pair.started, pair.name), reverse=True), faults


def _read(folder: Path) -> Pair:
    report = load_pair(folder)
    return Pair(folder.name, drawn(folder), report, moment(report.started))
