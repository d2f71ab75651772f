"""Executes mixtures of two locks as a search asks for them, several at a time.

Every mixture stands as one more release of a session, so that environments, executor, store and judgement are those
of every other question. Blame, nights and boundaries at which dependencies change too have this one engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.errors import MachineError
from harness.locks.locks import Exchanged
from harness.releases.release import Release
from harness.search.mixtures import Observation, Outcome, Purpose, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.cause.mixed_locks import MixedLocks
    from harness.locks.lock import Lock
    from harness.search.difference import Difference
    from harness.search.ties import Mixture, Tie
    from harness.sessions.driver import Driver, Task
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session

    Judge = Callable[[Finding], Outcome]


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


def growing(session: Session, *locks: Lock, named: Iterable[str]) -> Session:
    """Return a session that mixtures can be added to, with further locks under their names."""
    releases = [*session.releases, *map(Release, named)]
    further = Exchanged(session.locks, dict(enumerate(locks, len(session.locks))))
    return replace(session, releases=releases, locks=further)


@dataclass(slots=True)
class Mixtures:
    """The mixtures of two locks in one arm.

    Attributes:
        driver: Its session's releases and locks grow with every mixture.
        locks: Which mixtures there are.
        ends: Positions of the good and of the bad lock in the session.
        arm, mixed_arm: Name of the arm for both locks, and for all mixtures of them.
        first: Number of the first execution of each.
        label: What a mixture is called, from itself and its number; None counts its changes.
        steps: What happened, in order.
    """

    driver: Driver
    locks: MixedLocks
    ends: tuple[int, int]
    arm: str
    mixed_arm: str
    first: int = 0
    label: Callable[[Mixture, int], str] | None = None
    steps: list[Step] = field(default_factory=list)
    _places: dict[Mixture, int] = field(default_factory=dict)
    _purposes: dict[tuple[Mixture, int], Purpose] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = {frozenset(): self.ends[0], self.locks.everything: self.ends[1]}

    @property
    def session(self) -> Session:
        """Executes."""
        return self.driver.session

    def executed(self, mixture: Mixture, times: int) -> list[Finding]:
        """Execute a mixture, as a lock of it is known already, and return so many executions, in order.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        place = self._places[mixture]
        tasks = [self._task(place, repeat) for repeat in range(times)]
        self.driver.execute(tasks)
        return [self.driver.findings[arm][place][repeat] for arm, place, repeat in tasks]

    def known(self, mixture: Mixture) -> list[Finding]:
        """Return the executions of a mixture so far, in order."""
        place = self._places[mixture]
        found = self.driver.findings[self._task(place, 0)[0]].get(place, {})
        return [one for _, one in sorted(found.items())]

    def begin(self, search: Difference, judge: Judge) -> None:
        """Let a search know what was executed of both ends."""
        self.steps.clear()
        for mixture in (frozenset[int](), self.locks.everything):
            for repeat, finding in enumerate(self.known(mixture)):
                self.tell(search, judge, Request(mixture, repeat, Purpose.END), finding)

    def execute(self, search: Difference, judge: Judge) -> None:
        """Execute what a search proposes until it is done.

        Raises:
            MachineError: This machine ended an execution.
            KeyboardInterrupt: After every running probe was ended.
        """
        self.driver.run(
            lambda free: self._proposed(search, free),
            lambda task, finding: self._told(search, judge, task, finding),
        )

    def taken(self, search: Difference, judge: Judge, request: Request) -> bool:
        """Take in an execution of an earlier run; return whether it is stored, or was a refusal."""
        if (request.mixture, request.repeat) in {(one.mixture, one.repeat) for one in self.steps}:
            return True
        place, refused, needed = self.place(request.mixture)
        if place is None:
            self._refuse(search, request, refused, needed)
            return True
        task = self._task(place, request.repeat)
        probes = self.session.probes(self.driver.arms[task[0]], *task[1:])
        if any(self.session.store.find(probe.digest, probe.repeat) is None for probe in probes):
            return False
        self.driver.execute([task])
        self.tell(search, judge, request, self.driver.findings[task[0]][place][task[2]])
        return True

    def forced(self, mixture: Mixture, judge: Judge, times: int) -> Outcome:
        """Execute a mixture whatever its packages require; return what all executions say, else OTHER.

        Raises:
            MachineError: This machine ended an execution.
            KeyboardInterrupt: After every running probe was ended.
        """
        if mixture not in self._places:
            self._add(mixture, self.locks.plain(mixture), " against a requirement")
        told = {one.repeat for one in self.steps if one.mixture == mixture}
        outcomes = set()
        for repeat, finding in enumerate(self.executed(mixture, times)):
            check_machine(finding)
            outcome = judge(finding)
            outcomes.add(outcome)
            if repeat not in told:
                step = Step(mixture, repeat, Purpose.CONFIRM, outcome, finding, finding.lock, forced=True)
                self.steps.append(step)
        return outcomes.pop() if len(outcomes) == 1 else Outcome.OTHER

    def forget(self) -> None:
        """Let every execution be taken anew: those that are stored still cost nothing."""
        for findings in self.driver.findings.values():
            findings.clear()

    def tell(self, search: Difference, judge: Judge, request: Request, finding: Finding) -> None:
        """Tell a search how an execution ended.

        Raises:
            MachineError: This machine ended it.
        """
        check_machine(finding)
        outcome = judge(finding)
        self.steps.append(Step(*_of(request), outcome, finding, finding.lock))
        search.tell(Observation(request.mixture, request.repeat, outcome, digest=finding.trace_digest))

    def place(self, mixture: Mixture) -> tuple[int | None, str, tuple[Tie, ...]]:
        """Return the position of a mixture; None where it has no lock, with the reason and the ties that forbid it."""
        if mixture not in self._places:
            lock, refused, against = self.locks.lock(mixture)
            if refused:
                return None, refused, self.locks.ties(against)
            self._add(mixture, lock)
        return self._places[mixture], "", ()

    def _task(self, place: int, repeat: int) -> Task:
        return (self.arm if place in self.ends else self.mixed_arm, place, self.first + repeat)

    def _add(self, mixture: Mixture, lock: Lock, said: str = "") -> None:
        releases, locks = self.session.releases, self.session.locks
        assert isinstance(releases, list)  # noqa: S101 - made so by `growing`
        assert isinstance(locks, list | Exchanged)  # noqa: S101
        place, number = len(locks), len(self._places) - 1
        counted = f"{len(mixture)} of {len(self.locks.changes)} changes{said}, mixture {number}"
        releases.append(Release(self.label(mixture, number) if self.label else counted))
        locks.append(lock)
        self._places[mixture] = place

    def _refuse(self, search: Difference, request: Request, refused: str, needed: tuple[Tie, ...]) -> None:
        search.tell(Observation(request.mixture, request.repeat, Outcome.UNRESOLVED, needed))
        self.steps.append(Step(*_of(request), Outcome.UNRESOLVED, None, None, refused))

    def _proposed(self, search: Difference, free: int) -> list[Task]:
        tasks: list[Task] = []
        while len(tasks) < free:
            requests = search.propose(free - len(tasks))
            if not requests:
                break
            for request in requests:
                self._purposes[request.mixture, request.repeat] = request.purpose
                place, refused, needed = self.place(request.mixture)
                if place is None:
                    self._refuse(search, request, refused, needed)
                else:
                    tasks.append(self._task(place, request.repeat))
        return tasks

    def _told(self, search: Difference, judge: Judge, task: Task, finding: Finding) -> None:
        mixture = next(one for one, at in self._places.items() if at == task[1])
        repeat = task[2] - self.first
        self.tell(search, judge, Request(mixture, repeat, self._purposes[mixture, repeat]), finding)


def _of(request: Request) -> tuple[Mixture, int, Purpose]:
    return request.mixture, request.repeat, request.purpose


def check_machine(finding: Finding) -> None:
    """Complain of an execution that this machine ended: such a one says nothing of a mixture.

    Raises:
        MachineError: So it is.
    """
    if finding.result and finding.result.execution.starved(finding.trace):
        raise MachineError(
            f"this machine ended an execution ({finding.judgement.reason}), which says nothing of its packages: free "
            "disk space or memory, and run the same command again; what was executed is stored"
        )
