"""Badges: what the newest release does, as the endpoint schema of Shields (https://shields.io/badges/endpoint-badge)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.report.boundaries import gravest, is_open, verdict_changes
from harness.report.text import anchor, one_line
from harness.search.corners import Shape

if TYPE_CHECKING:
    from harness.report.model import ArmResult, BoundaryResult, Report

COLOURS = {
    "always-good": "brightgreen",
    "fixed": "green",
    "changed": "yellow",
    "non-monotone": "yellow",
    "never-good": "red",
    "untestable-gap": "orange",
    "inconclusive": "lightgrey",
}


def badges(report: Report) -> dict[str, dict[str, Any]]:
    """Return {path of a file: content}: one for the run, which tells its gravest arm, and one an arm."""
    files = {"badge.json": badge(report, gravest(report.arms))}
    return files | {f"badges/{anchor(arm.name)}.json": badge(report, arm) for arm in report.arms}


def badge(report: Report, arm: ArmResult | None) -> dict[str, Any]:
    """Return the badge of one arm."""
    package = one_line(report.package, 60)
    if arm is None:
        return _content(package, "not run", "lightgrey")
    changes = verdict_changes(arm)
    good = [release.version for release in arm.releases if release.verdict == "good"]
    message, colour = arm.conclusion, COLOURS.get(arm.conclusion, "lightgrey")
    if arm.grid is not None and arm.conclusion == "always-good":
        message = "good in every corner"
    elif arm.conclusion == "always-good" and good:
        message = f"good up to {good[-1]}"
    elif arm.grid is not None and changes and arm.conclusion != "inconclusive":
        message = _of_two(arm)
        colour = "red" if is_open(arm) else colour
    elif changes and arm.conclusion != "inconclusive":
        message = _since(changes[-1])
        colour = "red" if is_open(arm) else colour
    return _content(f"{package} {one_line(arm.name, 40)}", one_line(message, 80), colour)


def _of_two(arm: ArmResult) -> str:
    """Return what a badge says of two packages: the pair, or else what decides."""
    grid = arm.grid
    if grid and grid.pair:
        row = next(row for row in arm.releases if row.point and row.point.choice() == grid.pair)
        return f"{row.version} is {row.verdict}"
    if grid and grid.decides:
        return f"{grid.decides} decides"
    return "either package alone" if grid and grid.depends == Shape.EACH else "depends on both"


def _since(boundary: BoundaryResult) -> str:
    exact = not boundary.skipped and not boundary.untested
    if not exact:
        verb = {"regressed": "broken", "fixed": "repaired"}.get(boundary.kind, "changed")
        return f"{verb} between {boundary.before} and {boundary.after}"
    verb = {"regressed": "broken since", "fixed": "repaired in"}.get(boundary.kind, "changed with")
    return f"{verb} {boundary.after}"


def _content(label: str, message: str, colour: str) -> dict[str, Any]:
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}
