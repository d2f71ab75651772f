"""What is asked of two packages; every part of it is an ordinary question with the other package held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.releases.index import list_releases
from harness.releases.release import select
from harness.releases.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.home import Home
    from harness.releases.release import Release
    from harness.runs.question import Question
    from harness.scenario import Arm, Range, Scenario


@dataclass(frozen=True, slots=True)
class Part:
    """One ordinary question of a pair question.

    Attributes:
        package: The package that varies.
        first, last: Ends of its range.
        held: The other package.
        version: The release that it is held at.
        arms: Names of the arms.
        out: Folder of the report.
    """

    package: str
    first: str
    last: str
    held: str
    version: str
    arms: Sequence[str]
    out: Path


@dataclass(frozen=True, slots=True)
class PairQuestion:
    """Which releases of which two packages, judged how.

    Attributes:
        ranges: Of both packages.
        arms: At least one.
        ask: Makes the ordinary question of a part.
        out: Folder of the reports.
        prereleases: Whether they belong to the ranges.
        command: The command line that asks this question.
    """

    scenario: Scenario
    ranges: tuple[Range, Range]
    arms: Sequence[Arm]
    ask: Callable[[Part], Question]
    out: Path
    prereleases: bool = False
    command: str = ""

    def releases(self, home: Home) -> tuple[list[list[Release]], list[str]]:
        """Return the releases of both packages, oldest first, and what a reader must know of the listings.

        Raises:
            UsageError: A range holds fewer than two releases.
            HarnessError: As `list_releases` and `select` say.
        """
        found, warnings = [], []
        for one in self.ranges:
            listing = list_releases(one.package, read_settings(), home)
            chosen = select(
                listing.releases,
                package=one.package,
                first=one.first,
                last=one.last,
                prereleases=self.prereleases,
            )
            if len(chosen) < 2:
                raise UsageError(
                    f"the range of {one.package} holds {chosen[0].version} alone: widen it, or hold the package by "
                    f"--with {one.package}=={chosen[0].version} and vary the other one"
                )
            found.append(chosen)
            warnings += [listing.warning] if listing.warning else []
        return found, warnings
