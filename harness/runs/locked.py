"""What the locks of a run say of its boundaries: which packages differ between the two sides."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.locks.files import lock_content
from harness.locks.lock import Lock, differences, parse_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.cause.dependencies import Place
    from harness.report.model import BoundaryResult, ReleaseResult, Report
    from harness.report.opened import DependencyAnswer


def with_moves(
    report: Report, locks: Mapping[str, Lock], opened: Mapping[Place, DependencyAnswer] | None = None
) -> Report:
    """Return the report with the difference of both sides' locks in every boundary where both are known.

    Args:
        report: Without, or with older ones.
        locks: {version: lock}.
        opened: {place: which of the differences does it}, where that was asked; None leaves what the report has.
    """
    arms = []
    for arm in report.arms:
        boundaries = [_with_moves(one, report.package, locks) for one in arm.boundaries]
        if opened is not None:
            boundaries = [
                replace(one, dependencies=opened.get((arm.name, one.signal, one.before, one.after)))
                for one in boundaries
            ]
        arms.append(replace(arm, boundaries=boundaries))
    return replace(report, arms=arms)


def with_raised(report: Report, locks: Mapping[str, Lock]) -> Report:
    """Return the report with the version of the package that raised each error, as far as a lock tells it.

    Args:
        report: Without, or with older ones.
        locks: {version: lock}.
    """
    arms = [
        replace(arm, releases=[_with_raised(release, locks) for release in arm.releases])
        for arm in report.arms
    ]
    return replace(report, arms=arms)


def _with_raised(release: ReleaseResult, locks: Mapping[str, Lock]) -> ReleaseResult:
    lock = locks.get(release.version)
    if not release.raised_in or lock is None:
        return release
    return replace(release, raised_version=lock.versions().get(canonicalize_name(release.raised_in), ""))


def sides(report: Report) -> set[str]:
    """Return the versions whose locks a report speaks of: those beside any boundary, and those that raised an error."""
    found = [boundary for arm in report.arms for boundary in arm.boundaries]
    raised = {release.version for arm in report.arms for release in arm.releases if release.raised_in}
    return raised | {side for boundary in found for side in (boundary.before, boundary.after)}


def read_locks(folder: Path, versions: Iterable[str]) -> dict[str, Lock]:
    """Return {version: lock} as a run's folder has them; a release without a lock, or with a damaged one, is left out."""
    found = {}
    for version in versions:
        path = folder / "locks" / f"{version}.txt"
        content = lock_content(path.read_bytes().decode("utf-8", "replace")) if path.is_file() else None
        if content is not None:
            found[version] = parse_lock(content)
    return found


def _with_moves(boundary: BoundaryResult, package: str, locks: Mapping[str, Lock]) -> BoundaryResult:
    if boundary.before not in locks or boundary.after not in locks:
        return boundary
    found = differences(locks[boundary.before], locks[boundary.after])
    found.sort(key=lambda move: move.name != package)
    return replace(boundary, moves=[asdict(move) for move in found])
