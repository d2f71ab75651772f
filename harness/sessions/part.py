"""A part of a question about two packages: one of them varies, the other one is held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.locks.stored import line_folder
from harness.model.question import Axis, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model.question import Question


@dataclass(frozen=True, slots=True)
class Part:
    """One question about one package, the other one held.

    Attributes:
        package: The package that varies.
        versions: Its releases, oldest first.
        held: The other package.
        held_version: The release that it is held at.
        arms: Names of the arms.
        line: All releases of the package in the question, of which `versions` are a stretch; none: it is all of them.
    """

    package: str
    versions: Sequence[str]
    held: str
    held_version: str
    arms: Sequence[str]
    line: Sequence[str] = ()

    @property
    def first(self) -> str:
        """Oldest release of the range."""
        return self.versions[0]

    @property
    def last(self) -> str:
        """Newest release of the range."""
        return self.versions[-1]

    @property
    def locks(self) -> str:
        """Name of the folder with its locks, in the folder `locks` of a run."""
        return line_folder(self.package, self.first, self.last, self.held, self.held_version)

    @property
    def line_locks(self) -> str:
        """Name of the folder with the locks of all releases of the package."""
        line = self.line or self.versions
        return line_folder(self.package, line[0], line[-1], self.held, self.held_version)

    @property
    def newest(self) -> str:
        """Newest release of all of the package in the question."""
        return (self.line or self.versions)[-1]

    def __str__(self) -> str:
        """Return how it is called."""
        return f"{self.package} {self.first} to {self.last} with {self.held} {self.held_version}"


def part_question(question: Question, part: Part) -> Question:
    """Return the question of a part: one package varies, the other one is pinned, nothing is assumed."""
    return replace(
        question,
        axes=(Axis(package=part.package, first=part.first, last=part.last),),
        holds=replace(
            question.holds, locks=None, pins=(*question.holds.pins, f"{part.held}=={part.held_version}")
        ),
        job=replace(question.job, arms=tuple(part.arms)),
        plan=replace(question.plan, assume=Plan().assume, leave_out=Plan().leave_out),
    )
