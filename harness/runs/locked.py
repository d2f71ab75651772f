"""What the locks of a run say of its boundaries: which packages differ between the two sides."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from harness.locks.lock import Lock, differences, parse_lock
from harness.report.dependencies import others
from harness.runs.answer import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.report.model import ArmResult, BoundaryResult, Report
    from harness.report.opened import DependencyAnswer
    from harness.runs.dependencies import Place


def with_moves(
    report: Report, locks: Mapping[str, Lock], opened: Mapping[Place, DependencyAnswer] | None = None
) -> Report:
    """Return the report with the difference of both sides' locks in every boundary where both are known.

    The answers are worded again, for they name a release of the package under test only if it alone did it.

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
        arms.append(_worded(report.package, replace(arm, boundaries=boundaries)))
    return replace(report, arms=arms)


def _worded(package: str, arm: ArmResult) -> ArmResult:
    """Return an arm with its answer in words anew, if dependencies change at one of its boundaries."""
    if arm.fault or not any(others(one, package) for one in arm.boundaries):
        return arm
    said = sentence(package, arm.parameters, arm.conclusion, arm.boundaries, arm.releases)
    return replace(arm, answer=said)


def sides(report: Report) -> set[str]:
    """Return the versions beside any boundary."""
    found = [boundary for arm in report.arms for boundary in arm.boundaries]
    return {side for boundary in found for side in (boundary.before, boundary.after)}


def read_locks(folder: Path, versions: Iterable[str]) -> dict[str, Lock]:
    """Return {version: lock} as a run's folder has them; a release without a lock is left out."""
    found = {}
    for version in versions:
        try:
            found[version] = parse_lock((folder / "locks" / f"{version}.txt").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return found


def _with_moves(boundary: BoundaryResult, package: str, locks: Mapping[str, Lock]) -> BoundaryResult:
    if boundary.before not in locks or boundary.after not in locks:
        return boundary
    found = differences(locks[boundary.before], locks[boundary.after])
    found.sort(key=lambda move: move.name != package)
    return replace(boundary, moves=[asdict(move) for move in found])
