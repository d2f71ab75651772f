"""Executes mixtures of two environments with one Python, as the search asks for them, several at a time.

Every mixture stands as one more release of the session, behind the good environment (position 0) and the bad one
(position 1), so that resolving, environments, executor, store and judgement are those of every other question.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.blame.ties import ties
from harness.environments.requirements import owners, requirements
from harness.errors import MachineError
from harness.files import to_json, write_atomic
from harness.locks.lock import Lock, Move, differences
from harness.locks.mixture import contradicted, mix, mixed, stated
from harness.locks.resolve import Resolver
from harness.releases.release import Release
from harness.search.difference import Difference
from harness.search.mixtures import Observation, Outcome, Purpose, Request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.blame.failure import KnownFailure
    from harness.locks.mixture import Requirements
    from harness.locks.mixture import Tie as Stated
    from harness.search.ties import Mixture, Tie
    from harness.sessions.driver import Driver, Task
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session

GOOD, BAD = 0, 1
"""Positions of both environments."""
TWICE = 2
"""Executions of both before the search; the second one has another hash seed."""

_RAISED, _NEAR, _USUAL = 20.0, 4.0, 1.0
"""Suspicion of the package whose code raised the error, of what it requires, and of any other one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One mixture that was executed or refused.

    Attributes:
        finding: None where it was refused, and `refused` says why.
        forced: It was installed against what its packages require.
    """

    mixture: Mixture
    repeat: int
    purpose: Purpose
    outcome: Outcome
    finding: Finding | None
    lock: str | None
    refused: str = ""
    forced: bool = False


@dataclass(slots=True)
class Mixtures:
    """The mixtures of two environments with one Python, in one arm.

    Attributes:
        driver: Its session's releases and locks are lists, which grow with every mixture.
        arm, mixed_arm: Name of the arm for both environments, and for all mixtures of them.
        changes: Packages whose version differs, sorted by name.
        steps: What happened, in order.
        requirements: {(name, version): requirements} of the packages of both environments.
        contradictions: What the good and the bad environment contradict themselves in.
    """

    driver: Driver
    arm: str
    mixed_arm: str
    changes: tuple[Move, ...] = ()
    steps: list[Step] = field(default_factory=list)
    requirements: Requirements = field(default_factory=dict)
    contradictions: tuple[tuple[Stated, ...], tuple[Stated, ...]] = ((), ())
    _places: dict[Mixture, int] = field(default_factory=dict)
    _purposes: dict[tuple[Mixture, int], Purpose] = field(default_factory=dict)
    _at_odds: bool = False

    @property
    def session(self) -> Session:
        """Executes."""
        return self.driver.session

    @property
    def everything(self) -> Mixture:
        """The mixture of all changes: the bad environment."""
        return frozenset(range(len(self.changes)))

    def ends(self) -> tuple[list[Finding], list[Finding]]:
        """Execute both environments, each twice with different hash seeds, and return what they gave.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        self.driver.execute([(self.arm, place, repeat) for repeat in range(TWICE) for place in (GOOD, BAD)])
        return self.findings(GOOD), self.findings(BAD)

    def findings(self, place: int) -> list[Finding]:
        """Return the executions of the good or the bad environment, in order."""
        return [one for _, one in sorted(self.driver.findings[self.arm].get(place, {}).items())]

    def compare(self) -> None:
        """Find the changes between both locks, and what their packages require; both were executed before."""
        good, bad = self._lock(GOOD), self._lock(BAD)
        self.changes = tuple(one for one in differences(good, bad) if one.before != one.after)
        for lock in (good, bad):
            self.requirements |= requirements(self.session.environments, lock, self.session.base, make=True)
        self.contradictions = (self._contradictions(good), self._contradictions(bad))
        resolver = self.session.resolver
        assert isinstance(resolver, Resolver)  # noqa: S101 - a blame resolves
        self._at_odds = any(self.contradictions) or bool(resolver.possible(good) or resolver.possible(bad))
        self._places = {frozenset(): GOOD, self.everything: BAD}

    def loaded(self) -> dict[str, bool]:
        """Return {package: whether one of the environments loads it}; empty where executions do not tell."""
        found: dict[str, bool] = {}
        for place in (GOOD, BAD):
            loads = [one.trace.modules for one in self.findings(place) if one.trace.modules is not None]
            owned = owners(self.session.environments, self._lock(place))
            if not loads or not owned:
                return {}
            names = {name for places in loads for one in places for name in owned.get(one, ())}
            for name in set[str]().union(*owned.values()):
                found[name] = found.get(name, False) or name in names
        return found

    def begin(self, failure: KnownFailure, loaded: dict[str, bool]) -> Difference:
        """Return a search that knows both environments, what ties their changes, and which are never loaded."""
        known = ties(self.changes, self.requirements, self.session.interpreter)
        never = [place for place, one in enumerate(self.changes) if loaded.get(one.name) is False]
        search = Difference(len(self.changes), weights=self._weights(), never_loaded=never, ties=known)
        self.steps.clear()
        for mixture, place in ((frozenset[int](), GOOD), (self.everything, BAD)):
            for repeat, finding in enumerate(self.findings(place)):
                self._tell(search, failure, mixture, repeat, finding)
        for names, repeat, purpose in self._kept():
            mixture = frozenset(at for at, one in enumerate(self.changes) if one.name in names)
            if not self._again(search, failure, Request(mixture, repeat, Purpose(purpose))):
                break
        return search

    def keep(self) -> None:
        """Store which mixtures were executed in which order, so that the same question takes the same path again.

        Several run at a time and end in any order, on which it depends what is asked next.
        """
        steps = [
            [sorted(self.changes[at].name for at in one.mixture), one.repeat, one.purpose.value]
            for one in self.steps
            if not one.forced
        ]
        write_atomic(self._path(), to_json(steps))

    def _kept(self) -> list[tuple[list[str], int, str]]:
        try:
            steps = json.loads(self._path().read_text(encoding="utf-8"))
            return [(list(names), int(repeat), str(purpose)) for names, repeat, purpose in steps]
        except (OSError, ValueError, TypeError):
            return []

    def _path(self) -> Path:
        session = self.session
        arm = self.driver.arms[self.arm]
        facts: list[object] = [
            self._lock(GOOD).digest,
            self._lock(BAD).digest,
            session.job_digest,
            session.device,
        ]
        facts += [sorted(arm.parameters.items()), sorted(session.asked.scenario.oracle.items())]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return session.environments.state.locks / f"blame-{digest[:32]}.json"

    def _again(self, search: Difference, failure: KnownFailure, request: Request) -> bool:
        """Take in an execution of an earlier run; return whether it is stored, or was a refusal."""
        if (request.mixture, request.repeat) in {(one.mixture, one.repeat) for one in self.steps}:
            return True
        self._purposes[request.mixture, request.repeat] = request.purpose
        place, refused, needed = self._place(request)
        if place is None:
            self._refuse(search, request, refused, needed)
            return True
        name = self.arm if place in (GOOD, BAD) else self.mixed_arm
        probes = self.session.probes(self.driver.arms[name], place, request.repeat)
        if any(self.session.store.find(probe.digest, probe.repeat) is None for probe in probes):
            return False
        self.driver.execute([(name, place, request.repeat)])
        finding = self.driver.findings[name][place][request.repeat]
        self._tell(search, failure, request.mixture, request.repeat, finding)
        return True

    def _refuse(self, search: Difference, request: Request, refused: str, needed: tuple[Tie, ...]) -> None:
        search.tell(Observation(request.mixture, request.repeat, Outcome.UNRESOLVED, needed))
        self.steps.append(Step(*_of(request), Outcome.UNRESOLVED, None, None, refused))

    def execute(self, search: Difference, failure: KnownFailure) -> None:
        """Execute what a search proposes until it is done.

        Raises:
            MachineError: This machine ended an execution.
            KeyboardInterrupt: After every running probe was ended.
        """
        self.driver.run(
            lambda free: self._proposed(search, free),
            lambda task, finding: self._told(search, failure, task, finding),
        )

    def forced(self, mixture: Mixture, failure: KnownFailure) -> Outcome:
        """Execute a mixture twice whatever its packages require; return what both executions say, else OTHER.

        Raises:
            MachineError: This machine ended an execution.
            KeyboardInterrupt: After every running probe was ended.
        """
        place = self._places.get(mixture)
        if place is None:
            names = {self.changes[change].name for change in mixture}
            place = len(self.session.locks)
            label = (
                f"{len(mixture)} of {len(self.changes)} changes against a requirement, mixture {place - BAD}"
            )
            _grow(self.session, Release(label), mixed(self._lock(GOOD), self._lock(BAD), names))
            self._places[mixture] = place
        name = self.arm if place in (GOOD, BAD) else self.mixed_arm
        known = {one.repeat for one in self.steps if one.mixture == mixture}
        self.driver.execute([(name, place, repeat) for repeat in range(TWICE)])
        findings = [self.driver.findings[name][place][repeat] for repeat in range(TWICE)]
        for repeat, finding in enumerate(findings):
            _check_machine(finding)
            if repeat not in known:
                outcome = failure.outcome(finding)
                self.steps.append(
                    Step(mixture, repeat, Purpose.CONFIRM, outcome, finding, finding.lock, forced=True)
                )
        outcomes = {failure.outcome(finding) for finding in findings}
        return outcomes.pop() if len(outcomes) == 1 else Outcome.OTHER

    def against(self, mixture: Mixture) -> list[str]:
        """Return the requirements that a mixture contradicts, those that an environment itself contradicts left out."""
        names = {self.changes[change].name for change in mixture}
        lock = mixed(self._lock(GOOD), self._lock(BAD), names)
        own = {one for side in self.contradictions for one in side}
        return [str(one) for one in self._contradictions(lock) if one not in own]

    def by_suspicion(self, some: Mixture) -> list[int]:
        """Return changes, the most suspected first."""
        weights = self._weights()
        return sorted(some, key=lambda change: (-weights[change], change))

    def forget(self) -> None:
        """Let every execution be taken anew: those that are stored still cost nothing."""
        for findings in self.driver.findings.values():
            findings.clear()

    # -- what the search asks for ----------------------------------------------------------------------------

    def _proposed(self, search: Difference, free: int) -> list[Task]:
        tasks: list[Task] = []
        while len(tasks) < free:
            requests = search.propose(free - len(tasks))
            if not requests:
                break
            for request in requests:
                self._purposes[request.mixture, request.repeat] = request.purpose
                place, refused, needed = self._place(request)
                if place is None:
                    self._refuse(search, request, refused, needed)
                else:
                    name = self.arm if place in (GOOD, BAD) else self.mixed_arm
                    tasks.append((name, place, request.repeat))
        return tasks

    def _told(self, search: Difference, failure: KnownFailure, task: Task, finding: Finding) -> None:
        _, place, repeat = task
        mixture = next(one for one, at in self._places.items() if at == place)
        self._tell(search, failure, mixture, repeat, finding)

    def _tell(
        self, search: Difference, failure: KnownFailure, mixture: Mixture, repeat: int, finding: Finding
    ) -> None:
        _check_machine(finding)
        outcome = failure.outcome(finding)
        purpose = self._purposes.get((mixture, repeat), Purpose.END)
        self.steps.append(Step(mixture, repeat, purpose, outcome, finding, finding.lock))
        search.tell(Observation(mixture, repeat, outcome, digest=finding.trace_digest))

    def _weights(self) -> list[float]:
        raised = {one.judgement.raised_in.lower() for one in self.findings(BAD)} - {""}
        near = {
            tie.name
            for (name, version) in self.requirements
            if name in raised
            for tie, _ in stated(name, version, self.requirements, self.session.interpreter)
        }
        return [
            _RAISED if one.name in raised else _NEAR if one.name in near else _USUAL for one in self.changes
        ]

    # -- locks ------------------------------------------------------------------------------------------------

    def _place(self, request: Request) -> tuple[int | None, str, tuple[Tie, ...]]:
        """Return the position of a mixture; None where it has no lock, with the reason and the ties that forbid it."""
        mixture = request.mixture
        if mixture in self._places:
            return self._places[mixture], "", ()
        lock, refused, against = self.lock(mixture)
        if refused:
            return None, refused, self._ties(against)
        place = len(self.session.locks)
        names = f"{len(mixture)} of {len(self.changes)} changes, mixture {place - BAD}"
        _grow(self.session, Release(names), lock)
        self._places[mixture] = place
        return place, "", ()

    def lock(self, mixture: Mixture) -> tuple[Lock, str, tuple[Stated, ...]]:
        """Return the lock of a mixture, why it cannot be had (empty if it can), and the requirements in the way."""
        good, bad = self._lock(GOOD), self._lock(BAD)
        if mixture in (frozenset(), self.everything):
            return (bad if mixture else good), "", ()
        names = {self.changes[place].name for place in mixture}
        plain = mixed(good, bad, names)
        if self._at_odds:  # uv refuses the environments themselves, so their metadata alone can tell
            allowed = {(one.package, one.version, one.name) for side in self.contradictions for one in side}
            against = tuple(
                one
                for one in contradicted(plain, self.requirements, self.session.interpreter)
                if (one.package, one.version, one.name) not in allowed
            )
            return plain, "; ".join(map(str, against)), against
        resolver = self.session.resolver
        assert isinstance(resolver, Resolver)  # noqa: S101 - a blame resolves
        found = mix(resolver, good, bad, names, self.requirements)
        if not found.refused and found.lock.packages != plain.packages:
            return plain, "it needs packages that the mixture leaves out", ()
        return found.lock, found.refused, found.ties

    def _ties(self, against: Sequence[Stated]) -> tuple[Tie, ...]:
        """Return requirements in the way as ties between changes."""
        known = ties(self.changes, self.requirements, self.session.interpreter)
        words = {str(one) for one in against}
        return tuple(one for one in known if one.requirement in words)

    def _lock(self, place: int) -> Lock:
        lock = self.session.locks[place]
        assert isinstance(lock, Lock)  # noqa: S101 - without one nothing is compared
        return lock

    def _contradictions(self, lock: Lock) -> tuple[Stated, ...]:
        return tuple(contradicted(lock, self.requirements, self.session.interpreter))


def _grow(session: Session, release: Release, lock: Lock) -> None:
    """Add a mixture to a session."""
    assert isinstance(session.releases, list)  # noqa: S101 - made so by `prepare`
    assert isinstance(session.locks, list)  # noqa: S101
    session.releases.append(release)
    session.locks.append(lock)


def _of(request: Request) -> tuple[Mixture, int, Purpose]:
    return request.mixture, request.repeat, request.purpose


def _check_machine(finding: Finding) -> None:
    """Complain of an execution that this machine ended: such a one says nothing of a mixture.

    Raises:
        MachineError: So it is.
    """
    if finding.result and finding.result.execution.starved(finding.trace):
        raise MachineError(
            f"this machine ended an execution ({finding.judgement.reason}), which says nothing of its packages: free "
            "disk space or memory, and run the same command again; what was executed is stored"
        )
