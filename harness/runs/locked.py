"""What the locks of a run say of its boundaries: which packages differ between the two sides."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from harness.locks.lock import Lock, differences, parse_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.report.model import BoundaryResult, Report


def with_moves(report: Report, locks: Mapping[str, Lock]) -> Report:
    """Return the report with the difference of both sides' locks in every boundary where both are known.

    Args:
        report: Without, or with older ones.
        locks: {version: lock}.
    """
    arms = [
        replace(arm, boundaries=[_with_moves(boundary, report.package, locks) for boundary in arm.boundaries])
        for arm in report.arms
    ]
    return replace(report, arms=arms)


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
