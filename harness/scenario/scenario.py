"""The facts of a scenario: what to vary, how to judge, and what the job may read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.probes.probe import HANG_AFTER
from harness.scenario.script import command_digest, is_pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Setting = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Arm:
    """A named set of job settings.

    Attributes:
        parameters: Settings handed to the job, the scenario's common ones included.
        default: Whether it runs when no arm is named.
        seeds: Seeds that it needs at least.
        fixes: Whether it runs too when remedies are asked for and no arm is named.
        instructions: What the recorder is asked beside the scenario's; interventions have some.
        of: Name of the arm that an intervention changes.
        ranks: Processes that it is started as; None for as many as the scenario says.
    """

    name: str
    parameters: Mapping[str, Setting]
    default: bool = True
    seeds: int = 1
    fixes: bool = False
    instructions: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""
    ranks: int | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """A package and the range of its releases that is asked about; None for the oldest and the newest of all."""

    package: str
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """A remedy that can be tried.

    Attributes:
        settings: What it changes in the job.
        last_good: It takes the last good release before the one it is tried on, and changes nothing else.
        by: Who recommends it.
        arms: Names of the arms that it is meant for; none: all.
    """

    name: str
    settings: Mapping[str, Setting]
    description: str = ""
    last_good: bool = False
    by: str = ""
    arms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question that can be put to every release of a package.

    Attributes:
        folder: Where it stands.
        package: The package under test.
        job: The training script; None where `command` runs no script of Python's.
        pins: Requirements that hold in every environment.
        arms: By name, in order.
        oracle: Settings of the oracle, `kind` among them.
        first: Oldest release of the default range; None for the oldest of all.
        last: Newest release of the default range; None for the newest of all.
        also: A second package whose releases are varied too, if no package is named.
        python: Specifier that the interpreter must satisfy.
        timeout: Seconds a probe may take.
        threads: CPU threads of a probe.
        seed: Seed of the first run; further seeds count up from it.
        fixes: Remedies, in order.
        command: What is run in place of the job with its settings; none: the job.
        online: Whether probes may use the network.
        variables: Environment variables that probes get besides.
        ad_hoc: It is a command of the command line, run in the user's folder; there is no scenario.toml.
        probes_per_gpu: How many run on one GPU at a time.
        statistics_every: Of how many steps one has statistics of the weights and gradients.
        notes: What a reader of the report must know of the job.
        ranks: Processes that the job is started as.
        hang_after: Seconds without any work of all ranks after which they hang.
    """

    name: str
    folder: Path
    package: str
    job: Path | None
    pins: tuple[str, ...]
    arms: Mapping[str, Arm]
    oracle: Mapping[str, Setting]
    description: str = ""
    first: str | None = None
    last: str | None = None
    also: Range | None = None
    python: str = ">=3.9"
    timeout: float = 600.0
    threads: int = 1
    seed: int = 0
    parameters: Mapping[str, Setting] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    command: tuple[str, ...] = ()
    online: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    ad_hoc: bool = False
    probes_per_gpu: int = 1
    statistics_every: int = 1
    notes: tuple[str, ...] = ()
    ranks: int = 1
    hang_after: float = HANG_AFTER

    @property
    def most_ranks(self) -> int:
        """Ranks of the arm that has most of them, for which there must be room."""
        return max((arm.ranks or self.ranks for arm in self.arms.values()), default=self.ranks)

    @property
    def tests(self) -> bool:
        """Whether the command runs pytest, which tells of each test."""
        return is_pytest(self.command)

    @property
    def instructions(self) -> dict[str, Any]:
        """What the recorder is asked in every probe; nothing where all is as usual, so that digests stay."""
        return {"statistics_every": self.statistics_every} if self.statistics_every != 1 else {}

    def job_digest(self) -> str:
        """Return a digest of everything that the job may read.

        That is every file of the folder but scenario.toml. Of a command given on the command line, whose folder is
        whatever the user works in, it is the script and what it imports from beside it.
        """
        digest = hashlib.sha256()
        if self.online or self.variables:
            digest.update(json.dumps([self.online, sorted(self.variables.items())]).encode())
        if self.ad_hoc:
            digest.update(command_digest(self.command, self.job, self.folder).encode())
            return digest.hexdigest()
        if self.command:
            digest.update(json.dumps(self.command).encode())
        for path in self.files():
            relative = path.relative_to(self.folder)
            digest.update(f"{relative.as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def files(self) -> list[Path]:
        """Return everything in the folder that the job may read: all files but scenario.toml."""
        return [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path.name != "scenario.toml"
            and "__pycache__" not in path.relative_to(self.folder).parts
        ]

    def ends(self, package: str, first: str | None, last: str | None) -> tuple[str | None, str | None]:
        """Return the ends of a range: those that are given, else the scenario's own, if it has some of `package`."""
        for own in (Range(self.package, self.first, self.last), self.also):
            if own is not None and own.package == package:
                return first or own.first, last or own.last
        return first, last

    def choose(self, names: Sequence[str] | None, *, fixes: bool = False) -> list[Arm]:
        """Return the named arms, or those that run by default, with `fixes` those for remedies too.

        Raises:
            UsageError: An arm that the scenario does not have.
        """
        for name in names or ():
            if name not in self.arms:
                raise UsageError(f"scenario {self.name} has no arm {name!r}; it has: {', '.join(self.arms)}")
        if names:
            return [self.arms[name] for name in dict.fromkeys(names)]
        return [arm for arm in self.arms.values() if arm.default or (fixes and arm.fixes)]
