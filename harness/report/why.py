"""The section "Why": what was confirmed to make the difference at each place of change, and how it goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import profile
from harness.report.causes import explained, head, of_the_break
from harness.report.lines import by_side, did, place
from harness.report.operations import OperationsView
from harness.report.operations import view as operations_view
from harness.report.text import MINUS, NOTHING, anchor, arrows, capital, clean, number, one_line

if TYPE_CHECKING:
    from harness.report.attribution import (
        AttemptResult,
        CauseResult,
        LadderResult,
        LineResult,
        RungResult,
        TrialResult,
    )
    from harness.report.model import ArmResult, Report

TONES = {
    "confirmed": "good",
    "supported": "warn",
    "refuted": "plain",
    "not applicable": "plain",
    "unknown": "plain",
    "not confirmed": "plain",
}
MEANINGS = {
    "confirmed": "Exchanging the property between both sides cures the one and breaks the other.",
    "supported": "Exchanging the property changes one of the sides only.",
    "refuted": "Exchanging the property changes nothing.",
    "not applicable": "The exchange could not be done.",
    "unknown": "There was nothing that could be exchanged.",
    "not confirmed": "A profile of both sides shows it; no exchange proves it.",
}


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One release with the other side's property, in words; `as_other` is None where it could not be done."""

    release: str
    change: str
    verdict: str
    outcome: str
    reason: str
    probe: str
    as_other: bool | None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One exchange: what, its status, and what it did to either side."""

    text: str
    status: str
    tone: str
    meaning: str
    rows: list[TrialRow]


@dataclass(frozen=True, slots=True)
class RungView:
    """One line of the ladder; `mark` tells the first difference and the first non-finite tensor."""

    mark: str
    place: str
    name: str
    what: str
    dtypes: str
    ulps: str
    relative: str
    nonfinite: str
    differs: bool


@dataclass(frozen=True, slots=True)
class LadderView:
    """The ladder with one sentence on top."""

    sentence: str
    rungs: list[RungView]
    left_out: int


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of code that set the property: where, its text, what it did, who called it, what it called."""

    place: str
    text: str
    sentence: str
    last: bool
    stack: list[tuple[str, str]]
    below: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class CauseView:
    """What the page says of one place in one or more arms that agree."""

    id: str
    arms: list[str]
    cause: CauseResult
    tone: str
    meaning: str
    sentence: str
    attempts: list[AttemptView]
    ladder: LadderView | None
    decisive: bool
    lines: list[tuple[str, list[LineView]]]
    operations: OperationsView | None
    profile: profile.ProfileView | None


def causes(report: Report) -> list[tuple[str, str, list[CauseView]]]:
    """Return (before, after, views) of every place, those where a verdict changes first in each."""
    found: dict[tuple[str, str], dict[str, list[CauseResult]]] = {}
    for cause in report.cause:
        said = f"{cause.sentence} {cause.signal} {[one.rule for one in cause.mechanisms]}"
        found.setdefault((cause.before, cause.after), {}).setdefault(said, []).append(cause)
    return [
        (
            *sides,
            sorted(
                (_view(several, report.package) for several in alike.values()),
                key=lambda view: not view.decisive,
            ),
        )
        for sides, alike in found.items()
    ]


def cause_of(report: Report, arm: ArmResult) -> str:
    """Return what is known of the cause of an arm's newest break, as an addition to its answer; may be empty."""
    cause = of_the_break(report, arm)
    properties, proof = explained(cause) if cause else ("", "")
    if cause is not None and cause.profile:
        return f"{cause.sentence}."
    if cause is None or not properties:
        return ""
    one_way = ", one way only" if cause.status == "supported" else ""
    return f"{head(cause, arm)}{one_way}: {properties}; {proof}."


def confirmed_cause(report: Report, arm: ArmResult) -> tuple[str, str]:
    """Return what was confirmed to be the cause of an arm's newest break, and how; both empty without one."""
    cause = of_the_break(report, arm)
    if cause is None or cause.status != "confirmed":
        return "", ""
    properties, proof = explained(cause)
    return (f"{head(cause, arm)}: {properties}.", f"{capital(proof)}.") if properties else ("", "")


def _view(several: list[CauseResult], package: str) -> CauseView:
    cause = several[0]
    properties, proof = explained(cause)
    return CauseView(
        id=anchor("why", cause.before, cause.after, cause.arm),
        arms=[one.arm for one in several],
        cause=cause,
        tone=TONES[cause.status],
        meaning=MEANINGS[cause.status],
        sentence=capital(f"{properties}; {proof}") if properties else cause.sentence,
        attempts=[_attempt(cause, one) for one in cause.attempts],
        ladder=_ladder(cause.ladder, cause) if cause.ladder else None,
        decisive=cause.signal != "trace",
        lines=[(release, [_line(line, package) for line in side]) for release, side in by_side(cause)],
        operations=operations_view(cause),
        profile=profile.view(cause),
    )


def _line(line: LineResult, package: str) -> LineView:
    return LineView(
        place=place(line.code) if line.code else f"outside of {package}",
        text=clean(line.code.text, 400) if line.code else "",
        sentence=arrows(did(line)),
        last=line.last,
        stack=[(place(caller), one_line(caller.text, 240)) for caller in line.stack],
        below=(place(line.below), one_line(line.below.text, 240)) if line.below else None,
    )


def _attempt(cause: CauseResult, attempt: AttemptResult) -> AttemptView:
    rows = [_trial(cause, attempt, trial) for trial in (attempt.cure, attempt.breaks)]
    return AttemptView(
        text=arrows("; ".join(one.text for one in attempt.differences)),
        status=attempt.status,
        tone=TONES[attempt.status],
        meaning=MEANINGS[attempt.status],
        rows=rows,
    )


def _trial(cause: CauseResult, attempt: AttemptResult, trial: TrialResult) -> TrialRow:
    other = cause.before if trial.release == cause.after else cause.after
    if len(attempt.differences) == 1:
        one = attempt.differences[0]
        value = one.before if trial.release == cause.after else one.after
        change = f"{one.key or one.kind} {_value(value)}, as in {other}"
    else:
        change = f"all of it as in {other}"
    return TrialRow(
        release=trial.release,
        change=one_line(change, 120),
        verdict=trial.verdict,
        outcome=_outcome(trial, other, cures=trial is attempt.cure, by_verdict=cause.signal != "trace"),
        reason=one_line(trial.reason, 240),
        probe=trial.probe or "",
        as_other=trial.as_other,
    )


def _outcome(trial: TrialResult, other: str, *, cures: bool, by_verdict: bool) -> str:
    if trial.as_other is None:
        return "could not be done"
    same = f"trace equal to {other}" if trial.equal_trace else f"trace not that of {other}"
    if not by_verdict:
        return same
    if cures and trial.as_other and trial.verdict != "good":
        return f"fails as {other} does, {same}"
    word = ("cured" if cures else "broken") if trial.as_other else ("not cured" if cures else "not broken")
    return f"{word}, {same}"


def _value(value: object) -> str:
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _ladder(ladder: LadderResult, cause: CauseResult) -> LadderView:
    if ladder.first is None:
        said = f"All {ladder.equal_before} tensors of the deciding steps are equal."
        return LadderView(said, [], 0)
    first = ladder.rungs[ladder.first]
    said = f"{ladder.equal_before} tensors are equal; the first that differs is the {_named(first)}"
    if first.ulps is not None:
        said += f", by up to {number(first.ulps)} ulp of the coarser dtype"
    if ladder.first_nonfinite is not None:
        broken = ladder.rungs[ladder.first_nonfinite]
        side = cause.before if broken.nonfinite[0] else cause.after
        said += f". The first that is not finite is the {_named(broken)}, in {side}"
    beyond = " beyond the noise of repeated executions" if ladder.repeated else ""
    rungs = [_rung(rung, index, ladder) for index, rung in enumerate(ladder.rungs)]
    return LadderView(f"{said}{beyond}.", rungs, ladder.left_out)


def _named(rung: RungResult) -> str:
    what = {"output": "output" if rung.phase == "forward" else "gradient"}.get(rung.what, rung.what)
    return f"{what} of {one_line(rung.name, 80)} ({rung.phase}, step {rung.step})"


def _rung(rung: RungResult, index: int, ladder: LadderResult) -> RungView:
    marks = [
        *(["first difference"] if index == ladder.first else []),
        *(["first non-finite"] if index == ladder.first_nonfinite else []),
    ]
    dtypes = rung.dtypes[0] if rung.dtypes[0] == rung.dtypes[1] else " → ".join(rung.dtypes)
    broken = f"{rung.nonfinite[0]} → {rung.nonfinite[1]}" if any(rung.nonfinite) else ""
    return RungView(
        mark=", ".join(marks),
        place=f"{rung.step} {rung.phase}",
        name=one_line(rung.name, 80),
        what=f"{rung.what}{f' ({one_line(rung.module, 40)})' if rung.module else ''}",
        dtypes=dtypes,
        ulps=_figure(rung.ulps, differs=rung.differs),
        relative=_figure(rung.relative, differs=rung.differs),
        nonfinite=broken,
        differs=rung.differs,
    )


def _figure(value: float | str | None, *, differs: bool) -> str:
    if not differs:
        return "="
    return NOTHING if value is None else number(value).replace("-", MINUS)
