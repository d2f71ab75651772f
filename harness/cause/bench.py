"""Executes interventions: ordinary probes with changed settings or instructions, stored and found again by digest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.sessions.driver import each
from harness.sessions.finding import Finding
from harness.sessions.observation import observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.scenario import Arm, Setting
    from harness.sessions.driver import Watcher
    from harness.sessions.session import Session
    from harness.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class Trial:
    """One release to be executed in one arm with something changed.

    Attributes:
        arm: Where it is changed.
        position: Of the release.
        label: What is changed, in a few words.
        settings: Settings of the job in place of the arm's.
        instructions: What the recorder is asked.
        repeat: Above 0 for executions that tell the noise.
    """

    arm: Arm
    position: int
    label: str
    settings: Mapping[str, Setting] | None = None
    instructions: Mapping[str, Any] | None = None
    repeat: int = 0

    def changed(self) -> Arm:
        """Return the arm as it is executed."""
        return replace(
            self.arm,
            name=f"{self.arm.name}, {self.label}",
            parameters={**self.arm.parameters, **(self.settings or {})},
            instructions=self.instructions or {},
            of=self.arm.name,
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """Where trials are executed, several at a time."""

    session: Session
    watcher: Watcher
    jobs: int

    def execute(self, trials: Sequence[Trial]) -> list[Finding]:
        """Return the findings of all trials, in their order.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        self.watcher.expected(len(trials))
        return each(self.session, self._observe, trials, self.jobs)

    def traces(self, trials: Sequence[Trial]) -> list[Trace]:
        """Return what the first seed of each trial recorded, without a verdict; empty where nothing was executed.

        Raises:
            KeyboardInterrupt: After every running probe was ended.
        """
        return each(self.session, self._recorded, trials, self.jobs)

    def _recorded(self, trial: Trial) -> Trace:
        probes = self.session.probes(trial.changed(), trial.position, seeds=1)
        findings = self.session.judged(probes, trial.position)
        return findings.trace if isinstance(findings, Finding) else findings[0].trace

    def _observe(self, trial: Trial) -> Finding:
        arm, version = trial.changed(), self.session.releases[trial.position].version
        self.watcher.started(arm.name, version, trial.repeat)
        finding = observe(self.session, arm, trial.position, trial.repeat)
        self.watcher.finished(arm.name, version, trial.repeat, finding)
        return finding
