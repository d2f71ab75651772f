"""From the findings of one arm to its part of the report: the map of all boundaries and one conclusion."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.report.boundaries import BY_TRAINING, BY_VERDICT
from harness.report.inferred import inferred, of_prefix
from harness.report.lines import deepest_line
from harness.report.model import ArmResult, BoundaryResult, ReleaseResult
from harness.report.sentences import sentence
from harness.report.tests import ChangeOfTests, GroupOfTests, TestsResult
from harness.sessions.finding import Finding, executions
from harness.sessions.test_arms import arms_of_tests
from harness.traces.census import census_differences, renamed
from harness.traces.compare import first_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.releases.release import Release
    from harness.scenario import Arm
    from harness.search import Answer
    from harness.search.boundaries import Boundary
    from harness.sessions.arm_map import ArmMap
    from harness.sessions.hash_seeds import HashSeedDependence
    from harness.sessions.interleaved import Direct
    from harness.sessions.test_arms import ArmOfTest
    from harness.verdicts.calibration import Calibration


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
        **{signal: found.boundaries(signal) for signal in BY_TRAINING},
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
        release_result(release, finding, repeats, command, package)
        for release, finding, repeats, command in zip(
            releases, found.firsts, found.repeats, commands, strict=True
        )
    ]
    rows = with_prefixes(rows, found)
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
        tests=result_of_tests(releases, found),
    )


def with_prefixes(rows: Sequence[ReleaseResult], found: ArmMap) -> list[ReleaseResult]:
    """Return the rows of an arm with what first steps showed, and which executed release stands for which other one."""
    standing = found.inferred()
    said = list(rows)
    for position, seen in found.prefixes.items():
        row, like = rows[position], standing.get(position)
        stood = ("", "") if like is None else (rows[like].version, rows[like].verdict)
        prefix = replace(seen, like=stood[0], verdict=stood[1])
        if row.verdict == "untested":
            row = replace(row, reason=of_prefix(prefix), inferred=inferred(prefix))
        said[position] = replace(row, prefix=prefix)
    return said


def result_of_tests(releases: Sequence[Release], found: ArmMap) -> TestsResult | None:
    """Return what became of each test, grouped where that is equal; None where pytest did not run."""
    arms = arms_of_tests(found.firsts, found.repeats)
    if not arms:
        return None
    versions = [release.version for release in releases]
    groups: dict[tuple[object, ...], GroupOfTests] = {}
    for arm in arms:
        changes = [_change_of_tests(arm, one, versions) for one in arm.boundaries]
        verdicts = [judged.verdict.value for judged in arm.outcomes]
        fingerprints = [
            arm.outcomes[one.after if one.kind == "regressed" else one.before].fingerprint
            for one in arm.boundaries
        ]
        key = (*verdicts, *fingerprints, *(one.confirmed for one in arm.boundaries))
        groups.setdefault(key, GroupOfTests([], verdicts, changes)).tests.append(arm.node)
    ordered = sorted(groups.values(), key=lambda group: _first_change(group, versions))
    flaky = {arm.node: [versions[position] for position in arm.flaky] for arm in arms if arm.flaky}
    return TestsResult(versions, ordered, flaky)


def _change_of_tests(arm: ArmOfTest, boundary: Boundary, versions: Sequence[str]) -> ChangeOfTests:
    return ChangeOfTests(
        kind=boundary.kind,
        before=versions[boundary.before],
        after=versions[boundary.after],
        skipped=[versions[position] for position in boundary.skipped],
        untested=[versions[position] for position in boundary.untested],
        confirmed=boundary.confirmed,
        reason=arm.outcomes[boundary.after if boundary.kind == "regressed" else boundary.before].reason,
    )


def _first_change(group: GroupOfTests, versions: Sequence[str]) -> tuple[int, int]:
    """Return what groups are ordered by: those that change first, the earliest change and the largest group before."""
    first = versions.index(group.changes[0].after) if group.changes else len(versions)
    return first, -len(group.tests)


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
        repeated_steps=found.repeated_steps(boundary, signal),
    )


def compared_directly(boundary: BoundaryResult, direct: Direct | None) -> BoundaryResult:
    """Return a boundary with how its sides compare directly; only sides that differ are confirmed."""
    if direct is None:
        return boundary
    confirmed = boundary.confirmed and direct.differ
    details = [*boundary.details, f"{boundary.after} beside {boundary.before}: {direct.judgement.reason}"]
    return replace(boundary, confirmed=confirmed, details=details, direct=direct.to_dict())


def _details(signal: str, before: Finding, after: Finding) -> list[str]:
    if signal in BY_VERDICT:
        return [before.judgement.reason, after.judgement.reason]
    if signal == "census":
        old, new = before.trace.census, after.trace.census
        return census_differences(old, new) + renamed(old, new) if old and new else []
    difference = first_difference(before.trace, after.trace)
    return [str(difference)] if difference else []


def release_result(
    release: Release, finding: Finding, repeats: Sequence[Finding], command: str, package: str
) -> ReleaseResult:
    """Return what the report says of one release.

    Args:
        release: Which one.
        finding: What stands for it.
        repeats: All its further executions.
        command: How it is probed again by hand.
        package: The package under test.
    """
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
        raised_at=deepest_line(finding.trace.error, package),
    )


def _notes(
    found: ArmMap, calibration: Calibration | None, dependence: HashSeedDependence | None
) -> list[str]:
    notes = [calibration.chosen()] if calibration and calibration.passed_over else []
    notes += [dependence.sentence()] if dependence else []
    if found.deterministic is False:
        notes.append("repeated executions differ, so traces count as different only beyond that noise")
    return notes
