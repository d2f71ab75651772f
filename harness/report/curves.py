"""The data behind the interactive curves: every class of equal traces of every arm, small enough to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report.classes import TraceClass, trace_classes
from harness.report.decimate import encoded
from harness.report.signals import Signal, catalogue, difference, onset, values
from harness.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult, Report
    from harness.report.signals import Array
    from harness.traces.trace import Trace

BUDGET = 2_200_000
MOST_POINTS = 4_096
FEWEST_POINTS = 32
SHOWN_AT_FIRST = 6

# Names of CSS colours with the value that stands for each outside the page. Good releases are drawn in cool
# colours and bad ones in warm ones; the pattern of the line tells neighbours apart without any colour.
COLOURS = {
    "good": (
        ("--good-1", "#0b62a8"),
        ("--good-2", "#3f7d20"),
        ("--good-3", "#5b53b8"),
        ("--good-4", "#0f7d7d"),
    ),
    "bad": (("--bad-1", "#c2410c"), ("--bad-2", "#a2185b"), ("--bad-3", "#9a6700"), ("--bad-4", "#7c2d12")),
}
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 3), (2, 2), (9, 3, 2, 3))


@dataclass(frozen=True, slots=True)
class Line:
    """How one class is drawn, everywhere the same.

    Attributes:
        index: Its position among the classes of its arm.
        colour: Name of a CSS colour.
        hex: The same colour on a white page.
        dash: Lengths of dash and gap; empty for an unbroken line.
    """

    index: int
    group: TraceClass
    trace: Trace
    colour: str
    hex: str
    dash: tuple[float, ...]


def lines(arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> list[Line]:
    """Return the classes of an arm whose evidence is at hand, each with its look."""
    found = []
    seen = {"good": 0, "bad": 0}
    for index, group in enumerate(trace_classes(arm)):
        probe = evidence.get(group.probe)
        if probe is None or not probe.trace.rows:
            continue
        tone = "bad" if group.verdict == "bad" else "good"
        position = seen[tone]
        seen[tone] += 1
        name, hexadecimal = COLOURS[tone][position % 4]
        dash = DASHES[(position + (2 if tone == "bad" else 0) + position // 4) % 4]
        found.append(Line(index, group, probe.trace, name, hexadecimal, dash))
    return found


def reference(arm: ArmResult) -> str | None:
    """Return the release that others are compared with: the last good one before the first break.

    Without a break: the side before the first boundary in trace, else the first good release.
    """
    for signal, kind in (("verdict", "regressed"), ("verdict", "fixed"), ("trace", None)):
        for boundary in arm.boundaries:
            if boundary.signal == signal and kind in (boundary.kind, None):
                return boundary.after if kind == "fixed" else boundary.before
    return next((release.version for release in arm.releases if release.verdict == "good"), None)


def data(report: Report, evidence: Mapping[str, ProbeEvidence]) -> dict[str, Any]:
    """Return what the page embeds, within `BUDGET` bytes: as many points a series as fit.

    Returns:
        {`signals`: [{key, label, family, log, difference, brief}], `arms`: [{name, reference, classes: [...]}]}.
    """
    drawn = [(arm, lines(arm, evidence)) for arm in report.arms]
    columns = dict.fromkeys(column for _, found in drawn for line in found for column in line.trace.columns)
    signals = catalogue(columns)
    prepared = [(arm, found, _arm_series(arm, found, signals)) for arm, found in drawn]
    arms = _within(prepared, BUDGET)
    offered = [
        {
            "key": signal.key,
            "label": signal.label,
            "family": signal.family,
            "log": signal.log,
            "difference": signal.difference,
            "brief": signal.brief,
        }
        for signal in signals
    ]
    return {"signals": offered, "arms": arms}


Series = dict[int, dict[str, "tuple[Array, Array]"]]


def _arm_series(arm: ArmResult, found: list[Line], signals: list[Signal]) -> Series:
    """Return {class: {signal: (steps, values)}} in full."""
    base = next((line.trace for line in found if reference(arm) in line.group.versions), None)
    series: Series = {}
    for line in found:
        pairs = {}
        for signal in signals:
            if signal.difference:
                pair = difference(line.trace, base, signal) if base else (np.empty(0), np.empty(0))
            else:
                measured = values(line.trace, signal)
                pair = np.array(line.trace.steps[: len(measured)], dtype=np.float64), measured
            if len(pair[1]):
                pairs[signal.key] = pair
        series[line.index] = pairs
    return series


def _within(prepared: list[tuple[ArmResult, list[Line], Series]], budget: int) -> list[dict[str, Any]]:
    """Return the arms with as many points a series as `budget` bytes allow."""
    points = MOST_POINTS
    while True:
        arms = [_arm(arm, found, series, points) for arm, found, series in prepared]
        size = _size(arms)
        if size <= budget or points <= FEWEST_POINTS:
            return arms
        longest = max((len(line.trace.steps) for _, found, _ in prepared for line in found), default=1)
        points = max(FEWEST_POINTS, int(0.95 * min(points, longest) * budget / size))


def _arm(arm: ArmResult, found: list[Line], series: Series, points: int) -> dict[str, Any]:
    shown = _shown_at_first(arm, found)
    return {
        "name": one_line(arm.name, 60),
        "reference": one_line(reference(arm) or "", 40),
        "classes": [
            {
                "name": one_line(line.group.name, 40),
                "span": one_line(line.group.span, 200),
                "verdict": line.group.verdict,
                "colour": line.colour,
                "dash": list(line.dash),
                "shown": line.index in shown,
                "reference": reference(arm) in line.group.versions,
                "onset": onset(line.trace),
                "series": {
                    key: encoded(steps, measured, points)
                    for key, (steps, measured) in series[line.index].items()
                },
            }
            for line in found
        ],
    }


def _shown_at_first(arm: ArmResult, found: list[Line]) -> set[int]:
    """Return the classes beside boundaries, verdict first, then others up to a readable number."""
    ranked = sorted(arm.boundaries, key=lambda boundary: boundary.signal != "verdict")
    beside = [version for boundary in ranked for version in (boundary.before, boundary.after)]
    ordered = [line.index for version in beside for line in found if version in line.group.versions]
    ordered += [line.index for line in found]
    return set(list(dict.fromkeys(ordered))[:SHOWN_AT_FIRST])


def _size(arms: list[dict[str, Any]]) -> int:
    series = (item for arm in arms for group in arm["classes"] for item in group["series"].values())
    return sum(len(item.get("v", "")) + len(item.get("d", "")) + 40 for item in series)
