"""What all steps of a self-test share: the question, the session that executes probes, and what they execute with it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.environments.environment import NotInstallable
from harness.errors import HarnessError
from harness.model.question import Axis, Holds, Place, Plan, Question, Subject
from harness.sessions.asked import ask
from harness.sessions.driver import Silent, default_jobs, each
from harness.sessions.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.environments.environment import Environment
    from harness.probes.probe import Probe
    from harness.selftest.plan import SelfTest
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session
    from harness.state import State

_AT_A_TIME = 4
"""Small trainings that share one GPU, at most."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One self-test.

    Attributes:
        plan: What is executed, and what has to be found.
        question: The main job, about the releases of the plan.
        place: Where its reports go.
        state: Where environments and results are kept.
        session: Executes probes of that question.
        versions: The releases, oldest first.
    """

    plan: SelfTest
    question: Question
    place: Place
    state: State
    session: Session
    versions: Sequence[str]

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return self.session.device

    def probe(
        self,
        version: str,
        settings: Mapping[str, Any],
        *,
        mark: str = "",
        repeat: int = 0,
        timeout: float | None = None,
    ) -> Probe:
        """Return a probe of the plan's arm.

        Args:
            version: The release.
            settings: What is changed in the job.
            mark: Tells executions apart that are otherwise the same probe.
            repeat: Above 0 it is executed in a clean process.
            timeout: Seconds; None for the scenario's.

        Raises:
            HarnessError: The release cannot be installed beside the pins.
        """
        session = self.session
        arm = next(one for one in session.asked.scenario.arms.values() if one.name == self.plan.arm)
        changed = replace(arm, parameters={**arm.parameters, **settings})
        asked = {"selftest": mark} if mark else {}
        found = session.probes(changed, self.versions.index(version), repeat, seeds=1, asked=asked)
        if not found:
            raise HarnessError(f"{session.asked.package} {version} has no lock")
        return found[0] if timeout is None else replace(found[0], timeout=timeout)

    def execute(self, version: str, probe: Probe) -> Finding:
        """Execute a probe of a release, and judge it."""
        found = self.session.judged([probe], self.versions.index(version))
        return found[0] if isinstance(found, list) else found

    def execute_all(self, probes: Sequence[tuple[str, Probe]]) -> list[Finding]:
        """Execute probes, several at a time; return their findings in order."""
        return each(self.session, lambda one: self.execute(*one), probes, self.jobs)

    @property
    def jobs(self) -> int:
        """How many probes run at a time: what the cores allow, on a GPU no more than a few."""
        return jobs_on(self.device, default_jobs(self.session.asked.scenario, gpus=0))

    def environment(self, version: str) -> Environment:
        """Return the environment of a release, made if it is not there.

        Raises:
            HarnessError: It cannot be made.
        """
        lock = self.session.locked()[self.versions.index(version)]
        made = self.session.environments.ensure(lock)
        if isinstance(made, NotInstallable):
            raise HarnessError(f"{self.session.asked.package} {version} cannot be installed: {made.reason}")
        return made


def jobs_on(device: str, cores: int) -> int:
    """Return how many small trainings run at a time."""
    return cores if device == "cpu" else max(1, min(_AT_A_TIME, cores))


@contextmanager
def begin(
    plan: SelfTest, subject: Subject, holds: Holds, place: Place, state: State, *, marked: str
) -> Iterator[Bench]:
    """Yield the bench.

    Args:
        plan: What is executed.
        subject: The plan's scenario, or a bundle that holds it.
        holds: Device, `cpu` or `cuda`, torch and the like.
        place: Where the reports go.
        state: Where environments and results are kept.
        marked: A text of this self-test alone, so that no stored result of an earlier one is taken.

    Raises:
        UsageError: There is no such device.
        HarnessError: The machine or the index failed.
    """
    marked_holds = replace(holds, variables=(f"HARNESS_SELFTEST={marked}",))
    question = narrowed(plan, Question(subject=subject, holds=marked_holds), place, state, holds.device)
    asked = ask(question, state, place)
    releases = asked.select(asked.source.listing(asked.package, state).releases)
    with prepare(asked, releases, state, Silent().note) as session:
        session.lock_all()
        yield Bench(plan, question, place, state, session, [one.version for one in releases])


def narrowed(plan: SelfTest, question: Question, place: Place, state: State, device: str) -> Question:
    """Return a question about the scenario of a self-test as one about the releases that it executes on a device.

    Raises:
        UsageError: The index or the bundle lacks one of them.
        HarnessError: The releases cannot be listed.
    """
    asked = ask(question, state, place)
    listing = asked.source.listing(asked.package, state)
    versions = plan.chosen(listing.releases, asked.package, device)
    question = replace(question, axes=(Axis(first=versions[0], last=versions[-1]),))
    between = ask(question, state, place).select(listing.releases)
    others = tuple(one.version for one in between if one.version not in versions)
    return replace(question, plan=Plan(search="sweep", cause=False, quick_remedies=False, leave_out=others))
