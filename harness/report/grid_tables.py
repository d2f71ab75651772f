"""The grid of two packages as Markdown: what was searched, and the changes that the answer rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.markdown import code, md

if TYPE_CHECKING:
    from harness.report.axes import AxisChange
    from harness.report.model import ArmResult, BoundaryResult, Report


def searched(report: Report) -> str:
    """Return which releases of which packages the question is about."""
    spans = [
        f"{md(axis.package, 60)} {code(axis.versions[0], 60)} to {code(axis.versions[-1], 60)}"
        for axis in report.axes
    ]
    return f"{' and '.join(spans)}, every edge by releases of one package with the other one held"


def changes(arm: ArmResult) -> list[str]:
    """Return the changes of one arm as a table, and what else moves in each; nothing without any."""
    along = [(boundary, boundary.axis) for boundary in arm.boundaries if boundary.axis is not None]
    if not along:
        return []
    rows = ["| held | good | bad | confirmed |", "|---|---|---|---|"]
    rows += [_row(arm, boundary, axis) for boundary, axis in along]
    return [*rows, "", *(_moves(boundary, axis) for boundary, axis in along), ""]


def _row(arm: ArmResult, boundary: BoundaryResult, axis: AxisChange) -> str:
    verdicts = {row.version: row.verdict for row in arm.releases}
    broke = boundary.kind == "regressed" or (
        boundary.kind == "changed" and verdicts.get(boundary.after) == "bad"
    )
    good, bad = (axis.before, axis.after) if broke else (axis.after, axis.before)
    between = [
        f", {count} between {what}"
        for count, what in (
            (len(boundary.skipped), "could not be tested"),
            (len(boundary.untested), "not executed"),
        )
        if count
    ]
    held = f"{md(axis.held, 60)} {code(axis.held_version, 60)}"
    package = md(axis.package, 60)
    sure = f"{'yes' if boundary.confirmed else 'no'}{''.join(between)}"
    return f"| {held} | {package} {code(good, 60)} | {package} {code(bad, 60)} | {sure} |"


def _moves(boundary: BoundaryResult, axis: AxisChange) -> str:
    others = [
        f"{one['name']} {one['before'] or 'absent'} → {one['after'] or 'absent'}"
        for one in boundary.moves
        if one["name"] not in (axis.package, axis.held)
    ]
    moved = f"also moves {md('; '.join(others), 600)}" if others else "moves nothing else, to the hash"
    return f"- {md(axis.package, 60)} {code(axis.before, 60)} → {code(axis.after, 60)} {moved}"
