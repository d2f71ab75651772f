"""From the findings of one arm to its part of the report: the map of all boundaries and one conclusion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.report.model import ArmResult, BoundaryResult, ReleaseResult
from harness.report.sentences import sentence
from harness.runs.finding import Finding
from harness.search.boundaries import Boundary, changes
from harness.traces.census import census_differences, renamed
from harness.traces.compare import beyond, first_difference, noise_floor
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.releases.release import Release
    from harness.runs.hash_seeds import HashSeedDependence
    from harness.runs.turns import Direct
    from harness.scenario import Arm
    from harness.search import Answer
    from harness.verdicts.calibration import Calibration

SIGNALS = ("census", "trace")
"""What is compared besides the verdict, whose boundaries the search finds."""

Findings = dict[int, dict[int, Finding]]
"""{position of the release: {repeat: finding}}."""


@dataclass(frozen=True, slots=True)
class ArmMap:
    """The findings of one arm over all releases, in order.

    Attributes:
        firsts: What stands for each release: the first execution with the verdict that most of them gave;
            untested where there is none.
        repeats: All further executions of each release.
        traces: A label for each release, equal where the traces are; None without a training.
    """

    firsts: Sequence[Finding]
    repeats: Sequence[Sequence[Finding]]
    traces: Sequence[str | None]
    deterministic: bool | None

    def boundaries(self, signal: str) -> list[Boundary]:
        """Return all boundaries in `census` or `trace`."""
        values = [finding.census for finding in self.firsts] if signal == "census" else self.traces
        untested = {place for place, one in enumerate(self.firsts) if one.verdict == Verdict.UNTESTED}
        return [
            replace(
                boundary,
                skipped=tuple(place for place in boundary.skipped if place not in untested),
                untested=tuple(place for place in boundary.skipped if place in untested),
                confirmed=self._again(boundary.before, signal) and self._again(boundary.after, signal),
            )
            for boundary in changes(values)
        ]

    def sides(self) -> set[int]:
        """Return the positions next to a boundary in census or trace that have no untested release between."""
        found = [boundary for signal in SIGNALS for boundary in self.boundaries(signal)]
        return {side for one in found if not one.untested for side in (one.before, one.after)}

    def _again(self, position: int, signal: str) -> bool:
        first, repeats = self.firsts[position], self.repeats[position]
        if signal == "census":
            return bool(repeats) and all(repeat.census == first.census for repeat in repeats)
        return bool(repeats) and (
            self.deterministic is False
            or all(repeat.trace_digest == first.trace_digest for repeat in repeats)
        )


def arrange(count: int, findings: Findings, verdicts: Sequence[Verdict] = ()) -> ArmMap:
    """Put the findings in order, with everything that was not an identical job turned into a skip.

    Args:
        count: Number of releases.
        findings: What was executed.
        verdicts: What the search decided of each release; by default what most of its executions gave.
    """
    findings = identical(findings)
    firsts, repeats = [], []
    for position in range(count):
        decided = verdicts[position] if verdicts else None
        first, others = representative(findings.get(position, {}), decided)
        firsts.append(first)
        repeats.append(others)
    deterministic = _deterministic(firsts, repeats)
    return ArmMap(firsts, repeats, _trace_labels(firsts, repeats, deterministic=deterministic), deterministic)


def representative(
    executions: Mapping[int, Finding], decided: Verdict | None = None
) -> tuple[Finding, list[Finding]]:
    """Return the execution that stands for a release, and all others.

    Args:
        executions: {repeat: finding}.
        decided: Verdict of the release; by default what most executions with a verdict gave.
    """
    ordered = [finding for _, finding in sorted(executions.items())]
    if not ordered:
        return Finding(Judgement(Verdict.UNTESTED, "not executed")), []
    votes = Counter(finding.verdict for finding in ordered)
    failures, judged = votes[Verdict.BAD], votes[Verdict.BAD] + votes[Verdict.GOOD]
    if not judged:
        return ordered[0], ordered[1:]
    usual = Verdict.BAD if failures > votes[Verdict.GOOD] else Verdict.GOOD
    if failures == votes[Verdict.GOOD]:
        usual = next(finding.verdict for finding in ordered if finding.verdict != Verdict.SKIP)
    verdict = decided if decided in (Verdict.GOOD, Verdict.BAD) else usual
    first = next((finding for finding in ordered if finding.verdict == verdict), None) or next(
        finding for finding in ordered if finding.verdict == usual
    )
    others = [finding for finding in ordered if finding is not first]
    if failures in (0, judged) and verdict == usual:
        return first, others
    return replace(first, judgement=_of_several(first.judgement, verdict, failures, judged)), others


def _of_several(judgement: Judgement, verdict: Verdict, failures: int, judged: int) -> Judgement:
    """Return the judgement of a release whose executions disagree, among each other or with what was decided."""
    counted = f"fails in {failures} of {judged} executions"
    if judgement.verdict == verdict:
        return replace(judgement, reason=f"{counted}: {judgement.reason}")
    return Judgement(verdict, f"{counted}, which is no change from its neighbours")


def arm_result(
    arm: Arm,
    releases: Sequence[Release],
    found: ArmMap,
    answer: Answer,
    *,
    package: str,
    commands: Sequence[str],
    searched: dict[str, Any],
    calibration: Calibration | None = None,
    dependence: HashSeedDependence | None = None,
    direct: Mapping[tuple[int, int], Direct] | None = None,
) -> ArmResult:
    """Return what the report says of one arm.

    Args:
        arm: Its name and settings.
        releases: Oldest first.
        found: The findings.
        answer: What the search concluded.
        package: The package under test.
        commands: How each release is probed again by hand.
        searched: Strategy and options of the search.
        calibration: What a metric was compared with.
        dependence: A release whose verdict depends on the hash seed; None where none is known.
        direct: {(older, newer side of a boundary): how they compare with each other directly}, where that was asked.
    """
    by_signal = {
        "verdict": answer.boundaries,
        "failure": answer.other_failures,
        **{signal: found.boundaries(signal) for signal in SIGNALS},
    }
    boundaries = [
        compared_directly(
            _boundary(signal, boundary, releases, found),
            (direct or {}).get((boundary.before, boundary.after)) if signal == "verdict" else None,
        )
        for signal, several in by_signal.items()
        for boundary in several
    ]
    rows = [
        _release(release, finding, repeats, command)
        for release, finding, repeats, command in zip(
            releases, found.firsts, found.repeats, commands, strict=True
        )
    ]
    return ArmResult(
        name=arm.name,
        parameters=dict(arm.parameters),
        conclusion=answer.conclusion.value,
        answer=sentence(package, arm.parameters, answer.conclusion, boundaries, rows),
        boundaries=boundaries,
        releases=rows,
        deterministic=found.deterministic,
        confidence=answer.confidence,
        support=answer.reason,
        search=searched,
        calibration=calibration.to_dict() if calibration else {},
        notes=[*answer.log, *_notes(found, calibration, dependence)],
        hash_seed=dependence.to_dict() if dependence else {},
    )


def identical(findings: Findings) -> Findings:
    """Turn every execution that did not start as most others did into a skip: it is no evidence."""
    seen = [
        finding.identity
        for position in sorted(findings, reverse=True)
        for finding in findings[position].values()
        if finding.identity
    ]
    usual = Counter(seen).most_common(1)[0][0] if seen else None
    reason = "not identical: start values or batches differ from those of most other releases"
    skipped = Judgement(Verdict.SKIP, reason, skip_kind=SkipKind.NOT_IDENTICAL)
    return {
        position: {
            repeat: replace(finding, judgement=skipped, trace_digest=None, census=None)
            if finding.identity not in (None, usual)
            else finding
            for repeat, finding in repeats.items()
        }
        for position, repeats in findings.items()
    }


def _deterministic(firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]]) -> bool | None:
    pairs = [
        (first.trace_digest, repeat.trace_digest)
        for first, again in zip(firsts, repeats, strict=True)
        for repeat in again
        if first.trace_digest and repeat.trace_digest
    ]
    return all(one == other for one, other in pairs) if pairs else None


def _trace_labels(
    firsts: Sequence[Finding], repeats: Sequence[Sequence[Finding]], *, deterministic: bool | None
) -> list[str | None]:
    if deterministic is not False:
        return [finding.trace_digest for finding in firsts]
    floor: dict[str, float] = {}
    for first, again in zip(firsts, repeats, strict=True):
        traces = [first.trace, *(finding.trace for finding in again)]
        for signal, value in noise_floor([trace for trace in traces if trace.steps]).items():
            floor[signal] = max(value, floor.get(signal, 0.0))
    labels: list[str | None] = []
    last: Finding | None = None
    for finding in firsts:
        if finding.trace_digest is None:
            labels.append(None)
            continue
        same = last is not None and not beyond(last.trace, finding.trace, floor)
        before = next((label for label in reversed(labels) if label is not None), None)
        labels.append(before if same else finding.trace_digest)
        last = finding
    return labels


def _boundary(signal: str, boundary: Boundary, releases: Sequence[Release], found: ArmMap) -> BoundaryResult:
    before, after = found.firsts[boundary.before], found.firsts[boundary.after]
    return BoundaryResult(
        kind=boundary.kind,
        signal=signal,
        before=releases[boundary.before].version,
        after=releases[boundary.after].version,
        skipped=[releases[position].version for position in boundary.skipped],
        untested=[releases[position].version for position in boundary.untested],
        confirmed=boundary.confirmed,
        details=_details(signal, before, after),
    )


def compared_directly(boundary: BoundaryResult, direct: Direct | None) -> BoundaryResult:
    """Return a boundary with how its sides compare directly; only sides that differ are confirmed."""
    if direct is None:
        return boundary
    confirmed = boundary.confirmed and direct.differ
    details = [*boundary.details, f"{boundary.after} beside {boundary.before}: {direct.judgement.reason}"]
    return replace(boundary, confirmed=confirmed, details=details, direct=direct.to_dict())


def _details(signal: str, before: Finding, after: Finding) -> list[str]:
    if signal in {"verdict", "failure"}:
        return [before.judgement.reason, after.judgement.reason]
    if signal == "census":
        old, new = before.trace.census, after.trace.census
        return census_differences(old, new) + renamed(old, new) if old and new else []
    difference = first_difference(before.trace, after.trace)
    return [str(difference)] if difference else []


def _release(release: Release, finding: Finding, repeats: Sequence[Finding], command: str) -> ReleaseResult:
    judgement, result = finding.judgement, finding.result
    timing = (finding.trace.end or {}).get("seconds") or {}
    return ReleaseResult(
        version=release.version,
        uploaded=release.uploaded,
        yanked=release.yanked,
        verdict=judgement.verdict.value,
        reason=judgement.reason,
        fingerprint=judgement.fingerprint.to_dict() if judgement.fingerprint else None,
        effect=judgement.effect.to_dict() if judgement.effect else None,
        lock=finding.lock,
        probe=result.probe if result else None,
        trace=finding.trace_digest,
        seconds={
            "environment": result.environment_seconds if result else None,
            "import": timing.get("import"),
            "training": timing.get("training"),
        },
        memory_peak=result.execution.memory_peak if result else None,
        repeats=[repeat.verdict.value for repeat in repeats],
        executions=executions([finding, *repeats]),
        command=command,
        skip_kind=judgement.skip_kind.value if judgement.skip_kind else "",
        module=judgement.module,
        raised_in=judgement.raised_in,
    )


def executions(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return executions as `ReleaseResult.executions` has them."""
    return [
        {
            "probe": one.result.probe,
            "repeat": one.result.repeat,
            "seed": seed,
            "hash_seed": one.result.hash_seed,
            "verdict": one.verdict.value,
            **({"turns": [turn.to_dict() for turn in finding.turns]} if finding.turns and not seed else {}),
        }
        for finding in findings
        for seed, one in enumerate(finding.seeds())
        if one.result is not None
    ]


def _notes(
    found: ArmMap, calibration: Calibration | None, dependence: HashSeedDependence | None
) -> list[str]:
    notes = [calibration.chosen()] if calibration and calibration.passed_over else []
    notes += [dependence.sentence()] if dependence else []
    if found.deterministic is False:
        notes.append("repeated executions differ, so traces count as different only beyond that noise")
    return notes
