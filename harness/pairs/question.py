"""What is asked of two packages; every part of it is an ordinary question with the other package held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.model.question import Axis
from harness.releases.index import list_releases
from harness.releases.release import select
from harness.releases.settings import read_settings
from harness.scenario import Range
from harness.scenario.command import package_under_test
from harness.sessions.asked import ask, check_place, load_subject, shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model.question import Place, Question
    from harness.releases.release import Release
    from harness.scenario import Arm, Scenario
    from harness.sessions.asked import Asked
    from harness.state import State


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
        question: What is asked, with both packages as its axes.
        scenario: Its scenario.
        ranges: Of both packages.
        arms: At least one.
        place: Where and how fast.
    """

    question: Question
    scenario: Scenario
    ranges: tuple[Range, Range]
    arms: Sequence[Arm]
    place: Place

    @property
    def out(self) -> Path:
        """Folder of the reports."""
        return Path(self.place.out)

    @property
    def command(self) -> str:
        """The command line that asks this question."""
        return shell(self.question.to_argv())

    def ask(self, part: Part, state: State) -> Asked:
        """Return the ordinary question of a part, made ready."""
        question, holds = self.question, self.question.holds
        pins = (*holds.pins, f"{part.held}=={part.version}")
        asked = ask(
            replace(
                question,
                axes=(Axis(package=part.package, first=part.first, last=part.last),),
                holds=replace(holds, pins=pins),
                job=question.job
                if question.subject.command
                else replace(question.job, arms=tuple(part.arms)),
            ),
            state,
            replace(self.place, out=str(part.out)),
        )
        return replace(asked, held=f"{part.held} {part.version}")

    def releases(self, state: State) -> tuple[list[list[Release]], list[str]]:
        """Return the releases of both packages, oldest first, and what a reader must know of the listings.

        Raises:
            UsageError: A range holds fewer than two releases.
            HarnessError: As `list_releases` and `select` say.
        """
        found, warnings = [], []
        for one in self.ranges:
            listing = list_releases(one.package, read_settings(), state)
            chosen = select(
                listing.releases,
                package=one.package,
                first=one.first,
                last=one.last,
                prereleases=self.question.holds.prereleases,
            )
            if len(chosen) < 2:
                raise UsageError(
                    f"the range of {one.package} holds {chosen[0].version} alone: widen it, or hold the package by "
                    f"--with {one.package}=={chosen[0].version} and vary the other one"
                )
            found.append(chosen)
            warnings += [listing.warning] if listing.warning else []
        return found, warnings


def as_pair(question: Question, place: Place, *, shard: str | None = None) -> PairQuestion | None:
    """Return what is asked of two packages, or None if one alone is asked about.

    Two are, if the question names two, or if it names none and its scenario has two; what the question leaves out is
    the scenario's.

    Args:
        question: What is asked.
        place: Where and how fast.
        shard: The share that is to be executed, if any.

    Raises:
        UsageError: Ends are given, and the scenario has two packages that they may belong to; or an option is given
            that two packages cannot have.
    """
    if question.subject.bundle:
        return None
    scenario = load_subject(question)
    axes = question.axes
    if scenario.also is not None and not any(axis.package for axis in axes):
        if axes:
            raise UsageError(
                f"--from or --to without --package: {scenario.name} varies {scenario.package} and "
                f"{scenario.also.package}; put --package before them"
            )
        axes = (Axis(package=scenario.package), Axis(package=scenario.also.package))
    if len(axes) < 2:
        return None
    named = [package_under_test(axis.package) for axis in axes]
    names = [name for name, _ in named]
    if any(extras for _, extras in named):
        raise UsageError(
            "two packages are varied without extras: hold what the extras bring, as in --with NAME==VERSION"
        )
    for name, given in (("shard", shard), ("locks", question.holds.locks), ("assume", question.plan.assume)):
        if given:
            raise UsageError(
                f"--{name} and two packages ({' and '.join(names)}): "
                f"--{name} belongs to a question about one; hold the other one, as in --with PACKAGE==VERSION"
            )
    check_place(place)
    first, second = (
        Range(name, *scenario.ends(name, axis.first, axis.last))
        for name, axis in zip(names, axes, strict=True)
    )
    arms = scenario.choose(question.job.arms, fixes=question.plan.remedies)
    return PairQuestion(replace(question, axes=axes), scenario, (first, second), arms, place)
