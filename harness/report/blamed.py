"""What a report says of the changes between two environments: facts, no words.

A change is a package whose version differs between the good and the bad environment. Changes are named by their
position in `BlameResult.changes`, so that a step of the search is a list of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from harness.report.commits import CommitAnswer
from harness.report.hunks import HunkAnswer
from harness.search.culprits import Conclusion, Innocence
from harness.search.mixtures import Outcome, Purpose


class Standing(StrEnum):
    """What is known of one change."""

    CULPRIT = "culprit"
    TIED = "tied"
    """A culprit requires it or it requires a culprit, so that not both halves of its innocence could be executed."""
    INNOCENT = "innocent"
    UNDECIDED = "undecided"


class PythonRole(StrEnum):
    """What Python does where the two environments have different ones."""

    NOT_ASKED = "not-asked"
    """The environments themselves are not good and bad, so that nothing was exchanged."""
    ALONE = "alone"
    """The good environment's packages fail with the other Python, and the bad one's do not with the first."""
    EITHER = "either"
    """Python alone does it, and packages alone do it too."""
    APPLIED = "applied"
    """The good environment's packages fail with the other Python; the reverse could not be executed."""
    INNOCENT = "innocent"
    """The packages do it with either Python."""
    TOGETHER = "together"
    """Only the bad environment's packages with its Python fail."""
    HELD = "held"
    """With the bad environment's Python the packages decide; with the good one's they could not be executed."""
    REVERTED = "reverted"
    """With the good environment's Python the packages decide; with the bad one's they could not be executed."""
    UNDECIDED = "undecided"
    """Neither exchange could be executed, or none of them tells."""

    @property
    def searched(self) -> bool:
        """Whether the packages are searched."""
        return self in (
            PythonRole.EITHER,
            PythonRole.INNOCENT,
            PythonRole.TOGETHER,
            PythonRole.HELD,
            PythonRole.REVERTED,
        )


@dataclass(frozen=True, slots=True)
class PythonResult:
    """Python as a change.

    Attributes:
        good, bad: Versions of both environments.
        held: The one that the mixtures of packages were executed with.
        corners: [{`packages`, `python` (`good` or `bad`), `verdict`, `reason`}] of every execution.
    """

    good: str
    bad: str
    held: str
    role: PythonRole
    corners: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EnvironmentResult:
    """One of the two environments.

    Attributes:
        given: As the command line names it.
        kind: What it was read from.
        lock: Digest of its lock; None if it could not be resolved.
        packages: How many the lock holds.
        python, platform: As the list says; empty where it does not.
        here: The platform that it was rebuilt for; empty without a lock.
        stood_in: [{`name`, `reason`, `version`, `stand_in`}] of what cannot be installed as it is, and what was
            installed in its place.
        left_out: [{`name`, `reason`, `version`}] of what was not installed at all, so that it is not compared.
        held: Packages of a date that were taken as the index has them now.
        unresolvable: Why there is no lock; empty where there is one.
        contradictions: Requirements that the list itself contradicts.
    """

    given: str
    kind: str
    lock: str | None
    packages: int
    python: str = ""
    platform: str = ""
    here: str = ""
    stood_in: list[dict[str, str | None]] = field(default_factory=list)
    left_out: list[dict[str, str | None]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    unresolvable: str = ""
    contradictions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """One change; a version is None where the package is absent.

    Attributes:
        loaded: Whether one of the environments loads the package when the job runs; None if that is not known.
        ways: What speaks for its innocence.
    """

    name: str
    before: str | None
    after: str | None
    standing: Standing
    loaded: bool | None = None
    ways: list[Innocence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BoundaryInside:
    """Where a culprit changed between its two versions, found by an ordinary run.

    Attributes:
        name: Of the package.
        conclusion: Of the run.
        good, bad: Neighbouring releases, of which the first does as the good environment does; empty if there are none.
        upgrade: The bad environment has the newer version.
        first: No release between both is skipped or untested.
        confirmed: Both were executed again.
        held: As which environment all other packages were held: `good` or `bad`.
        run: The run's folder, seen from the report's.
        alone: No other package differs between both sides, or one that differs was shown not to do it.
        mates: {package: version} of those that requirements bind to it, were free to follow, and are the same on both
            sides.
        commits, hunks: Which commit and which hunks do it; None if that was not asked.
    """

    name: str
    conclusion: str
    good: str
    bad: str
    upgrade: bool
    first: bool
    confirmed: bool
    held: str
    run: str
    alone: bool = False
    mates: dict[str, str] = field(default_factory=dict)
    commits: CommitAnswer | None = None
    hunks: HunkAnswer | None = None


@dataclass(frozen=True, slots=True)
class CulpritSetResult:
    """Changes that together make the good environment bad.

    Attributes:
        parts: Each of them is needed; a part of several changes is a unit that nothing separates.
        required: Changes without which the parts cannot be had.
        reversed: For each part, whether a mixture without it was executed and is good.
        along: Changes that had to be reverted together with a part.
        against: Requirements that contradict the mixtures by which parts were told from other packages; empty where
            no such mixture was executed.
    """

    parts: list[list[int]]
    required: list[int] = field(default_factory=list)
    reversed: list[bool] = field(default_factory=list)
    along: list[int] = field(default_factory=list)
    against: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StepResult:
    """One mixture of both environments that was executed or refused.

    Attributes:
        applied: The changes that the mixture holds, the good environment having all others.
        repeat: Which execution of it.
        purpose: Why it was asked for.
        verdict, reason: Of the execution; `untested` where there was none.
        executions: As in `ReleaseResult`.
        refused: Why no lock has this mixture; empty where it was executed.
        forced: It was installed against what its packages require.
    """

    applied: list[int]
    repeat: int
    purpose: Purpose
    outcome: Outcome
    verdict: str
    reason: str
    lock: str | None = None
    executions: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""
    forced: bool = False


@dataclass(frozen=True, slots=True)
class TieResult:
    """A requirement by which one change needs another: no mixture has all of `applied` and none of `needed`."""

    applied: list[int]
    needed: list[int]
    requirement: str


@dataclass(frozen=True, slots=True)
class BlameResult:
    """Which of the changes between two environments makes the job fail.

    Attributes:
        python: What Python does, where the environments have different ones; else None.
        executions: Mixtures executed, repeats included; `refusals`: those that did not resolve.
        seconds: How long the search took.
        disk: Bytes of the environments that it leaves behind.
        machine: {name: value} of what else could make a difference, as it is where both environments were executed.
        unlike: What else differs between both environments and is not compared, one line each.
    """

    conclusion: Conclusion
    good: EnvironmentResult
    bad: EnvironmentResult
    changes: list[ChangeResult]
    sets: list[CulpritSetResult] = field(default_factory=list)
    ties: list[TieResult] = field(default_factory=list)
    inside: list[BoundaryInside] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)
    executions: int = 0
    refusals: int = 0
    seconds: float = 0.0
    disk: int = 0
    unlike: list[str] = field(default_factory=list)
    machine: dict[str, str] = field(default_factory=dict)
    python: PythonResult | None = None

    @property
    def between(self) -> str:
        """Both environments in a few words, the bad one first."""
        return f"{self.bad.given} after {self.good.given}"

    @property
    def found(self) -> bool:
        """Whether culprits are named."""
        return self.conclusion.found

    def standing(self, standing: Standing) -> list[ChangeResult]:
        """Return the changes of one standing."""
        return [one for one in self.changes if one.standing == standing]
