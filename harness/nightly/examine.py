"""Executes releases beside their baseline, again where a verdict must be believed, and tells what they are."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.locks.lock import Lock, moves
from harness.sessions.asked import ask
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.sessions.prepare import prepare
from harness.sessions.source import Index
from harness.traces.compare import beyond, first_difference, noise_floor
from harness.verdicts.oracles import ORACLES
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.nightly.config import Watch
    from harness.releases.release import Release
    from harness.scenario import Arm
    from harness.sessions.driver import Watcher
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session
    from harness.state import State

BELIEVED = 3
"""Executions of which the majority counts, where two disagree."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What one release is in one arm.

    Attributes:
        reason: Of the verdict that counts; of the bad ones, if it is flaky.
        bad, runs: Executions that were bad, executions with a verdict.
        likeness: To the baseline: `equal` bit for bit, `near` (as near as its own executions), `other`; empty
            without a training on both sides.
        difference: Where it first differs from the baseline, if it is `other`.
        moves: Packages that its requirements moved.
        lock, trace: Digests.
    """

    version: str
    verdict: Verdict
    reason: str
    bad: int = 0
    runs: int = 1
    likeness: str = ""
    difference: str = ""
    moves: tuple[str, ...] = ()
    lock: str | None = None
    trace: str | None = None

    @property
    def flaky(self) -> bool:
        """Whether its executions disagree."""
        return 0 < self.bad < self.runs


class Examination:
    """Some releases of one watch, ready to be executed in clean processes.

    Args:
        watch: Which arms, on which device.
        releases: Oldest first.
        state, watcher: As for a run.
        reference: Release that an oracle of metrics compares with, if the scenario names none.
        again: Releases that had no verdict: their locks and results are forgotten, they are tried anew.
    """

    def __init__(
        self,
        watch: Watch,
        releases: Sequence[Release],
        state: State,
        watcher: Watcher,
        *,
        reference: str,
        again: Collection[str] = (),
    ) -> None:
        self.watch = watch
        scenario = watch.scenario
        oracle = dict(scenario.oracle)
        if "reference" in ORACLES[str(oracle["kind"])].options:
            oracle.setdefault("reference", reference)
        self.asked = replace(
            ask(watch.question, state),
            scenario=replace(scenario, oracle=oracle),
            refresh=watch.refresh,
            source=Index(watch.own_links),
        )
        self._places = {release.version: place for place, release in enumerate(releases)}
        with ExitStack() as opened:
            if again:
                with self._prepared(releases, state, watcher) as self.session:
                    self._forget(again)
            self.session = opened.enter_context(self._prepared(releases, state, watcher))
            self.session.lock_beside()
            self.driver = Driver(self.session, watcher)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """End what may still run."""
        self._opened.close()

    def cost(self, arm: Arm, version: str) -> int:
        """Return how many executions the first look at a release takes; what is stored costs nothing."""
        probes = self.session.probes(arm, self._places[version])
        return sum(self.session.store.find(probe.digest) is None for probe in probes)

    def calibrated(self, arms: Sequence[Arm]) -> bool:
        """Learn the noise floor of the arms' metrics; false if the reference is not good."""
        try:
            for arm in arms:
                if arm.name not in self.session.calibrations:
                    calibrate(self.session, arm)
        except UsageError:
            return False
        return True

    def execute(self, wanted: Sequence[tuple[str, str]], repeat: int = 0) -> None:
        """Execute pairs of arm and version that have no finding yet."""
        self.driver.execute([(arm, self._places[version], repeat) for arm, version in wanted])

    def findings(self, arm: str, version: str) -> list[Finding]:
        """Return all executions of a release, the first one first."""
        return [
            found for _, found in sorted(self.driver.findings[arm].get(self._places[version], {}).items())
        ]

    def settle(self, wanted: Sequence[tuple[str, str]], baselines: Mapping[str, str]) -> None:
        """Execute again what cannot be believed at once.

        A bad release must be bad again; two verdicts that disagree are decided by a third. A release that trains
        otherwise than its baseline is executed again beside it, which tells how far apart two executions of the
        same release lie.
        """
        bad = [one for one in wanted if self._any(one, Verdict.BAD)]
        self.execute(bad, repeat=1)
        self.execute([one for one in bad if len(self._verdicts(*one)) > 1], repeat=BELIEVED - 1)
        other = [
            (arm, version)
            for arm, version in wanted
            if not self._any((arm, version), Verdict.BAD) and self._differs(arm, version, baselines.get(arm))
        ]
        self.execute([*other, *((arm, baselines[arm]) for arm, _ in other)], repeat=1)

    def examined(self, arm: str, version: str, baseline: str | None) -> Examined:
        """Return what a release is, from what was executed of it."""
        findings = self.findings(arm, version)
        told = [one for one in findings if one.verdict != Verdict.SKIP]
        bad = [one for one in told if one.verdict == Verdict.BAD]
        counts = told or findings
        usual = next(
            one for one in counts if (one.verdict == Verdict.BAD) == (2 * len(bad) > len(told)) or not told
        )
        likeness = self._likeness(arm, version, baseline) if baseline and not bad else ""
        beside = self.findings(arm, baseline) if baseline and likeness == "other" else []
        difference = first_difference(beside[0].trace, usual.trace) if beside else None
        return Examined(
            version=version,
            verdict=usual.verdict,
            reason=(bad[0] if bad else usual).judgement.reason,
            bad=len(bad),
            runs=len(told),
            likeness=likeness,
            difference=str(difference) if difference else "",
            moves=tuple(self._moves(version)),
            lock=usual.lock,
            trace=usual.trace_digest,
        )

    def lock(self, version: str) -> Lock | None:
        """Return the lock of a release, if it has one."""
        found = self.session.locks[self._places[version]]
        return found if isinstance(found, Lock) else None

    def _moves(self, version: str) -> list[str]:
        """Return what a release's requirements move, a line each."""
        lock = self.lock(version)
        return moves(self.session.reference, lock, besides=self.asked.package) if lock else []

    def deterministic(self, arm: str, version: str) -> bool | None:
        """Tell whether all executions of a release are equal bit for bit; None if there is one alone."""
        digests = [one.trace_digest for one in self.findings(arm, version) if one.trace_digest]
        return len(set(digests)) == 1 if len(digests) > 1 else None

    def _prepared(
        self, releases: Sequence[Release], state: State, watcher: Watcher
    ) -> AbstractContextManager[Session]:
        return prepare(self.asked, releases, state, watcher.note, warm=False)

    def _forget(self, versions: Collection[str]) -> None:
        session = self.session
        for version in versions:
            for arm in self.watch.arms:
                for probe in session.probes(arm, self._places[version]):
                    found = session.store.find(probe.digest)
                    if found is not None:
                        session.store.discard(found)
            session.resolver.forget(version, session.reference)

    def _verdicts(self, arm: str, version: str) -> set[Verdict]:
        return {one.verdict for one in self.findings(arm, version)}

    def _any(self, one: tuple[str, str], verdict: Verdict) -> bool:
        return verdict in self._verdicts(*one)

    def _differs(self, arm: str, version: str, baseline: str | None) -> bool:
        if baseline is None or baseline == version:
            return False
        pairs = zip(self.findings(arm, version)[:1], self.findings(arm, baseline)[:1], strict=False)
        return any(
            one.trace_digest is not None
            and base.trace_digest is not None
            and (one.trace_digest, one.census) != (base.trace_digest, base.census)
            for one, base in pairs
        )

    def _likeness(self, arm: str, version: str, baseline: str) -> str:
        """Compare with the baseline: bit for bit where executions are reproducible, else beyond their noise."""
        mine, its = self.findings(arm, version), self.findings(arm, baseline)
        if not mine or not its or mine[0].trace_digest is None or its[0].trace_digest is None:
            return ""
        if version == baseline or self._equal(mine, its):
            return "equal"
        if mine[0].census != its[0].census:
            return "other"
        if any(self.deterministic(arm, one) is not False for one in (version, baseline)):
            return "other"
        floor = noise_floor([one.trace for one in mine], [one.trace for one in its])
        return "other" if beyond(its[0].trace, mine[0].trace, floor) else "near"

    def _equal(self, mine: Sequence[Finding], its: Sequence[Finding]) -> bool:
        """Tell whether the last executions, which are clean ones, are the same in trace and census."""
        return any(
            (one.trace_digest, one.census) == (base.trace_digest, base.census)
            for one, base in _clean_pairs(mine, its)
        )


def _clean_pairs(mine: Sequence[Finding], its: Sequence[Finding]) -> Iterator[tuple[Finding, Finding]]:
    for one in mine:
        for base in its:
            if all(item.result is None or item.result.execution.start == "clean" for item in (one, base)):
                yield one, base
    if len(mine) == len(its) == 1:  # equal however they were started
        yield mine[0], its[0]
