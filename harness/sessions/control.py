"""An execution held against the control arm's of the same release: one process with the same batch says what is right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sessions.finding import Finding
from harness.verdicts.oracles import with_defaults
from harness.verdicts.same_as import KIND, floor_of, judge_same
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.probes.store import Result
    from harness.scenario import Arm
    from harness.sessions.session import Session


def has_control(arm: Arm, oracle: Mapping[str, Any]) -> bool:
    """Tell whether an arm is compared with another one of the same release."""
    return bool(oracle["kind"] == KIND and (arm.of or arm.name) != oracle["arm"])


def compare_with_control(
    session: Session, arm: Arm, position: int, findings: Sequence[Finding], repeat: int
) -> list[Finding]:
    """Return findings of an arm, judged beside the control's, seed by seed.

    Where they differ, both arms are executed once more: what two executions of one arm differ by is no difference.

    Raises:
        HarnessError: Something around the probes failed.
    """
    oracle = session.asked.scenario.oracle
    if any(finding.verdict != Verdict.GOOD for finding in findings):
        return list(findings)
    control = _control(session, arm)
    others = session.judged(session.probes(control, position, repeat), position)
    if isinstance(others, Finding):
        return [replace(finding, judgement=others.judgement) for finding in findings]
    judged = [_judged(one, [other], oracle) for one, other in zip(findings, others, strict=True)]
    if all(finding.verdict != Verdict.BAD for finding in judged):
        return judged
    again = session.judged(session.probes(arm, position, repeat + 1), position)
    others_again = session.judged(session.probes(control, position, repeat + 1), position)
    if isinstance(again, Finding) or isinstance(others_again, Finding):
        return judged
    columns = zip(findings, others, again, others_again, strict=True)
    return [_judged(one, rest, oracle) for one, *rest in columns]


def _judged(finding: Finding, beside: Sequence[Finding], oracle: Mapping[str, Any]) -> Finding:
    """Return a finding judged beside the control's, and beside the second ones of the arm and of the control."""
    results = tuple(one.result for one in beside if one.result is not None)
    place, bad = next(((at, one) for at, one in enumerate(beside) if one.verdict != Verdict.GOOD), (0, None))
    if bad is not None:
        control = f"arm {oracle['arm']}, which it is compared with,"
        which = (f"{control} is", "it is, executed again,", f"{control} is, executed again,")[place]
        said = f"{which} {bad.verdict}: {bad.judgement.reason}"
        judgement = Judgement(Verdict.SKIP, said, skip_kind=SkipKind.NOT_COMPARABLE)
        return replace(finding, judgement=judgement, beside=results)
    return replace(finding, judgement=judge_beside_control(finding, results, oracle), beside=results)


def judge_beside_control(finding: Finding, beside: Sequence[Result], oracle: Mapping[str, Any]) -> Judgement:
    """Return the verdict of an execution by what is stored of the control, and of one more execution of both.

    Args:
        finding: Of the execution.
        beside: The control's result; then, if there are any, the second ones of the arm and of the control.
        oracle: Its settings.
    """
    settings = with_defaults(oracle)
    other, *more = (result.trace() for result in beside)
    floor = None
    if more:
        floor = max(floor_of(finding.trace, more[0], settings), floor_of(other, more[1], settings))
    return judge_same(finding.trace, other, settings, floor)


def _control(session: Session, arm: Arm) -> Arm:
    """Return the control with all that sets an arm apart from what the scenario says of it: what is tried is tried in both."""
    scenario = session.asked.scenario
    plain = scenario.arms.get(arm.of or arm.name)
    before = plain.parameters if plain is not None else {}
    changed = {name: value for name, value in arm.parameters.items() if before.get(name) != value}
    control = scenario.arms[str(scenario.oracle["arm"])]
    return replace(
        control, parameters={**control.parameters, **changed}, instructions=arm.instructions, seeds=arm.seeds
    )
