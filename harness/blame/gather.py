"""From what a question about two environments found to its report: facts; the sentences are made from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.blame.comparison import BAD, GOOD
from harness.locks.lock import Lock
from harness.report.blamed import (
    BlameResult,
    ChangeResult,
    CulpritSetResult,
    EnvironmentResult,
    PythonResult,
    PythonRole,
    Standing,
    StepResult,
    TieResult,
)
from harness.report.model import ArmResult, Report
from harness.report.sentences import worded
from harness.runs.bisect import held_alike, host, of_question
from harness.runs.gather import arm_result
from harness.runs.locked import with_moves, with_raised
from harness.search.answer import Answer as Located
from harness.search.boundaries import Boundary
from harness.search.boundaries import Conclusion as OfArm
from harness.search.culprits import Conclusion, Innocence
from harness.sessions.arm_map import arrange
from harness.sessions.asked import ENVIRONMENT, shell
from harness.sessions.finding import executions
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from harness.blame.comparison import Comparison
    from harness.blame.investigation import Blaming
    from harness.blame.prepare import Prepared
    from harness.blame.rebuild import Rebuilt
    from harness.blame.units import Split
    from harness.cause.mixtures import Step
    from harness.search.culprits import Answer, CulpritSet
    from harness.sessions.finding import Finding

_OF_ARM = {
    Conclusion.FOUND: OfArm.REGRESSED,
    Conclusion.FOUND_NOT_REVERSED: OfArm.REGRESSED,
    Conclusion.BOTH_GOOD: OfArm.ALWAYS_GOOD,
    Conclusion.BOTH_BAD: OfArm.NEVER_GOOD,
}
"""What the arm concludes; anything else is inconclusive."""


def gather(blaming: Blaming) -> Report:
    """Put everything that was found into one report."""
    asked, prepared = blaming.asked.asked, blaming.prepared
    comparison = prepared.comparison if prepared else None
    blame = _blame(blaming)
    pins = list(asked.scenario.pins)
    report = Report(
        run=blaming.name,
        package=ENVIRONMENT,
        started=blaming.started.isoformat(timespec="seconds"),
        command=shell(asked.question.to_argv("blame")),
        host=host(comparison.mixtures.driver) if comparison else {},
        environment=_environment(comparison, pins),
        arms=[_arm(blaming, comparison, blame)],
        warnings=[*blaming.warnings, *(comparison.session.notes if comparison else [])],
        **of_question(asked.scenario, asked.question),
        blame=blame,
    )
    locks = _locks(prepared) if prepared else {}
    return worded(with_raised(with_moves(report, locks), locks))


def _locks(prepared: Prepared) -> dict[str, Lock]:
    pairs = zip(("good", "bad"), prepared.rebuilt, strict=True)
    return {side: one.lock for side, one in pairs if isinstance(one.lock, Lock)}


def _environment(comparison: Comparison | None, pins: list[str]) -> dict[str, object]:
    if comparison is None:
        return {"policy": "listed", "pins": pins, "packages": {}, "moves": {}}
    session = comparison.session
    return {
        "policy": "listed",
        "pins": pins,
        "packages": session.base.versions(),
        "moves": {},
        "torch": session.torch.choice,
        "fixed": held_alike(session.asked.scenario),
        "proof": f"{len(session.base.packages)} packages are equal, to the hash, in both environments",
    }


# -- the arm: both environments as two releases ---------------------------------------------------------------


def _arm(blaming: Blaming, comparison: Comparison | None, blame: BlameResult) -> ArmResult:
    asked = blaming.asked.asked
    arm = asked.arms[0]
    conclusion = _OF_ARM.get(blame.conclusion, OfArm.INCONCLUSIVE)
    if comparison is None:
        return ArmResult(arm.name, dict(arm.parameters), conclusion.value, "", [], [])
    session = comparison.session
    found = arrange(2, {place: _executions(blaming, comparison, place) for place in (GOOD, BAD)})
    verdicts = tuple(one.verdict for one in found.firsts)
    boundaries: tuple[Boundary, ...] = ()
    if verdicts == (Verdict.GOOD, Verdict.BAD):
        failure = found.firsts[BAD].judgement.fingerprint
        boundaries = (Boundary(GOOD, BAD, "regressed", confirmed=blame.found, failure=failure),)
    located = Located(conclusion, boundaries, (), None, verdicts, "", (), ())
    made = arm_result(
        arm,
        session.releases[:2],
        found,
        located,
        package=ENVIRONMENT,
        commands=["", ""],
        searched={},
        calibration=session.calibrations.get(arm.name),
    )
    # What changes beside the verdict is as in every comparison of environments: no news about a release.
    return replace(made, boundaries=[one for one in made.boundaries if one.signal == "verdict"])


def _executions(blaming: Blaming, comparison: Comparison, place: int) -> dict[int, Finding]:
    """Return {repeat: finding} of an environment, with its own Python."""
    trial = blaming.pythons
    side = ("good", "bad")[place]
    if trial is not None:
        own = [one for packages, python, one in trial.corners if packages == python == side]
        return dict(enumerate(own))
    return comparison.mixtures.driver.findings[comparison.mixtures.arm].get(place, {})


# -- the facts of the blame -----------------------------------------------------------------------------------


def _blame(blaming: Blaming) -> BlameResult:
    prepared, answer = blaming.prepared, blaming.answer
    comparison = prepared.comparison if prepared else None
    good, bad = (
        (_side(one, comparison, place) for place, one in enumerate(prepared.rebuilt if prepared else ()))
        if prepared
        else (_unread(name) for name in blaming.asked.given)
    )
    python = _python(blaming)
    conclusion = _conclusion(blaming, answer)
    facts = BlameResult(
        conclusion,
        good,
        bad,
        [],
        inside=sorted(blaming.inside, key=lambda one: one.name),
        seconds=round(sum(blaming.seconds.values()), 1),
        disk=blaming.disk,
        unlike=_unlike(blaming),
        python=python,
    )
    if comparison is None or answer is None:
        return facts
    # By name: which of several sets is found first may depend on which execution ends first.
    found = sorted(answer.sets, key=lambda one: sorted(one.changes)) if facts.found else []
    sets = [_set(one, blaming.splits) for one in found]
    changes = _changes(comparison, answer, blaming.loaded)
    return replace(
        facts,
        changes=_after_splits(changes, sets, answer, blaming.splits),
        sets=sets,
        ties=[TieResult(sorted(one.applied), sorted(one.needed), one.requirement) for one in answer.ties],
        steps=[_step(one) for one in comparison.steps],
        executions=answer.executions + sum(step.forced for step in comparison.steps),
        refusals=answer.refusals,
    )


def _conclusion(blaming: Blaming, answer: Answer | None) -> Conclusion:
    """Return what was found: an answer of the search, or what the corners of two Pythons came to."""
    pythons = blaming.pythons
    if pythons is not None and not pythons.role.searched:
        return pythons.conclusion
    if answer is not None:
        return answer.conclusion
    prepared = blaming.prepared
    lacking = prepared and any(not isinstance(one.lock, Lock) for one in prepared.rebuilt)
    return Conclusion.END_UNTESTABLE if lacking else Conclusion.UNFINISHED


def _side(rebuilt: Rebuilt, comparison: Comparison | None, place: int) -> EnvironmentResult:
    lock = rebuilt.lock if isinstance(rebuilt.lock, Lock) else None
    return EnvironmentResult(
        given=rebuilt.given,
        kind=rebuilt.kind,
        lock=lock.digest if lock else None,
        packages=len(lock.packages) if lock else 0,
        python=rebuilt.python,
        platform=rebuilt.platform,
        stood_in=[one.to_dict() for one in rebuilt.stood_in],
        left_out=[one.to_dict() for one in rebuilt.left_out],
        held=list(rebuilt.held),
        unresolvable="" if isinstance(rebuilt.lock, Lock) else rebuilt.lock.reason,
        contradictions=[str(one) for one in comparison.locks.contradictions[place]] if comparison else [],
    )


def _unread(given: str) -> EnvironmentResult:
    return EnvironmentResult(given=given, kind="", lock=None, packages=0)


def _changes(comparison: Comparison, answer: Answer, loaded: dict[str, bool]) -> list[ChangeResult]:
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
        for place, one in enumerate(comparison.changes)
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


def _step(step: Step) -> StepResult:
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


def _python(blaming: Blaming) -> PythonResult | None:
    trial = blaming.pythons
    if trial is None:
        return None
    return PythonResult(
        trial.good,
        trial.bad,
        trial.held.interpreter.version,
        PythonRole(trial.role),
        [
            {
                "packages": packages,
                "python": python,
                "verdict": finding.verdict.value,
                "reason": finding.judgement.reason,
            }
            for packages, python, finding in trial.corners
        ],
    )


def _unlike(blaming: Blaming) -> list[str]:
    """Return what else differs by the lists, and is not compared."""
    if blaming.prepared is None:
        return []
    good, bad = blaming.prepared.rebuilt
    found = []
    if good.platform and bad.platform and good.platform != bad.platform:
        found.append(f"platform {good.platform} -> {bad.platform}")
    if blaming.pythons is None and good.python and bad.python and good.python != bad.python:
        found.append(f"Python {good.python} -> {bad.python}")
    return found
