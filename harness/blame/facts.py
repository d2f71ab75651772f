"""The facts that a report has of two environments, from executions and what a search found; now and judged again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.blame.comparison import BAD, GOOD
from harness.report.blamed import ChangeResult, CulpritSetResult, Standing, StepResult
from harness.runs.gather import arm_result
from harness.search.answer import Answer as Located
from harness.search.boundaries import Boundary
from harness.search.boundaries import Conclusion as OfArm
from harness.search.culprits import Conclusion, Innocence
from harness.sessions.arm_map import arrange
from harness.sessions.finding import executions
from harness.sessions.subject import ENVIRONMENT
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.blame.units import Split
    from harness.cause.mixtures import Step
    from harness.locks.lock import Move
    from harness.releases.release import Release
    from harness.report.blamed import BlameResult
    from harness.report.model import ArmResult
    from harness.scenario import Arm
    from harness.search.culprits import Answer, CulpritSet
    from harness.sessions.arm_map import Findings
    from harness.verdicts.calibration import Calibration

_OF_ARM = {
    Conclusion.FOUND: OfArm.REGRESSED,
    Conclusion.FOUND_NOT_REVERSED: OfArm.REGRESSED,
    Conclusion.BOTH_GOOD: OfArm.ALWAYS_GOOD,
    Conclusion.BOTH_BAD: OfArm.NEVER_GOOD,
}
"""What the arm concludes; anything else is inconclusive."""


def conclusion_of(blame: BlameResult) -> OfArm:
    """Return what the arm of two environments concludes."""
    return _OF_ARM.get(blame.conclusion, OfArm.INCONCLUSIVE)


def arm_of(
    arm: Arm,
    releases: Sequence[Release],
    findings: Findings,
    blame: BlameResult,
    calibration: Calibration | None,
) -> ArmResult:
    """Return both environments as two releases of an arm.

    Args:
        arm: Its settings.
        releases: The good and the bad environment.
        findings: {position: {repeat: execution}} of both.
        blame: What was found.
        calibration: What executions are compared with.
    """
    found = arrange(2, findings)
    verdicts = tuple(one.verdict for one in found.firsts)
    boundaries: tuple[Boundary, ...] = ()
    if verdicts == (Verdict.GOOD, Verdict.BAD):
        failure = found.firsts[BAD].judgement.fingerprint
        boundaries = (Boundary(GOOD, BAD, "regressed", confirmed=blame.found, failure=failure),)
    made = arm_result(
        arm,
        releases,
        found,
        Located(conclusion_of(blame), boundaries, (), None, verdicts, "", (), ()),
        package=ENVIRONMENT,
        commands=["", ""],
        searched={},
        calibration=calibration,
    )
    # What changes beside the verdict is as in every comparison of environments: no news about a release.
    return replace(made, boundaries=[one for one in made.boundaries if one.signal == "verdict"])


def with_answer(
    blame: BlameResult,
    moves: Sequence[Move],
    answer: Answer,
    splits: list[Split],
    loaded: Mapping[str, bool | None],
) -> BlameResult:
    """Return the facts with what a search found.

    Args:
        blame: With its conclusion.
        moves: The changes.
        answer: Of the search.
        splits: Units of which one change does it.
        loaded: {package: whether an environment loads it}.
    """
    found = answer.ordered if blame.found else []
    sets = [_set(one, splits) for one in found]
    changes = _after_splits(_changes(moves, answer, loaded), sets, answer, splits)
    return replace(blame, changes=changes, sets=sets, refusals=answer.refusals)


def _changes(moves: Sequence[Move], answer: Answer, loaded: Mapping[str, bool | None]) -> list[ChangeResult]:
    culprits = (
        frozenset[int]().union(*(one.changes for one in answer.sets))
        if answer.conclusion.found
        else frozenset()
    )

    def standing(place: int) -> Standing:
        if place in culprits:
            return Standing.CULPRIT
        if place in answer.tied:
            return Standing.TIED
        return Standing.INNOCENT if place in answer.innocent else Standing.UNDECIDED

    return [
        ChangeResult(
            one.name,
            one.before,
            one.after,
            standing(place),
            loaded.get(one.name),
            list(answer.ways.get(place, ())),
        )
        for place, one in enumerate(moves)
    ]


def _set(one: CulpritSet, splits: list[Split]) -> CulpritSetResult:
    along = frozenset[int]().union(*(reversal.along for reversal in one.reversals))
    split = {found.unit: found for found in splits if found.unit in one.parts}
    forced = any(found.inside is None for found in split.values())
    # What a boundary between two releases shows leaves the mixtures as they were executed: with the whole unit.
    mates = frozenset[int]().union(*(unit - {found.change} for unit, found in split.items() if found.inside))
    reverted = [
        part in split or any(part <= reversal.reverted and reversal.tested for reversal in one.reversals)
        for part in one.parts
    ]
    return CulpritSetResult(
        parts=[[split[part].change] if part in split else sorted(part) for part in one.parts],
        required=[] if forced else sorted(one.required | mates),
        reversed=reverted,
        along=[] if forced else sorted(along | mates),
        against=list(dict.fromkeys(text for found in split.values() for text in found.against)),
    )


def _after_splits(
    changes: list[ChangeResult], sets: list[CulpritSetResult], answer: Answer, splits: list[Split]
) -> list[ChangeResult]:
    """Return the changes with what is shown of all others where a unit was told apart.

    Of two mixtures against requirements, the one holds the culprits alone and fails, the other one all changes but the
    culprit and is good. At a boundary between two releases, nothing but the culprit changes.
    """
    if not splits or len(answer.sets) > 1 or any(len(part) > 1 for one in sets for part in one.parts):
        return changes
    culprits = {place for one in sets for part in one.parts for place in part}
    ways = [Innocence.REVERTED_IN_BAD, Innocence.APPLIED_IN_GOOD]
    if all(one.inside for one in splits):
        ways = [Innocence.SAME_AT_BOUNDARY]
    return [
        one
        if place in culprits or (one.standing == Standing.INNOCENT and splits[0].inside)
        else replace(
            one,
            standing=Standing.INNOCENT,
            ways=[*ways, *([Innocence.NEVER_LOADED] if one.loaded is False else [])],
        )
        for place, one in enumerate(changes)
    ]


def step_result(step: Step) -> StepResult:
    """Return what a report says of a mixture."""
    finding = step.finding
    return StepResult(
        applied=sorted(step.mixture),
        repeat=step.repeat,
        purpose=step.purpose,
        outcome=step.outcome,
        verdict=(finding.verdict if finding else Verdict.UNTESTED).value,
        reason=finding.judgement.reason if finding else step.refused,
        lock=step.lock,
        executions=executions([finding]) if finding else [],
        refused=step.refused,
        forced=step.forced,
    )
