"""One question ready to be executed: what its probes need, and what executes and judges them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.environments.environment import BaseNotInstallableError, NotInstallable
from harness.executors.executor import NotExecuted
from harness.locks.lock import Lock, moves
from harness.locks.locks import Exchanged, Locks, known
from harness.locks.resolve import Unresolvable
from harness.probes.probe import Probe
from harness.sessions.finding import Finding
from harness.verdicts.oracles import alone, clean, counts
from harness.verdicts.same_as import KIND
from harness.verdicts.skips import unresolvable
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.environments.environment import Environments
    from harness.executors.executor import Executor
    from harness.locks.interpreter import Interpreter
    from harness.locks.resolve import Resolver
    from harness.locks.torch import TorchSource
    from harness.probes.store import Store
    from harness.releases.release import Release
    from harness.scenario import Arm
    from harness.sessions.alike import Ends
    from harness.sessions.asked import Asked
    from harness.sessions.overlay import Overlay
    from harness.sessions.provider import Provider
    from harness.traces.trace import Trace
    from harness.verdicts.calibration import Calibration

_SLOWER = 5
"""How many times as long as its job a profile may take: every call is seen."""


@dataclass(frozen=True, slots=True)
class Session:
    """One question ready to be executed.

    Attributes:
        releases: Oldest first; a position is an index into it.
        locks: One a release, or why there is none; a lock that nobody asked for before is resolved.
        reference: What all environments share, the newest possible release included.
        environments: Makes environments.
        provider: Gave the executor, and gives others.
        executor: Executes probes.
        device: `cpu` or `cuda`.
        job_digest: Digest of all that the job may read.
        left_out: Pre-releases of the range, which the question does not ask about.
        calibrations: {arm: what its releases are compared with}, where the oracle compares with a reference.
        note: Called with a line that a waiting person may want to read.
        overlay: Returns the files that are laid over the environment of a position, made when they are first asked
            for; None for the release as it is installed, or why they cannot be had.
        ends: What the sides of a boundary did, where only what ends as one of them is evidence.
        goes_on: Is handed the name of an arm, a position and the trace of a prefix, and tells whether the training goes on.
    """

    asked: Asked
    releases: Sequence[Release]
    locks: Sequence[Lock | Unresolvable]
    reference: Lock
    resolver: Resolver
    environments: Environments
    store: Store
    provider: Provider
    executor: Executor
    device: str
    job_digest: str
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    note: Callable[[str], None] = field(default=lambda _line: None, compare=False)
    overlay: Callable[[int], Overlay | NotInstallable | None] | None = field(default=None, compare=False)
    ends: Ends | None = field(default=None, compare=False)
    goes_on: Callable[[str, int, Trace], bool] | None = field(default=None, compare=False)

    @property
    def interpreter(self) -> Interpreter:
        """Python of all environments."""
        return self.environments.interpreter

    @property
    def torch(self) -> TorchSource:
        """Where torch comes from."""
        return self.environments.torch

    @property
    def notes(self) -> list[str]:
        """What executing, storing and locking have to tell the reader of a report."""
        return [*self.executor.notes, *self.store.notes, *self.resolver.notes]

    @property
    def alone(self) -> bool:
        """Whether probes run one at a time, in clean processes, since the oracle judges what the machine does."""
        return alone(self.asked.scenario.oracle)

    def known_locks(self) -> Mapping[int, Lock | Unresolvable]:
        """Return {position: lock, or why there is none} of the releases that were asked about; nothing is resolved."""
        return known(self.locks)

    def locked(self) -> dict[int, Lock]:
        """Return {position: lock} of the releases that were asked about and have one; nothing is resolved."""
        return {position: lock for position, lock in self.known_locks().items() if isinstance(lock, Lock)}

    def lock_beside(self) -> None:
        """Begin to resolve all locks, while the first probes run."""
        if isinstance(self.locks, Locks):
            self.locks.resolve_beside()

    def lock_all(self) -> None:
        """Resolve all locks.

        Raises:
            HarnessError: The machine or the index failed.
        """
        if isinstance(self.locks, Locks):
            self.locks.resolve()

    def with_locks(self, exchanged: Mapping[int, Lock | Unresolvable], arms: Sequence[Arm]) -> Session:
        """Return a session in which some releases have other locks, and arms of other names take them."""
        return replace(self, locks=Exchanged(self.locks, exchanged), asked=replace(self.asked, arms=arms))

    def probes(
        self,
        arm: Arm,
        position: int,
        repeat: int = 0,
        seeds: int | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> list[Probe]:
        """Return the probes, one a seed, of a release in an arm; none where there is no lock.

        Args:
            arm: Its settings, and what it asks of the recorder.
            position: Of the release.
            repeat: Which execution.
            seeds: How many; None for as many as arm and question want.
            asked: What sets these probes apart from others besides.
        """
        scenario = self.asked.scenario
        lock = self.locks[position]
        tests = {"tests": self.asked.package} if scenario.tests else {}
        by_oracle: dict[str, Any] = (
            {"alone": True} if self.alone else {"clean": True} if clean(scenario.oracle) else {}
        )
        if wanted := counts(scenario.oracle):
            by_oracle["counts"] = {"names": wanted, "package": self.asked.package}
        laid = self.overlay(position) if self.overlay else None
        if isinstance(lock, Unresolvable) or isinstance(laid, NotInstallable):
            return []
        over = laid.instructions() if laid else {}
        count_of_seeds = seeds or max(arm.seeds, self.asked.question.job.seeds)
        asks = self.goes_on if count_of_seeds == 1 and not repeat else None
        return [
            Probe(
                lock=lock.digest,
                job=scenario.job,
                job_digest=self.job_digest,
                parameters=arm.parameters,
                seed=scenario.seed + count,
                device=self.device,
                threads=scenario.threads,
                timeout=scenario.timeout * (_SLOWER if "profile" in arm.instructions else 1),
                repeat=repeat,
                instructions={
                    **scenario.instructions,
                    **tests,
                    **by_oracle,
                    **({"replicas": True} if scenario.oracle["kind"] == KIND else {}),
                    **arm.instructions,
                    **over,
                    **(asked or {}),
                },
                command=scenario.command,
                folder=scenario.folder if scenario.command else None,
                online=scenario.online,
                variables={**scenario.variables, **(laid.variables() if laid else {})},
                packages=lock.versions(),
                goes_on=partial(asks, arm.name, position) if asks else None,
                ranks=arm.ranks or scenario.ranks,
                hang_after=scenario.hang_after,
            )
            for count in range(count_of_seeds)
        ]

    def judged(self, probes: Sequence[Probe], position: int) -> list[Finding] | Finding:
        """Execute probes of one release; return a finding each, or the one reason why there can be none."""
        lock = self.locks[position]
        if isinstance(lock, Unresolvable):
            return Finding(unresolvable(lock.reason))
        laid = self.overlay(position) if self.overlay else None
        if isinstance(laid, NotInstallable):
            skipped = Judgement(Verdict.SKIP, laid.reason, skip_kind=SkipKind.NOT_INSTALLABLE)
            return Finding(skipped, lock=lock.digest)
        findings = []
        for probe in probes:
            try:
                result = self.store.find(probe.digest, probe.repeat) or self.executor.execute(probe, lock)
            except BaseNotInstallableError:
                self.resolver.forget_reference()
                raise
            if isinstance(result, NotExecuted):
                if (
                    result.kind == SkipKind.NOT_INSTALLABLE
                ):  # its lock may name a file that the index has no more
                    self.resolver.forget(self.releases[position].version, self.reference)
                skipped = Judgement(Verdict.SKIP, result.reason, skip_kind=result.kind)
                return Finding(skipped, lock=lock.digest)
            found = Finding.judged(result, self.asked.scenario.oracle, lock.digest)
            findings.append(found if laid is None or laid.proven(found.trace) else _not_proven(found))
        return findings


def _not_proven(finding: Finding) -> Finding:
    """Return a finding as a skip: what was imported is not known to be what was laid over the environment."""
    if finding.verdict == Verdict.SKIP:
        return finding
    reason = f"the files laid over the release are not what was imported, so it is no evidence: {finding.judgement.reason}"
    return replace(finding, judgement=Judgement(Verdict.SKIP, reason, skip_kind=SkipKind.NOT_MEASURED))


def moved_packages(session: Session) -> dict[str, list[str]]:
    """Return {release: what its requirements moved against the reference}, releases without moves left out."""
    found = {
        session.releases[position].version: moves(session.reference, lock, besides=session.asked.package)
        for position, lock in session.locked().items()
    }
    return {version: lines for version, lines in found.items() if lines}
