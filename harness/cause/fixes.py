"""Remedies tried: each changes settings of the job, on chosen releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cause.bench import Bench, Trial
from harness.report.attribution import CellResult, MatrixResult, RemedyResult
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.scenario import Arm, Fix
    from harness.search.boundaries import Boundary
    from harness.sessions.arm_map import ArmMap
    from harness.sessions.finding import Finding

CURES, NO_EFFECT, WORSE, ERROR, NOT_APPLICABLE = "cures", "no effect", "worse", "error", "not applicable"


def matrix(
    arm: Arm, found: ArmMap, chosen: Sequence[int], fixes: Sequence[Fix], bench: Bench
) -> MatrixResult | None:
    """Try all remedies of an arm; None if nothing there needs one.

    Args:
        arm: Where.
        found: The findings without a remedy.
        chosen: Positions of the releases to try on, as `columns` or `broken` returns them.
        fixes: The remedies.
        bench: Executes.
    """
    if not chosen or not fixes or all(finding.verdict != Verdict.BAD for finding in found.firsts):
        return None
    versions = [release.version for release in bench.session.releases]
    tried = trials(arm, chosen, fixes)
    findings = dict(zip(tried, bench.execute(list(tried.values())), strict=True))
    remedies = []
    for fix in fixes:
        cells = []
        for position in chosen:
            before = found.firsts[position]
            if fix.last_good:
                cells.append(_pinned(found, versions, position))
            elif (fix.name, position) in findings:
                cells.append(cell(versions[position], before, findings[fix.name, position]))
            else:
                cells.append(_not_applicable(versions[position], before, why_not(fix, arm)))
        remedies.append(RemedyResult(fix.name, fix.description, fix.by, dict(fix.settings), cells))
    return MatrixResult(
        arm=arm.name,
        releases=[versions[position] for position in chosen],
        baseline=[found.firsts[position].verdict.value for position in chosen],
        remedies=remedies,
    )


def trials(arm: Arm, chosen: Sequence[int], fixes: Sequence[Fix]) -> dict[tuple[str, int], Trial]:
    """Return {(remedy, position): its execution}; remedies that change nothing in an arm have none."""
    return {
        (fix.name, position): Trial(arm, position, fix.name, settings=fix.settings)
        for fix in fixes
        for position in chosen
        if not why_not(fix, arm)
    }


def broken(found: ArmMap, verdicts: Sequence[Boundary]) -> list[int]:
    """Return the positions of the newest bad release, and of the first bad one behind the newest regression."""
    bad = [place for place, finding in enumerate(found.firsts) if finding.verdict == Verdict.BAD]
    regressed = [boundary.after for boundary in verdicts if boundary.kind == "regressed"]
    return sorted({*bad[-1:], *(place for place in regressed[-1:] if place in bad)})


def columns(found: ArmMap, verdicts: Sequence[Boundary]) -> list[int]:
    """Return the positions to try on: the sides of the verdict boundaries, else of all, and the newest release."""
    boundaries = verdicts or found.boundaries("census") + found.boundaries("trace")
    sides = {side for boundary in boundaries for side in (boundary.before, boundary.after)}
    tested = [
        place for place, finding in enumerate(found.firsts) if finding.verdict in (Verdict.GOOD, Verdict.BAD)
    ]
    return sorted(sides | set(tested[-1:]))


def why_not(fix: Fix, arm: Arm) -> str:
    """Return why a remedy changes nothing in an arm, or an empty string."""
    if fix.last_good:
        return "it takes another release"
    if fix.arms and arm.name not in fix.arms:
        return "it is meant for other arms"
    if all(arm.parameters.get(name) == value for name, value in fix.settings.items()):
        return "the arm does this already"
    return ""


def cell(release: str, before: Finding, after: Finding) -> CellResult:
    """Say what a remedy did to one release."""
    outcome, note = judged(before, after)
    return CellResult(
        release=release,
        outcome=outcome,
        note=note,
        verdict=after.verdict.value,
        reason=after.judgement.reason,
        probe=after.result.probe if after.result else None,
        trace=after.trace_digest,
    )


def judged(before: Finding, after: Finding) -> tuple[str, str]:
    """Return (outcome, note) of a release without and with a remedy."""
    fingerprint, reason = after.judgement.fingerprint, after.judgement.reason
    if after.verdict == Verdict.SKIP:
        return NOT_APPLICABLE, reason.removeprefix("error before training: ")
    if fingerprint is not None and fingerprint.kind == "exception":
        return ERROR, fingerprint.exception or "error"
    if before.verdict == Verdict.GOOD:
        return (NO_EFFECT, "stays good") if after.verdict == Verdict.GOOD else (WORSE, _said(after))
    if after.verdict == Verdict.GOOD:
        return CURES, "good"
    return NO_EFFECT, _said(after) if _said(after) != _said(before) else "fails as before"


def _said(finding: Finding) -> str:
    fingerprint = finding.judgement.fingerprint
    if fingerprint is None:
        return finding.judgement.reason
    return fingerprint.kind + (f" at step {fingerprint.step}" if fingerprint.step else "")


def _pinned(found: ArmMap, versions: Sequence[str], position: int) -> CellResult:
    """Say what the last good release before a bad one does; it was executed already."""
    before = found.firsts[position]
    good = [place for place in range(position) if found.firsts[place].verdict == Verdict.GOOD]
    if before.verdict != Verdict.BAD:
        return _not_applicable(versions[position], before, "this release is good")
    if not good:
        return _not_applicable(versions[position], before, "no earlier release is good")
    pinned = found.firsts[good[-1]]
    result = cell(versions[position], before, pinned)
    return CellResult(
        result.release,
        CURES,
        f"{versions[good[-1]]} is good",
        result.verdict,
        result.reason,
        result.probe,
        result.trace,
    )


def _not_applicable(release: str, before: Finding, why: str) -> CellResult:
    return CellResult(release, NOT_APPLICABLE, why, before.verdict.value, before.judgement.reason)
