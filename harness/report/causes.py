"""What is said of a cause, made from the exchanges that were tried; and why none is sought where none is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from harness.report.boundaries import BY_VERDICT, verdict_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.attribution import AttemptResult, CauseResult
    from harness.report.model import ArmResult, Report

_RANK = ("confirmed", "supported", "not applicable", "refuted")


class CauseSearch(StrEnum):
    """Whether a run looked for causes, and why it did not."""

    SOUGHT = "sought"
    NOT_ASKED = "not-asked"
    MACHINE = "machine"
    """As older versions of the harness had it: what a machine does was not explained."""
    NO_SCRIPT = "no-script"
    NO_CENSUS = "no-census"


_WHY_NOT = {
    CauseSearch.NOT_ASKED: "as asked with --no-cause",
    CauseSearch.MACHINE: "what a machine does is no property of a model that could be exchanged",
    CauseSearch.NO_SCRIPT: "what takes time or memory is seen in a Python script, and the job is none",
    CauseSearch.NO_CENSUS: (
        "the job hands no model to a recorder, so no property is known that could be exchanged between both sides"
    ),
}


def not_sought(report: Report) -> str:
    """Return why no cause is sought, as a sentence; empty where it was, where nothing changed, or if not known."""
    changed = any(verdict_changes(arm) for arm in report.arms)
    why = _WHY_NOT.get(CauseSearch(report.cause_search)) if report.cause_search and changed else None
    return f"No cause was sought: {why}" if why else ""


def best(attempts: Sequence[AttemptResult]) -> AttemptResult | None:
    """Return the attempt that proves most; None without any."""
    return min(attempts, key=lambda attempt: _RANK.index(attempt.status), default=None)


def sentence(attempt: AttemptResult | None, *, by_verdict: bool) -> str:
    """Return what the best attempt proves, for a person to quote.

    Args:
        attempt: The best one; None if nothing could be exchanged.
        by_verdict: The sides differ in verdict, not in their traces alone.
    """
    if attempt is None:
        return "Cause unknown: the census before training tells no difference that could be exchanged"
    if attempt.status == "refuted":
        return "Cause unknown: every census difference that could be exchanged was refuted"
    if attempt.status == "not applicable":
        reason = attempt.cure.reason if attempt.cure.as_other is None else attempt.breaks.reason
        return f"Cause unknown: the exchange could not be done ({reason})"
    one_way = ", one way only" if attempt.status == "supported" else ""
    return f"Cause {attempt.status}{one_way}: {what(attempt)}; {_proof(attempt, by_verdict=by_verdict)}"


def what(attempt: AttemptResult) -> str:
    """Return the properties that were exchanged."""
    return " and ".join(difference.text for difference in attempt.differences)


def explained(cause: CauseResult) -> tuple[str, str]:
    """Return the properties that make the difference, and what shows it; both empty if the cause is not known."""
    attempt = best(cause.attempts)
    if attempt is None or attempt.status not in {"confirmed", "supported"}:
        return "", ""
    return what(attempt), _proof(attempt, by_verdict=cause.signal in BY_VERDICT)


def of_the_break(report: Report, arm: ArmResult) -> CauseResult | None:
    """Return the cause of an arm's newest break, without one that of its newest change; None if there is none."""
    disputed = {(one.before, one.after) for one in arm.boundaries if one.disputed}
    own = [
        cause
        for cause in report.cause
        if cause.arm == arm.name and cause.signal == "verdict" and (cause.before, cause.after) not in disputed
    ]
    breaks = [cause for cause in own if cause.kind == "regressed"]
    return next(reversed(breaks or own), None)


def head(cause: CauseResult, arm: ArmResult) -> str:
    """Return how a sentence about a cause begins; with several changes it says which one it speaks about."""
    if len(verdict_changes(arm)) < 2:
        return f"Cause {cause.status}"
    change = "break" if cause.kind == "regressed" else "repair"
    return f"Cause of the {change} with {cause.after}, {cause.status}"


def _proof(attempt: AttemptResult, *, by_verdict: bool) -> str:
    cure, breaks = attempt.cure, attempt.breaks
    if attempt.status == "supported":
        return f"undoing it cures {cure.release}" if cure.as_other else f"copying it breaks {breaks.release}"
    if by_verdict and cure.verdict != breaks.verdict:
        return f"with the other side's, {cure.release} trains well and {breaks.release} breaks"
    alike = "fails" if by_verdict else "trains"
    return f"with the other side's, {cure.release} {alike} as {breaks.release} does, and the reverse"
