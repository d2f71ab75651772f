"""From what a question about two environments found to its report: facts; the sentences are made from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.blame.comparison import BAD, GOOD
from harness.blame.facts import arm_of, conclusion_of, step_result, with_answer
from harness.locks.lock import Lock
from harness.machine import processor
from harness.model.commands import shell
from harness.probes.sandbox import training_variables
from harness.report.blamed import (
    BlameResult,
    EnvironmentResult,
    PythonResult,
    PythonRole,
    TieResult,
)
from harness.report.model import ArmResult, Report
from harness.report.sentences import worded
from harness.runs.facts import held_alike, host, of_question
from harness.runs.locked import with_moves, with_raised
from harness.search.culprits import Conclusion
from harness.sessions.subject import ENVIRONMENT
from harness.snapshots.snapshot import plain_platform

if TYPE_CHECKING:
    from harness.blame.comparison import Comparison
    from harness.blame.investigation import Blaming
    from harness.blame.prepare import Prepared
    from harness.blame.rebuild import Rebuilt
    from harness.search.culprits import Answer
    from harness.sessions.finding import Finding


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
        "packages": session.environments.base.versions(),
        "moves": {},
        "torch": session.torch.choice,
        "fixed": held_alike(session),
        "proof": f"{len(session.environments.base.packages)} packages are equal, to the hash, in both environments",
    }


# -- the arm: both environments as two releases ---------------------------------------------------------------


def _arm(blaming: Blaming, comparison: Comparison | None, blame: BlameResult) -> ArmResult:
    arm = blaming.asked.asked.arms[0]
    if comparison is None:
        return ArmResult(arm.name, dict(arm.parameters), conclusion_of(blame).value, "", [], [])
    session = comparison.session
    findings = {place: _executions(blaming, comparison, place) for place in (GOOD, BAD)}
    return arm_of(arm, session.releases[:2], findings, blame, session.calibrations.get(arm.name))


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
        machine=_machine(comparison) if comparison else {},
        python=python,
    )
    if comparison is None or answer is None:
        return facts
    facts = replace(
        facts,
        ties=[
            TieResult(sorted(one.applied), sorted(one.needed), one.requirement)
            for one in comparison.locks.ties()
        ],
        steps=[step_result(one) for one in comparison.steps],
        executions=answer.executions + sum(step.forced for step in comparison.steps),
    )
    return with_answer(facts, comparison.changes, answer, blaming.splits, blaming.loaded)


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
        here=plain_platform(lock.platform) if lock else "",
        stood_in=[one.to_dict() for one in rebuilt.stood_in],
        left_out=[one.to_dict() for one in rebuilt.left_out],
        held=list(rebuilt.held),
        unresolvable="" if isinstance(rebuilt.lock, Lock) else rebuilt.lock.reason,
        contradictions=[str(one) for one in comparison.locks.contradictions[place]] if comparison else [],
    )


def _unread(given: str) -> EnvironmentResult:
    return EnvironmentResult(given=given, kind="", lock=None, packages=0)


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


def _machine(comparison: Comparison) -> dict[str, str]:
    interpreter = comparison.session.interpreter
    own = {"Python": interpreter.version, "platform": plain_platform(interpreter.platform)}
    return {**own, "processor": processor(), **training_variables()}


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
