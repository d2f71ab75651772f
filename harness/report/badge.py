"""Badges: what the newest release does, as the endpoint schema of Shields (https://shields.io/badges/endpoint-badge)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.report.boundaries import gravest, is_open, verdict_changes
from harness.report.text import anchor, one_line

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
    package = one_line(report.package, 40)
    if arm is None:
        return _content(package, "not run", "lightgrey")
    changes = verdict_changes(arm)
    good = [release.version for release in arm.releases if release.verdict == "good"]
    message, colour = arm.conclusion, COLOURS.get(arm.conclusion, "lightgrey")
    if arm.conclusion == "always-good" and good:
        message = f"good up to {good[-1]}"
    elif changes and arm.conclusion != "inconclusive":
        message = _since(changes[-1])
        colour = "red" if is_open(arm) else colour
    return _content(f"{package} {one_line(arm.name, 40)}", one_line(message, 80), colour)


def _since(boundary: BoundaryResult) -> str:
    exact = not boundary.skipped and not boundary.untested
    if not exact:
        verb = {"regressed": "broken", "fixed": "repaired"}.get(boundary.kind, "changed")
        return f"{verb} between {boundary.before} and {boundary.after}"
    verb = {"regressed": "broken since", "fixed": "repaired in"}.get(boundary.kind, "changed with")
    return f"{verb} {boundary.after}"


def _content(label: str, message: str, colour: str) -> dict[str, Any]:
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}
