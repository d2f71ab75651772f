"""Everything one run needs to execute any release in any arm: locks resolved, base shared, results judged."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from packaging.version import Version

from harness.environments.environment import Environments, NotInstallable
from harness.errors import UsageError
from harness.executors.executor import NotExecuted
from harness.failures import Failure, machine_error
from harness.locks.family import lock_all
from harness.locks.interpreter import find_interpreter
from harness.locks.lock import Lock, moves
from harness.locks.resolve import Resolver, Unresolvable
from harness.locks.stored import StoredLocks
from harness.locks.torch import choose_torch, has_gpu
from harness.probes.probe import Probe
from harness.probes.store import Store
from harness.releases.release import upload_days
from harness.sessions.confirm_device import check_device, check_torch
from harness.sessions.executor import choose, connect
from harness.sessions.finding import Finding
from harness.uv import Uv
from harness.verdicts.calibration import Calibration, ReferenceRun
from harness.verdicts.oracles import alone, clean, compares, reference_runs, with_defaults
from harness.verdicts.skips import unresolvable
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.executors.executor import Executor
    from harness.locks.interpreter import Interpreter
    from harness.locks.torch import TorchSource
    from harness.releases.release import Release
    from harness.scenario import Arm
    from harness.sessions.asked import Asked
    from harness.state import State

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Session:
    """One question ready to be executed: what its probes need, and what executes them.

    Attributes:
        releases: Oldest first; a position is an index into it.
        locks: One a release; why there is none, where there is none.
        reference: What all environments share, the newest possible release included.
        base: The shared part of all locks.
        device: `cpu` or `cuda`.
        job_digest: Digest of all that the job may read.
        executor: Executes probes.
        left_out: Pre-releases of the range, which the question does not ask about.
        calibrations: {arm: what its releases are compared with}, where the oracle compares with a reference.
        note: Called with a line that a waiting person may want to read.
    """

    asked: Asked
    releases: Sequence[Release]
    locks: Sequence[Lock | Unresolvable]
    reference: Lock
    base: Lock
    resolver: Resolver | StoredLocks
    environments: Environments
    store: Store
    executor: Executor
    device: str
    job_digest: str
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    note: Callable[[str], None] = field(default=lambda _line: None, compare=False)

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
        lock = self.locks[position]
        scenario = self.asked.scenario
        by_oracle = {"alone": True} if self.alone else {"clean": True} if clean(scenario.oracle) else {}
        if isinstance(lock, Unresolvable):
            return []
        return [
            Probe(
                lock=lock.digest,
                job=scenario.job,
                job_digest=self.job_digest,
                parameters=arm.parameters,
                seed=scenario.seed + count,
                device=self.device,
                threads=scenario.threads,
                timeout=scenario.timeout,
                repeat=repeat,
                instructions={**scenario.instructions, **by_oracle, **arm.instructions, **(asked or {})},
                command=scenario.command,
                folder=scenario.folder if scenario.command else None,
                online=scenario.online,
                variables=scenario.variables,
                packages=lock.versions(),
            )
            for count in range(seeds or max(arm.seeds, self.asked.question.job.seeds))
        ]

    def calibrate(self, arm: Arm) -> None:
        """Find and execute an arm's reference release, if its oracle compares with one.

        Without a stated reference it is the oldest release (the newest where a repair is looked for) that can be
        tested and is good by itself; without any, the arm stays without a calibration.

        Raises:
            UsageError: The stated reference is not in the range, or is not good.
        """
        oracle = with_defaults(self.asked.scenario.oracle)
        if not compares(oracle):
            return
        if arm.name in self.asked.calibrations:
            self.calibrations[arm.name] = self.asked.calibrations[arm.name]
            return
        passed_over: dict[str, str] = {}
        for position in self._references(oracle["reference"]):
            version = self.releases[position].version
            runs = self._reference_runs(arm, position, oracle)
            if isinstance(runs, Finding):
                passed_over[version] = f"{runs.verdict}, {runs.judgement.reason}"
                continue
            count = len(self.releases)
            self.calibrations[arm.name] = Calibration(version, runs, count, passed_over)
            if passed_over:
                self.note(f"{arm.name}: {self.calibrations[arm.name].chosen()}")
            return
        if oracle["reference"]:
            (reason,) = passed_over.values()
            raise UsageError(
                f"the reference {oracle['reference']} cannot be compared with in arm {arm.name} ({reason}): "
                f"name a good release{self._option()}, or none, for the first that is good"
            )

    def _references(self, stated: str | None) -> Sequence[int]:
        """Return the positions of the releases that may be the reference, the one to try first in front."""
        versions = [release.version for release in self.releases]
        if stated is None:
            return range(len(versions))[:: -1 if self.asked.question.plan.find_fix else 1]
        found = [place for place, version in enumerate(versions) if Version(version) == Version(stated)]
        if not found:
            raise UsageError(
                f"the reference {stated} is not in the range {versions[0]} to {versions[-1]}: "
                f"name one of the range{self._option()}"
            )
        return found

    def _option(self) -> str:
        return " by --reference" if self.asked.scenario.ad_hoc else " as `reference` in [oracle]"

    def _reference_runs(
        self, arm: Arm, position: int, oracle: Mapping[str, Any]
    ) -> list[ReferenceRun] | Finding:
        """Return the executions of a reference, or the one of them that is not good."""
        wanted = reference_runs(oracle, max(arm.seeds, self.asked.question.job.seeds))
        # Executed first as the search will do it, so that of a release that fails nothing is executed in vain.
        first = self._executed(arm, position, wanted[0][0], 0)
        if first.verdict != Verdict.GOOD:
            return first
        runs = []
        for seed, repeat in wanted:
            finding = self._executed(arm, position, seed, repeat)
            if finding.verdict != Verdict.GOOD or finding.result is None:
                return finding
            runs.append(ReferenceRun(finding.trace, finding.result.probe, repeat, seed))
        return runs

    def _executed(self, arm: Arm, position: int, seed: int, repeat: int) -> Finding:
        """Execute a release with one seed, or take what is stored; judged by itself alone."""
        found = self.judged(self.probes(arm, position, repeat, seeds=seed + 1)[-1:], position)
        return found if isinstance(found, Finding) else found[0]

    def each(self, function: Callable[[Item], Outcome], items: Sequence[Item], jobs: int) -> list[Outcome]:
        """Return what a function that executes probes gives for each item, in their order, `jobs` at a time.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(function, item) for item in items]
            try:
                return [future.result() for future in waiting]
            except BaseException:
                self.executor.cancel()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def judged(self, probes: Sequence[Probe], position: int) -> list[Finding] | Finding:
        """Execute probes of one release; return a finding each, or the one reason why there can be none."""
        lock = self.locks[position]
        if isinstance(lock, Unresolvable):
            return Finding(unresolvable(lock.reason))
        findings = []
        for probe in probes:
            result = self.store.find(probe.digest, probe.repeat) or self.executor.execute(probe, lock)
            if isinstance(result, NotExecuted):
                skipped = Judgement(Verdict.SKIP, result.reason, skip_kind=result.kind)
                return Finding(skipped, lock=lock.digest)
            findings.append(Finding.judged(result, self.asked.scenario.oracle, lock.digest))
        return findings


def prepare(
    asked: Asked,
    releases: Sequence[Release],
    state: State,
    told: Callable[[str], None],
    *,
    warm: bool = True,
) -> Session:
    """Resolve all locks of a run.

    Args:
        asked: Gives scenario, package and torch.
        releases: Oldest first.
        state: Where state lives.
        told: Called with a line for each lock that is there, and when the shared packages are installed.
        warm: Start first executions from a warm parent where that is allowed.

    Raises:
        HarnessError: As `Resolver` and `choose_torch` say.
    """
    if asked.question.plan.confirm_on:
        check_device(asked)
    cluster = connect(asked, told)
    settings = asked.settings()
    uv = Uv(settings.uv_environment)
    bundle = asked.bundle
    there = (bundle.host_packages, bundle.brought) if bundle else ()
    torch = choose_torch(asked.torch, settings, state, *there)
    if bundle and torch.host:
        for name, version in bundle.brought.items():
            if torch.host.beside[name] != version:
                told(f"{name} is this machine's {torch.host.beside[name]}, in place of {version}")
    interpreter = torch.host.interpreter if torch.host else find_interpreter(asked.scenario.python, uv)
    dated = asked.question.holds.policy == "as-of"
    resolver: Resolver | StoredLocks = Resolver(
        asked.package,
        asked.pins(),
        interpreter,
        torch,
        settings,
        uv,
        state,
        asked.newest(),
        days=upload_days(releases) if dated else {},
    )
    if asked.locks is not None:
        resolver = StoredLocks(asked.package, asked.locks, interpreter, asked.pins(), torch.host)
    if asked.refresh and isinstance(resolver, Resolver):
        resolver.refresh()
    reference, locks = _lock(resolver, releases, told)
    rehashed = bundle.rehashed if bundle else {}
    environments = Environments(
        asked.package, interpreter, torch, uv, state, told, rehashed=rehashed, settings=settings
    )
    usable = [lock for lock in locks if not isinstance(lock, Unresolvable)]
    base = environments.base([reference, *usable])
    store = Store(state)
    store.clear_leftovers()
    device = (
        cluster.device(asked.question.holds.device)
        if cluster
        else usable_device(asked.question.holds.device, environments, reference, base)
        if usable
        else "cpu"
    )
    if asked.question.plan.confirm_on and cluster:
        cluster.device(asked.question.plan.confirm_on)  # complains if no worker has a GPU
    elif asked.question.plan.confirm_on:
        check_torch(asked.question.plan.confirm_on, device, environments, reference, base)
    executor = choose(
        asked,
        cluster,
        reference=reference,
        base=base,
        environments=environments,
        store=store,
        device=device,
        say=told,
        warm=warm and not dated,  # a warm parent has loaded what differs
    )
    return Session(
        asked=asked,
        releases=releases,
        locks=locks,
        reference=reference,
        base=base,
        resolver=resolver,
        environments=environments,
        store=store,
        executor=executor,
        job_digest=asked.scenario.job_digest(),
        device=device,
        note=told,
    )


def _lock(
    resolver: Resolver | StoredLocks, releases: Sequence[Release], told: Callable[[str], None]
) -> tuple[Lock, Sequence[Lock | Unresolvable]]:
    """Return the reference and a lock a release; where no release goes with the pins, all are skipped for that."""
    reference = resolver.reference()
    if isinstance(reference, Unresolvable):
        interpreter = resolver.interpreter
        return Lock((), "fixed", interpreter.minor, interpreter.platform), [reference] * len(releases)
    return reference, lock_all(resolver, releases, reference, told)


def usable_device(wanted: str, environments: Environments, reference: Lock, base: Lock) -> str:
    """Decide where the probes run: `auto` takes CUDA only if a GPU is there and the locked torch can use it."""
    if wanted == "cpu" or (wanted == "auto" and not has_gpu()):
        return "cpu"
    if wanted == "cuda" and not has_gpu():
        raise UsageError(
            "--device cuda: no NVIDIA driver is loaded on this machine; use --device auto or cpu"
        )
    if wanted == "cuda":
        return "cuda"
    made = environments.ensure(reference, base)
    if isinstance(made, NotInstallable):
        return "cpu"
    ask = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)"
    usable = subprocess.run([made.python, "-c", ask], check=False, capture_output=True, timeout=300)
    if usable.returncode < 0:
        said = f"python was killed by signal {-usable.returncode}"
        raise machine_error(Failure.KILLED, "torch was asked for a GPU", said)
    return "cuda" if usable.returncode == 0 else "cpu"


def moved_packages(session: Session) -> dict[str, list[str]]:
    """Return {release: what its requirements moved against the reference}, releases without moves left out."""
    pairs = zip(session.releases, session.locks, strict=True)
    found = {
        release.version: moves(session.reference, lock, besides=session.asked.package)
        for release, lock in pairs
        if not isinstance(lock, Unresolvable)
    }
    return {version: lines for version, lines in found.items() if lines}
