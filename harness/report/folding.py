"""Which releases share a column: where there are many, neighbours that say the same everywhere are folded into one.

A binary search over thousands of releases executes a few dozen; a column for each of the others would hide these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.classes import census_keys, segments, trace_keys, versions
from harness.report.flakiness import divided

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, Report

MOST_COLUMNS = 200
"""Releases up to which each has a column of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    """Neighbouring releases that are shown as one; `versions` are theirs, oldest first."""

    versions: tuple[str, ...]

    @property
    def label(self) -> str:
        """The version, or the first and the last one (with an en dash)."""
        return "\N{EN DASH}".join(dict.fromkeys((self.versions[0], self.versions[-1])))


def columns(report: Report, evidence: Mapping[str, ProbeEvidence]) -> list[Column]:
    """Return the columns of all releases; the sides of a boundary always have one of their own."""
    axis = versions(report)
    if len(axis) <= MOST_COLUMNS:
        return [Column((version,)) for version in axis]
    said = [_said(arm, evidence) for arm in report.arms]
    sides = {
        side
        for arm in report.arms
        for boundary in arm.boundaries
        for side in (boundary.before, boundary.after)
    }
    found: list[list[str]] = []
    last: object = None
    for version in axis:
        now = version if version in sides else [arm.get(version) for arm in said]
        if found and now == last:
            found[-1].append(version)
        else:
            found.append([version])
        last = now
    return [Column(tuple(members)) for members in found]


def _said(arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> dict[str, tuple[object, ...]]:
    """Return {version: all that a column shows of it}."""
    traces = segments(arm, "trace", trace_keys(arm))
    censuses = segments(arm, "census", census_keys(arm, evidence))
    return {
        row.version: (row.standing, divided(row), traces.get(row.version), censuses.get(row.version))
        for row in arm.releases
    }
