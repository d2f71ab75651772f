"""A question made ready: its scenario is read, its arms are chosen, its ends are known. Nothing is downloaded yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.bundles.bundle import open_bundle
from harness.errors import UsageError
from harness.model.commands import shell
from harness.model.question import Axis, Place, Question
from harness.model.whole import release_command
from harness.releases.release import named_day, select
from harness.scenario.command import package_under_test
from harness.sessions.source import Index
from harness.sessions.subject import load_subject
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model.whole import Whole
    from harness.releases.release import Release
    from harness.scenario import Arm, Scenario
    from harness.sessions.source import Source
    from harness.state import State
    from harness.verdicts.calibration import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with all that it names.

    Attributes:
        question: What is asked.
        place: Where and how fast probes are executed.
        scenario: With the pins, the Python, the time limit and the variables of the question.
        package: Canonical name of the package under test.
        extras: Those of its extras that every environment holds.
        arms: At least one, with the changed settings.
        first, last: Ends of the range; None for the oldest and newest release.
        locks: Folder with the locks of an earlier run to use again; None resolves them.
        source: Where releases and packages come from.
        torch: Which torch, as `choose_torch` takes it.
        prereleases: Whether they belong to the range.
        held: What is held besides the scenario's pins, as `peft 0.13.2`; empty for nothing.
        whole: What it is a part of, if it is asked within a question about two packages.
        newest_of_line: The newest release of the package in that question; None elsewhere.
        calibrations: {arm: what its releases are compared with} in place of a release of the range.
        refresh: Resolve the environments' common part anew, in place of the stored one.
    """

    question: Question
    scenario: Scenario
    package: str
    arms: Sequence[Arm]
    extras: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None
    place: Place = field(default_factory=Place)
    locks: Path | None = None
    source: Source = field(default_factory=Index)
    torch: str = "auto"
    prereleases: bool = False
    held: str = ""
    whole: Whole | None = None
    newest_of_line: str | None = None
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    refresh: bool = False

    @property
    def assume(self) -> dict[str, Verdict]:
        """{version: verdict} that hold without an execution."""
        return {version: Verdict(verdict) for version, verdict in self.question.plan.assume}

    @property
    def environment_cap(self) -> int:
        """Bytes that all environments together may take."""
        return int(self.place.environment_cap * 10**9)

    @property
    def memory(self) -> int | None:
        """Bytes that each process of a probe may take; None for what the machine has."""
        asked = self.question.holds.memory
        return None if asked is None else int(asked * 10**9)

    @property
    def out(self) -> Path:
        """Folder of the reports."""
        return Path(self.place.out)

    def select(self, releases: Sequence[Release]) -> list[Release]:
        """Return the releases of the range, oldest first.

        Raises:
            UsageError: As `harness.releases.release.select` says.
        """
        chosen = select(
            releases, package=self.package, first=self.first, last=self.last, prereleases=self.prereleases
        )
        return [release for release in chosen if release.version not in self.question.plan.leave_out]

    def line(self) -> str:
        """Return the scenario as the history calls it: with another package held, or another policy, it is another one."""
        policy = self.question.holds.policy
        name = self.scenario.name if policy == "fixed" else f"{self.scenario.name}, {policy}"
        return f"{name} with {self.held}" if self.held else name

    def newest(self) -> str | None:
        """Return the newest release that the environments' common part is resolved with; None for the newest of all.

        A question about an old range is to be asked with packages of its time, not with those of the newest release.
        """
        same = self.package == self.scenario.package
        if self.scenario.ad_hoc:
            last = self.newest_of_line or self.last
            return None if last and named_day(last) else last
        return self.scenario.last if same else None

    def command(self) -> str:
        """Return the command line that asks this question, or the one that it is a part of."""
        return self.whole.command() if self.whole else shell(self.question.to_argv("bisect"))

    def probe_command(self, release: str, arm: str) -> str:
        """Return the command line that executes one release by hand."""
        if self.whole:
            return self.whole.probe_command(self.package, release, arm)
        return release_command(self.question, release, arm)

    def pins(self) -> list[str]:
        """Return the scenario's pins for the package under test: its own pin goes, the scenario's own packages come in.

        Extras that are asked for are a requirement of their own, to which each release adds its version.
        """
        names = {str(canonicalize_name(Requirement(pin).name)): pin for pin in self.scenario.pins}
        names.pop(self.package, "")
        also = self.scenario.also
        for own in (self.scenario.package, also.package if also else self.package):
            if own != self.package:
                names.setdefault(own, own)
        extras = [f"{self.package}[{','.join(self.extras)}]"] if self.extras else []
        return [*names.values(), *extras]


def ask(question: Question, state: State, place: Place | None = None) -> Asked:
    """Make a question ready.

    Args:
        question: About one package.
        state: A bundle is unpacked there.
        place: Where and how fast; None for this machine.

    Raises:
        UsageError: The scenario, an arm or an option is wrong.
        HarnessError: A bundle is damaged.
    """
    place = place or Place()
    check_place(place)
    if len(question.axes) > 1:
        packages = " and ".join(axis.package for axis in question.axes)
        raise UsageError(f"{packages}: two packages are a question for `bisect`; name one of them")
    if question.holds.policy != "fixed" and question.holds.locks:
        raise UsageError(
            f"--policy {question.holds.policy} and --locks: the locks of the earlier run say it; leave one of them out"
        )
    decided, source = decide(question, state)
    scenario = load_subject(decided)
    axis = decided.axes[0] if decided.axes else Axis()
    package, extras = package_under_test(axis.package or scenario.package)
    first, last = scenario.ends(package, axis.first, axis.last)
    chosen = scenario.choose(question.job.arms, fixes=question.plan.remedies)
    return Asked(
        question=question,
        scenario=scenario,
        package=package,
        extras=extras,
        arms=[replace(arm, parameters={**arm.parameters, **dict(question.job.settings)}) for arm in chosen],
        first=first,
        last=last,
        place=place,
        locks=_folder_of_locks(decided.holds.locks),
        source=source,
        torch=decided.holds.torch,
        prereleases=decided.holds.prereleases,
    )


def decide(question: Question, state: State) -> tuple[Question, Source]:
    """Return a question with all that its bundle decides, and where releases and packages come from.

    Raises:
        UsageError: It decides something of the bundle's too.
        HarnessError: The bundle is damaged.
    """
    if not question.subject.bundle:
        return question, Index(build=question.holds.build)
    bundle = open_bundle(Path(question.subject.bundle), state)
    return bundle.decide(question), bundle


def check_place(place: Place) -> None:
    """Complain of an executor without its address, and the reverse.

    Raises:
        UsageError: One of them is missing.
    """
    if place.executor == "dask" and not place.scheduler:
        raise UsageError("--executor dask: needs --scheduler ADDRESS, as tcp://host:8786")
    if place.executor == "local" and place.scheduler:
        raise UsageError(f"--scheduler {place.scheduler}: belongs to --executor dask")


def _folder_of_locks(name: str | None) -> Path | None:
    if name is None:
        return None
    for folder in (Path(name) / "locks", Path(name)):
        if (folder / "reference.txt").is_file():
            return folder.resolve()
    raise UsageError(
        f"--locks {name}: expected a run's folder, or the folder of its locks, with a reference.txt"
    )
