"""Drives the searches: what they propose is executed, several at a time, and what was found is told to them."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Protocol, TypeVar

import psutil

from harness.sessions.calibrate import calibrate
from harness.sessions.observation import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.scenario import Arm, Scenario
    from harness.sessions.arm_map import Findings
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_USABLE = 0.8
"""Share of the free memory that probes may take."""

Task = tuple[str, int, int]
"""Name of the arm, position of the release, repeat."""


class Watcher(Protocol):
    """Is told how a run goes on."""

    def expected(self, count: int) -> None:
        """`count` executions, those that run now included, are certain to end yet."""

    def started(self, arm: str, version: str, repeat: int) -> None:
        """An execution begins, or its stored result is taken."""

    def finished(self, arm: str, version: str, repeat: int, finding: Finding) -> None:
        """An execution is over."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class Silent:
    """A watcher that says nothing."""

    def expected(self, count: int) -> None:
        """Say nothing."""

    def started(self, arm: str, version: str, repeat: int) -> None:
        """Say nothing."""

    def finished(self, arm: str, version: str, repeat: int, finding: Finding) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


class Driver:
    """Executes tasks of one run in parallel and keeps what was found.

    Args:
        session: Executes.
        watcher: Is told.
    """

    def __init__(self, session: Session, watcher: Watcher) -> None:
        self.session = session
        self.watcher = watcher
        self.arms: Mapping[str, Arm] = {arm.name: arm for arm in session.asked.arms}
        self.findings: dict[str, Findings] = {name: {} for name in self.arms}
        self.jobs = (
            (1 if session.alone else 0)
            or session.asked.place.jobs
            or session.executor.slots
            or default_jobs(session.asked.scenario, gpus=0)
        )
        self._peak = 0

    def executed(self) -> int:
        """Return how many executions have a finding."""
        return sum(len(repeats) for findings in self.findings.values() for repeats in findings.values())

    def firsts(self) -> list[Finding]:
        """Return the first execution of every release, in all arms."""
        every = (repeats for findings in self.findings.values() for repeats in findings.values())
        return [repeats[0] for repeats in every if 0 in repeats]

    def execute(self, tasks: Sequence[Task]) -> None:
        """Execute all tasks that have no finding yet.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        left = [task for task in tasks if task[2] not in self.findings[task[0]].get(task[1], {})]
        left.reverse()
        self.run(lambda free: [left.pop() for _ in range(min(free, len(left)))], left=lambda: len(left))

    def run(
        self,
        propose: Callable[[int], Sequence[Task]],
        told: Callable[[Task, Finding], None] = lambda _task, _finding: None,
        *,
        left: Callable[[], int] = lambda: 0,
    ) -> None:
        """Execute what is proposed until nothing is proposed and nothing runs any more.

        Args:
            propose: Is asked with the number of free slots, whenever there are some.
            told: Is handed each task with its finding, before the next proposal.
            left: How many tasks are certain to be proposed yet.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        running: dict[Future[Finding], Task] = {}
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                while True:
                    for task in propose(self._slots(len(running)) - len(running)):
                        running[pool.submit(self._observe, task)] = task
                    if not running:
                        return
                    self.watcher.expected(len(running) + left())
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        task = running.pop(future)
                        self._keep(task, future.result())
                        told(task, self.findings[task[0]][task[1]][task[2]])
            except BaseException:
                self.session.executor.cancel()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _slots(self, running: int) -> int:
        """Return how many probes may run at a time; `--jobs` is not questioned, nor what a cluster has room for."""
        if self.session.asked.place.jobs is not None or self.session.executor.slots is not None:
            return self.jobs
        return min(self.jobs, fitting(self._peak, running, psutil.virtual_memory().available))

    def _keep(self, task: Task, finding: Finding) -> None:
        arm, position, repeat = task
        peaks = [one.result.execution.memory_peak or 0 for one in finding.seeds() if one.result is not None]
        self._peak = max([self._peak, *peaks])
        self.findings[arm].setdefault(position, {})[repeat] = finding
        self.watcher.finished(arm, self.session.releases[position].version, repeat, finding)

    def _observe(self, task: Task) -> Finding:
        arm, position, repeat = task
        self.watcher.started(arm, self.session.releases[position].version, repeat)
        return observe(self.session, self.arms[arm], position, repeat)


def each(
    session: Session, function: Callable[[Item], Outcome], items: Sequence[Item], jobs: int
) -> list[Outcome]:
    """Return what a function that executes probes gives for each item, in their order, `jobs` at a time.

    Raises:
        KeyboardInterrupt: After every running probe was ended.
    """
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            session.executor.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def distrust_environments(driver: Driver) -> bool:
    """Execute anew what came after a job had changed files of an environment; return whether that was found.

    All findings are taken again: those that are stored still cost nothing.
    """
    if not driver.session.executor.repaired():
        return False
    known = [
        (arm, position, repeat)
        for arm, findings in driver.findings.items()
        for position, repeats in findings.items()
        for repeat in repeats
    ]
    for findings in driver.findings.values():
        findings.clear()
    driver.session.calibrations.clear()
    for arm in driver.arms.values():
        calibrate(driver.session, arm)
    driver.execute(known)
    return True


def default_jobs(scenario: Scenario, gpus: int) -> int:
    """Return how many probes run at a time: what the scenario says a GPU, else what the cores' threads allow.

    Args:
        scenario: Says how many fit on a GPU, and how many threads one takes.
        gpus: How many may be used; 0 where probes run on the CPU.
    """
    if gpus:
        return max(1, gpus * scenario.probes_per_gpu // scenario.most_ranks)
    return max(1, (os.cpu_count() or 1) // (scenario.threads * scenario.most_ranks))


def fitting(peak: int, running: int, available: int) -> int:
    """Return how many probes fit into memory: one at the least, two while nobody knows what one takes.

    Args:
        peak: Bytes of the largest probe so far; 0 while none has ended.
        running: Probes that hold their memory already.
        available: Bytes that are free now.
    """
    return max(1, running + int(_USABLE * available / peak)) if peak else 2
