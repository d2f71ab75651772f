"""A cause confirmed both ways: each side of a boundary is given the other side's property, and judged again.

Where the bad side with the good side's property trains well, the property cures; where the good side with the bad
side's property fails, it breaks. Both: the cause is confirmed. One alone: supported. Neither: refuted, and the
next group is tried. Where no verdict changes, to be cured or broken is to train as the other side does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.cause.bench import Bench, Trial
from harness.report.attribution import AttemptResult, DifferenceResult, TrialResult
from harness.traces.compare import beyond, first_difference
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cause.groups import Group
    from harness.scenario import Arm
    from harness.sessions.finding import Finding

MOST_TRIED = 8
"""Groups tried at a boundary."""
CONFIRMED, SUPPORTED, REFUTED, NOT_APPLICABLE = "confirmed", "supported", "refuted", "not applicable"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two sides of a boundary in one arm.

    Attributes:
        older, newer: Positions of the releases.
        before, after: What they did, untouched.
        good_is_older: Which side is the one to be restored.
        by_verdict: Whether the verdict or the failure differs; else the traces do.
        noise: Distance of repeated executions, a signal; empty where they are equal bit for bit.
    """

    arm: Arm
    older: int
    newer: int
    before: Finding
    after: Finding
    good_is_older: bool
    by_verdict: bool
    noise: Mapping[str, float] = field(default_factory=dict)


def search(pair: Pair, groups: Sequence[Group], bench: Bench) -> list[AttemptResult]:
    """Try group after group until one is confirmed; if none is by itself, try all together."""
    possible = [group for group in groups if group.transplantable][:MOST_TRIED]
    attempts = []
    for group in possible:
        attempts.append(attempt(pair, [group], bench))
        if attempts[-1].status == CONFIRMED:
            return attempts
    if len(possible) > 1:
        attempts.append(attempt(pair, possible, bench))
    return attempts


def attempt(pair: Pair, groups: Sequence[Group], bench: Bench) -> AttemptResult:
    """Exchange the groups' properties between the sides, in both directions."""
    to_older = {"transplant": [group.given(group.after) for group in groups]}
    to_newer = {"transplant": [group.given(group.before) for group in groups]}
    label = "transplant " + ", ".join(group.key or group.kind for group in groups)
    trials = [
        Trial(pair.arm, pair.older, label, instructions=to_older),
        Trial(pair.arm, pair.newer, label, instructions=to_newer),
    ]
    older, newer = bench.execute(trials)
    results = {
        True: _result(pair, trials[0], older, bench, itself=pair.before, other=pair.after),
        False: _result(pair, trials[1], newer, bench, itself=pair.after, other=pair.before),
    }
    cure, breaks = results[not pair.good_is_older], results[pair.good_is_older]
    return AttemptResult(
        status=status(cure.as_other, breaks.as_other),
        differences=[difference(group) for group in groups],
        cure=cure,
        breaks=breaks,
    )


def status(cures: bool | None, breaks: bool | None) -> str:
    """Return what two transplants say together; None is one that could not be done."""
    if cures and breaks:
        return CONFIRMED
    if cures or breaks:
        return SUPPORTED
    return NOT_APPLICABLE if cures is None or breaks is None else REFUTED


def difference(group: Group) -> DifferenceResult:
    """Return a group as the report has it."""
    return DifferenceResult(
        text=str(group),
        kind=group.kind,
        key=group.key,
        before=group.before,
        after=group.after,
        names=list(group.names),
        count=group.count,
        transplantable=group.transplantable,
    )


def _result(
    pair: Pair, trial: Trial, found: Finding, bench: Bench, *, itself: Finding, other: Finding
) -> TrialResult:
    equal = _same_trace(pair, found, other)
    judged = found.verdict in (Verdict.GOOD, Verdict.BAD)
    identical = not itself.identity or found.identity == itself.identity
    done = judged and identical and (not _raised(found) or _raised(other))
    as_other = found.judgement.same_end(other.judgement, anywhere=True) if pair.by_verdict else equal
    return TrialResult(
        release=bench.session.releases[trial.position].version,
        verdict=found.verdict.value,
        reason=found.judgement.reason,
        as_other=as_other if done else None,
        equal_trace=equal,
        probe=found.result.probe if found.result else None,
        trace=found.trace_digest,
    )


def _same_trace(pair: Pair, one: Finding, other: Finding) -> bool:
    if not one.trace_digest or not other.trace_digest:
        return False
    if pair.noise:
        return not beyond(other.trace, one.trace, pair.noise)
    return first_difference(one.trace, other.trace) is None


def _raised(finding: Finding) -> bool:
    fingerprint: Any = finding.judgement.fingerprint
    return fingerprint is not None and fingerprint.kind == "exception"
