"""A stored run about two environments judged again: every mixture, the search over them, and the runs about releases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.blame.comparison import BAD, TWICE
from harness.blame.facts import arm_of, step_result, with_answer
from harness.blame.failure import KnownFailure
from harness.blame.releases import inside_of
from harness.blame.units import Split
from harness.cause.mixtures import Step
from harness.errors import UsageError
from harness.locks.lock import Move
from harness.probes.store import Store
from harness.releases.release import Release
from harness.report.sentences import worded
from harness.report.write import write_report
from harness.runs.locked import read_locks, with_moves, with_raised
from harness.runs.stored import (
    choose_oracle,
    judge_run,
    load_report,
    stored_calibration,
    stored_evidence,
    stored_findings,
    with_commands,
)
from harness.scenario import Arm
from harness.search.difference import Difference
from harness.search.mixtures import Observation, Outcome
from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.report.blamed import BlameResult, BoundaryInside
    from harness.report.model import ArmResult, Report
    from harness.search.culprits import Answer
    from harness.sessions.finding import Finding
    from harness.state import State


def judge_blame(old: Report, folder: Path, state: State, oracle: str = "auto") -> tuple[Report, str]:
    """Judge the stored executions of a run about two environments again, and write its files anew.

    What Python does stays as it was judged when it was executed.

    Args:
        old: The report.
        folder: Of the run.
        state: Has the executions.
        oracle: One of `harness.runs.stored.ORACLES`.

    Returns:
        The report, and what a reader must know of the oracle; empty if it is the run's own.

    Raises:
        UsageError: The oracle cannot be had, nothing was searched, or an execution is not stored any more.
    """
    blame, (arm,) = old.blame, old.arms
    if blame is None or not blame.changes or not arm.releases:
        raise UsageError(
            f"{folder}: no mixture of the two environments was executed, so there is nothing to judge"
        )
    settings, said = choose_oracle(old, oracle)
    again = _Again(blame, arm, folder, state, settings, any_failure=bool(old.question["plan"]["any_failure"]))
    facts = again.facts()
    releases = [Release(row.version) for row in arm.releases]
    made = arm_of(
        Arm(arm.name, arm.parameters), releases, dict(enumerate(again.ends)), facts, again.calibration
    )
    new = with_commands(replace(old, arms=[made], blame=facts, oracle=dict(settings)), folder)
    locks = read_locks(folder, ("good", "bad"))
    new = worded(with_raised(with_moves(new, locks), locks))
    write_report(folder, new, stored_evidence(new, Store(state)), drawings=state.drawings)
    return new, said


class _Again:
    """The executions of one run about two environments, judged again."""

    def __init__(
        self,
        blame: BlameResult,
        arm: ArmResult,
        folder: Path,
        state: State,
        oracle: Mapping[str, Any],
        *,
        any_failure: bool,
    ) -> None:
        self.blame, self.arm, self.folder, self.state, self.oracle = blame, arm, folder, state, oracle
        self.store = Store(state)
        self.calibration = stored_calibration(arm, self.store, oracle)
        self.ends = [self._findings(row.executions, row.version, row.lock) for row in arm.releases]
        self.failure = KnownFailure.of(list(self.ends[BAD].values()), any_failure=any_failure)
        self.steps = [self._step(place) for place in range(len(blame.steps))]

    def facts(self) -> BlameResult:
        """Return what is found by the judgements of now."""
        blame = self.blame
        answer = self._answer()
        conclusion = blame.conclusion
        if blame.python is None or blame.python.role.searched:
            conclusion = answer.conclusion
        inside = [self._inside(one) for one in blame.inside] if conclusion.found else []
        facts = replace(blame, conclusion=conclusion, inside=inside, steps=list(map(step_result, self.steps)))
        moves = [Move(one.name, one.before, one.after) for one in blame.changes]
        loaded = {one.name: one.loaded for one in blame.changes}
        return with_answer(facts, moves, answer, self._splits(answer, inside), loaded)

    def _answer(self) -> Answer:
        """Return what the search concludes from the steps in their order; unfinished if it asks for further ones."""
        blame = self.blame
        never = [place for place, one in enumerate(blame.changes) if one.loaded is False]
        ties = [Tie(frozenset(one.applied), frozenset(one.needed), one.requirement) for one in blame.ties]
        search = Difference(len(blame.changes), never_loaded=never, ties=ties)
        for one in self.steps:
            if not one.forced:
                digest = one.finding.trace_digest if one.finding else None
                search.tell(Observation(one.mixture, one.repeat, one.outcome, digest=digest))
        return search.answer()

    def _splits(self, answer: Answer, inside: Sequence[BoundaryInside]) -> list[Split]:
        """Return which units of an answer are still told apart by what told them apart before."""
        found = []
        parts = [part for one in self.blame.sets for part in one.parts if len(part) == 1]
        for one in answer.sets:
            others = answer.others(one)
            for unit in [part for part in one.parts if len(part) > 1]:
                change = next((place for (place,) in parts if place in unit), None)
                if change is None:
                    continue
                name = self.blame.changes[change].name
                beside = one.changes - unit | {change}
                without = frozenset(range(len(self.blame.changes))) - (others - one.changes) - {change}
                between = next((each for each in inside if each.name == name and each.alone), None)
                if self._forced(beside, Outcome.BAD) and self._forced(without, Outcome.GOOD):
                    against = tuple(text for each in self.blame.sets for text in each.against)
                    found.append(Split(unit, change, against))
                elif between is not None and between.good and between.confirmed:
                    found.append(Split(unit, change, inside=between))
        return found

    def _forced(self, mixture: frozenset[int], wanted: Outcome) -> bool:
        outcomes = [one.outcome for one in self.steps if one.forced and one.mixture == mixture]
        return len(outcomes) >= TWICE and set(outcomes) == {wanted}

    def _inside(self, old: BoundaryInside) -> BoundaryInside:
        folder = self.folder / old.run
        report = judge_run(load_report(folder), folder, self.state, self.oracle)
        mates = [pin for pin in report.question["holds"]["pins"] if "==" not in pin]
        return inside_of(report, folder, old.held, old.run, mates, upgrade=old.upgrade)

    def _step(self, place: int) -> Step:
        old = self.blame.steps[place]
        mixture = frozenset(old.applied)
        found = list(self._findings(old.executions, f"mixture {place}", old.lock).values())
        if not found:
            return Step(
                mixture, old.repeat, old.purpose, old.outcome, None, old.lock, old.refused, old.forced
            )
        outcome = self.failure.outcome(found[0])
        return Step(mixture, old.repeat, old.purpose, outcome, found[0], old.lock, forced=old.forced)

    def _findings(
        self, executions: Sequence[Mapping[str, Any]], version: str, lock: str | None
    ) -> dict[int, Finding]:
        return stored_findings(
            self.arm,
            executions,
            version=version,
            lock=lock or "",
            calibration=self.calibration,
            store=self.store,
            oracle=self.oracle,
        )
