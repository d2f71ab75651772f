"""From the findings of one arm to its part of the report: the map of all boundaries and one conclusion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.report.model import ArmResult, BoundaryResult, ReleaseResult
from harness.runs.answer import sentence
from harness.runs.finding import Finding
from harness.search.boundaries import Boundary, changes, conclude, verdict_changes
from harness.traces.census import census_differences, renamed
from harness.traces.compare import beyond, first_difference, noise_floor
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.releases.release import Release
    from harness.scenario import Arm

SIGNALS = ("verdict", "census", "trace")

Findings = dict[int, dict[int, Finding]]
"""{position of the release: {repeat: finding}}."""


@dataclass(frozen=True, slots=True)
class ArmMap:
    """The findings of one arm over all releases, in order.

    Attributes:
        firsts: The first execution of each release; untested where there is none.
        repeats: Further executions of each release.
        traces: A label for each release, equal where the traces are; None without a training.
    """

    firsts: Sequence[Finding]
    repeats: Sequence[Sequence[Finding]]
    traces: Sequence[str | None]
    deterministic: bool | None

    def boundaries(self, signal: str) -> list[Boundary]:
        """Return all boundaries in one signal."""
        if signal == "verdict":
            return verdict_changes([finding.verdict for finding in self.firsts])
        if signal == "census":
            return changes([finding.census for finding in self.firsts])
        return changes(self.traces)

    def sides(self) -> set[int]:
        """Return the positions next to any boundary: those that must be executed again."""
        found = [boundary for signal in SIGNALS for boundary in self.boundaries(signal)]
        return {side for boundary in found for side in (boundary.before, boundary.after)}

    def confirmed(self, boundary: Boundary, signal: str) -> bool:
        """Tell whether both sides were executed again and gave the same signal again."""
        return all(self._again(side, signal) for side in (boundary.before, boundary.after))

    def _again(self, position: int, signal: str) -> bool:
        first, repeats = self.firsts[position], self.repeats[position]
        if not repeats:
            return False
        if signal == "verdict":
            return all(_same_verdict(first.judgement, repeat.judgement) for repeat in repeats)
        if signal == "census":
            return all(repeat.census == first.census for repeat in repeats)
        return self.deterministic is False or all(
            repeat.trace_digest == first.trace_digest for repeat in repeats
        )


def arrange(count: int, findings: Findings) -> ArmMap:
    """Put the findings in order, with everything that was not an identical job turned into a skip.

    Args:
        count: Number of releases.
        findings: What was executed.
    """
    findings = _only_identical(findings)
    nothing = Finding(Judgement(Verdict.UNTESTED, "not executed"))
    firsts = [findings.get(position, {}).get(0, nothing) for position in range(count)]
    repeats = [
        [finding for repeat, finding in sorted(findings.get(position, {}).items()) if repeat > 0]
        for position in range(count)
    ]
    deterministic = _deterministic(firsts, repeats)
    return ArmMap(firsts, repeats, _trace_labels(firsts, repeats, deterministic=deterministic), deterministic)


def arm_result(arm: Arm, releases: Sequence[Release], found: ArmMap, commands: Sequence[str]) -> ArmResult:
    """Return what the report says of one arm.

    Args:
        arm: Its name and settings.
        releases: Oldest first.
        found: The findings.
        commands: How each release is probed again by hand.
    """
    boundaries = [
        _boundary(signal, boundary, releases, found)
        for signal in SIGNALS
        for boundary in found.boundaries(signal)
    ]
    conclusion = conclude([finding.verdict for finding in found.firsts])
    rows = [
        _release(release, finding, repeats, command)
        for release, finding, repeats, command in zip(
            releases, found.firsts, found.repeats, commands, strict=True
        )
    ]
    return ArmResult(
        name=arm.name,
        parameters=dict(arm.parameters),
        conclusion=conclusion.value,
        answer=sentence(conclusion, boundaries, rows),
        boundaries=boundaries,
        releases=rows,
        deterministic=found.deterministic,
        notes=_notes(found),
    )


def _only_identical(findings: Findings) -> Findings:
    """Turn every execution that did not start as most others did into a skip: it is no evidence."""
    seen = [
        finding.identity
        for position in sorted(findings, reverse=True)
        for finding in findings[position].values()
        if finding.identity
    ]
    usual = Counter(seen).most_common(1)[0][0] if seen else None
    reason = "not identical: start values or batches differ from those of most other releases"
    skipped = Judgement(Verdict.SKIP, reason)
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
        confirmed=found.confirmed(boundary, signal),
        details=_details(signal, before, after),
    )


def _details(signal: str, before: Finding, after: Finding) -> list[str]:
    if signal == "verdict":
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
        executions=_executions([finding, *repeats]),
        command=command,
    )


def _executions(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"probe": one.result.probe, "repeat": one.result.repeat, "seed": seed, "verdict": one.verdict.value}
        for finding in findings
        for seed, one in enumerate(finding.seeds())
        if one.result is not None
    ]


def _same_verdict(one: Judgement, other: Judgement) -> bool:
    if one.verdict != other.verdict:
        return False
    return one.fingerprint is None or one.fingerprint.same_failure(other.fingerprint)


def _notes(found: ArmMap) -> list[str]:
    if found.deterministic is False:
        return ["repeated executions differ, so traces count as different only beyond that noise"]
    return []
