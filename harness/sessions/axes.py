"""A question about two packages made ready; every part of it is a question about one, with the other package held."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.model.commands import shell
from harness.model.question import Axis
from harness.model.whole import Whole
from harness.releases.release import select
from harness.scenario import Range
from harness.scenario.command import check_packages, package_under_test
from harness.sessions.asked import ask, check_place, decide
from harness.sessions.calibrate import calibrate
from harness.sessions.part import Part, part_question
from harness.sessions.source import Index
from harness.sessions.subject import load_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model.question import Place, Question
    from harness.releases.release import Release
    from harness.report.axes import Point
    from harness.scenario import Arm, Scenario
    from harness.sessions.asked import Asked
    from harness.sessions.session import Session
    from harness.sessions.source import Source
    from harness.state import State
    from harness.verdicts.calibration import Calibration


@dataclass(frozen=True, slots=True)
class AskedAxes:
    """Which releases of which two packages, judged how.

    Attributes:
        question: What is asked, with both packages as its axes.
        scenario: Its scenario.
        ranges: Of both packages.
        arms: At least one.
        place: Where and how fast.
        locks: Folder with the locks of an earlier run to use again, a folder a part; None resolves them.
        source: Where releases and packages come from.
        prereleases: Whether they belong to the ranges.
    """

    question: Question
    scenario: Scenario
    ranges: tuple[Range, Range]
    arms: Sequence[Arm]
    place: Place
    locks: Path | None = None
    source: Source = field(default_factory=Index)
    prereleases: bool = False

    @property
    def out(self) -> Path:
        """Folder of the reports."""
        return Path(self.place.out)

    @property
    def command(self) -> str:
        """The command line that asks this question."""
        return shell(self.question.to_argv())

    def ask(self, part: Part, state: State, out: Path) -> Asked:
        """Return the question of a part, made ready.

        Args:
            part: Of this question.
            state: Where state lives.
            out: Folder of its report.

        Raises:
            UsageError: Locks of an earlier run are to be used, and that run did not ask this part.
        """
        question = part_question(self.question, part)
        plan, holds, job = question.plan, question.holds, question.job
        if set(part.arms) == {arm.name for arm in self.arms}:
            job = self.question.job
        assumed = self._assumed(part)
        plan = replace(plan, assume=tuple(assumed.items()), leave_out=self._left_out(part.package))
        if self.locks is not None:
            folders = [self.locks / part.locks, self.locks / part.line_locks]
            there = [str(one) for one in folders if one.is_dir()]
            if not there:
                raise UsageError(
                    f"--locks {self.question.holds.locks}: that run has no locks of {part}; "
                    "without --locks they are resolved"
                )
            holds = replace(holds, locks=there[0])
        asked = ask(
            replace(question, plan=plan, holds=holds, job=job), state, replace(self.place, out=str(out))
        )
        whole = Whole(self.question, part.held, part.held_version)
        return replace(
            asked, held=f"{part.held} {part.held_version}", whole=whole, newest_of_line=part.newest
        )

    def assumed(self, point: Point) -> str:
        """Return the verdict that holds for a pair without an execution; empty if none does."""
        choice = point.choice()
        fitting = [verdict for wanted, verdict in self._assumptions() if wanted.items() <= choice.items()]
        return fitting[-1] if fitting else ""

    def releases(self, state: State) -> tuple[list[list[Release]], list[str]]:
        """Return the releases of both packages, oldest first, and what a reader must know of the listings.

        Raises:
            UsageError: A range holds fewer than two releases, or a verdict is assumed for a release that is in none.
            HarnessError: As `list_releases` and `select` say.
        """
        found, warnings = [], []
        for one in self.ranges:
            listing = self.source.listing(one.package, state)
            chosen = select(
                listing.releases,
                package=one.package,
                first=one.first,
                last=one.last,
                prereleases=self.prereleases,
            )
            left_out = self._left_out(one.package)
            chosen = [release for release in chosen if release.version not in left_out]
            if len(chosen) < 2:
                only = f"{chosen[0].version} alone" if chosen else "no release"
                version = chosen[0].version if chosen else "VERSION"
                raise UsageError(
                    f"the range of {one.package} holds {only}: widen it, or hold the package by "
                    f"--with {one.package}=={version} and vary the other one"
                )
            found.append(chosen)
            warnings += [listing.warning] if listing.warning else []
        self._check_assumptions(found)
        return found, warnings

    def lines(self, found: Sequence[Sequence[Release]], *, every: bool) -> list[Part]:
        """Return the rows and columns of the grid, all releases of one package each.

        The first one has the pair that all pairs are compared with: it varies the scenario's own package, and holds the
        other one at its oldest release.

        Args:
            found: The releases of both packages.
            every: All of them; else those at the ends of the other package, where the corners are.
        """
        axes = [
            (one.package, [release.version for release in several])
            for one, several in zip(self.ranges, found, strict=True)
        ]
        compared = self.compared_axis()
        return [
            Part(package, versions, held, at, [arm.name for arm in self.arms])
            for (package, versions), (held, others) in (
                (axes[compared], axes[1 - compared]),
                (axes[1 - compared], axes[compared]),
            )
            for at in (others if every else [others[0], others[-1]])
        ]

    def compare(self, session: Session, part: Part, comparisons: int) -> dict[str, Calibration]:
        """Return {arm: what all pairs are compared with}, executed in the part that has it; empty if nothing is compared.

        Args:
            session: Of the part.
            part: The first one of `lines`, of all arms that are asked about.
            comparisons: Releases of both packages, which share the confidence.

        Raises:
            UsageError: The stated reference is not in the range, or is not good.
        """
        for arm in session.asked.arms:
            calibrate(session, arm)
        return {
            name: replace(
                found,
                reference=f"{part.package} {found.reference} with {part.held} {part.held_version}",
                comparisons=comparisons,
            )
            for name, found in session.calibrations.items()
        }

    def read_pair(self, text: str) -> dict[str, str]:
        """Read a pair, `PACKAGE==RELEASE,PACKAGE==RELEASE`: the first package varies, the other one is held.

        Raises:
            UsageError: It names something else than a release of each package.
        """
        wanted = self._releases_named("--release", text, "")
        if len(wanted) < 2:
            first, second = (one.package for one in self.ranges)
            raise UsageError(
                f"--release {text} with two packages: name both, as {first}==RELEASE,{second}==RELEASE"
            )
        return wanted

    def part_with(self, pair: Mapping[str, str], found: Sequence[Sequence[Release]]) -> Part:
        """Return the part that has a pair.

        Args:
            pair: As `read_pair` returns it.
            found: The releases of both packages.

        Raises:
            UsageError: A release is not in its range.
        """
        versions = {
            one.package: [release.version for release in several]
            for one, several in zip(self.ranges, found, strict=True)
        }
        for name, release in pair.items():
            if release not in versions[name]:
                asked = ",".join("==".join(item) for item in pair.items())
                raise UsageError(f"--release {asked}: there is no {name} {release} in its range")
        (package, _), (held, held_version) = pair.items()
        return Part(package, versions[package], held, held_version, [arm.name for arm in self.arms])

    def compared_axis(self) -> int:
        """Return the position of the package on whose line all pairs are compared: the scenario's own, else the first."""
        names = [one.package for one in self.ranges]
        return names.index(self.scenario.package) if self.scenario.package in names else 0

    def _check_assumptions(self, found: Sequence[Sequence[Release]]) -> None:
        known = {
            one.package: {release.version for release in releases}
            for one, releases in zip(self.ranges, found, strict=True)
        }
        for wanted, verdict in self._assumptions():
            for package, version in wanted.items():
                if version not in known[package]:
                    raise UsageError(
                        f"--assume {package}=={version}={verdict}: there is no such release in the range of {package}"
                    )

    def _assumptions(self) -> list[tuple[Mapping[str, str], str]]:
        """Return ({package: release}, verdict) of what is assumed."""
        return [
            (self._releases_named("--assume", release, f"={verdict}"), verdict)
            for release, verdict in self.question.plan.assume
        ]

    def _assumed(self, part: Part) -> dict[str, str]:
        """Return {release of a part's package: verdict} that hold without an execution."""
        found: dict[str, str] = {}
        for wanted, verdict in self._assumptions():
            if wanted.get(part.held, part.held_version) != part.held_version:
                continue
            named = [wanted[part.package]] if part.package in wanted else part.versions
            found |= {version: verdict for version in named if version in part.versions}
        return found

    def _left_out(self, package: str) -> tuple[str, ...]:
        """Return the releases of a package that are no part of its range."""
        named = [self._releases_named("--leave-out", text, "") for text in self.question.plan.leave_out]
        return tuple(wanted[package] for wanted in named if package in wanted)

    def _releases_named(self, option: str, text: str, ending: str) -> dict[str, str]:
        """Read `PACKAGE==RELEASE`, or several with commas between them."""
        packages = [one.package for one in self.ranges]
        found = {}
        for word in text.split(","):
            package, equals, version = word.strip().partition("==")
            name = str(canonicalize_name(package))
            if not equals or not version or name not in packages:
                raise UsageError(
                    f"{option} {text}{ending} with two packages: expected {packages[0]}==RELEASE{ending} or "
                    f"{packages[1]}==RELEASE{ending}"
                    + (
                        f", or both with a comma between them, as {packages[0]}==1.0,{packages[1]}==2.0{ending}"
                        * bool(ending)
                    )
                )
            found[name] = version
        return found


def ask_axes(question: Question, place: Place, state: State) -> AskedAxes | None:
    """Return what is asked of two packages, or None if one alone is asked about.

    Two are, if the question names two, or if it names none and its scenario has two; what the question leaves out is
    the scenario's.

    Args:
        question: What is asked.
        place: Where and how fast.
        state: A bundle is unpacked there.

    Raises:
        UsageError: Ends are given, and the scenario has two packages that they may belong to; or an option is given
            that two packages cannot have.
    """
    decided, source = decide(question, state)
    scenario = load_subject(decided)
    axes = decided.axes
    if scenario.also is not None and not any(axis.package for axis in axes):
        if axes:
            raise UsageError(
                f"--from or --to without --package: {scenario.name} varies {scenario.package} and "
                f"{scenario.also.package}; put --package before them"
            )
        axes = (Axis(package=scenario.package), Axis(package=scenario.also.package))
    if len(axes) < 2:
        return None
    names = check_packages([axis.package for axis in axes])
    named = [package_under_test(axis.package) for axis in axes]
    if any(extras for _, extras in named):
        raise UsageError(
            "two packages are varied without extras: hold what the extras bring, as in --with NAME==VERSION"
        )
    if question.holds.policy != "fixed":
        raise UsageError(
            f"--policy {question.holds.policy} and two packages: a pair of releases has no one day; ask about one package"
        )
    check_place(place)
    first, second = (
        Range(name, *scenario.ends(name, axis.first, axis.last))
        for (name, _), axis in zip(named, axes, strict=True)
    )
    arms = scenario.choose(question.job.arms, fixes=question.plan.remedies)
    locks = _folder_of_locks(question.holds.locks, names)
    made = AskedAxes(
        question=replace(question, axes=axes),
        scenario=scenario,
        ranges=(first, second),
        arms=arms,
        place=place,
        locks=locks,
        source=source,
        prereleases=decided.holds.prereleases,
    )
    made._assumptions()  # noqa: SLF001 - complains of a wrong option before anything is listed
    return made


def _folder_of_locks(name: str | None, packages: Iterable[str]) -> Path | None:
    if name is None:
        return None
    folder = Path(name) / "locks"
    if not any(folder.glob("*/reference.txt")):
        raise UsageError(
            f"--locks {name}: expected the folder of an earlier run about {' and '.join(packages)}, with its locks"
        )
    return folder.resolve()
