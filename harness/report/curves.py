"""The data behind the interactive curves: every class of equal traces of every arm, small enough to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report.classes import TraceClass, trace_classes
from harness.report.decimate import encoded
from harness.report.signals import Signal, catalogue, difference, measured, onset
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
        trace: Of the seed that stands for all.
        traces: {seed: trace} of all seeds that are at hand, that one among them.
        colour: Name of a CSS colour.
        hex: The same colour on a white page.
        dash: Lengths of dash and gap; empty for an unbroken line.
    """

    index: int
    group: TraceClass
    trace: Trace
    traces: Mapping[int, Trace]
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
        traces = {
            seed: evidence[digest].trace
            for seed, digest in group.probes.items()
            if digest in evidence and evidence[digest].trace.rows
        }
        found.append(Line(index, group, probe.trace, traces, name, hexadecimal, dash))
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
        {`signals`: [{key, label, family, log, difference, brief}], `arms`: [{name, reference, classes: [...]}],
        `brief`: whether all seeds are there for the loss alone}.
    """
    drawn = [(arm, lines(arm, evidence)) for arm in report.arms]
    columns = dict.fromkeys(column for _, found in drawn for line in found for column in line.trace.columns)
    signals = catalogue(columns)
    prepared = [(arm, found, _arm_series(arm, found, signals)) for arm, found in drawn]
    arms, brief = _within(prepared, BUDGET)
    fields = ("key", "label", "family", "log", "difference", "brief")
    offered = [{name: getattr(signal, name) for name in fields} for signal in signals]
    return {"signals": offered, "arms": arms, "brief": brief}


Series = dict[int, dict[int, dict[str, "tuple[Array, Array]"]]]


def _arm_series(arm: ArmResult, found: list[Line], signals: list[Signal]) -> Series:
    """Return {class: {seed: {signal: (steps, values)}}} in full."""
    base = next((line for line in found if reference(arm) in line.group.versions), None)
    return {
        line.index: {
            seed: _trace_series(trace, base.traces.get(seed) if base else None, signals)
            for seed, trace in line.traces.items()
        }
        for line in found
    }


def _trace_series(trace: Trace, base: Trace | None, signals: list[Signal]) -> dict[str, tuple[Array, Array]]:
    pairs = {signal.key: pair(trace, base, signal) for signal in signals}
    return {key: found for key, found in pairs.items() if len(found[1])}


def pair(trace: Trace, base: Trace | None, signal: Signal) -> tuple[Array, Array]:
    """Return the steps and the values of a signal, or of its difference from `base`; empty if there are none."""
    if signal.difference:
        return difference(trace, base, signal) if base else (np.empty(0), np.empty(0))
    return measured(trace, signal)


def _within(
    prepared: list[tuple[ArmResult, list[Line], Series]], budget: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return the arms with as many points a series as `budget` bytes allow, and whether seeds were left out."""
    points, brief = MOST_POINTS, False
    longest = max((len(line.trace.steps) for _, found, _ in prepared for line in found), default=1)
    while True:
        arms = [_arm(arm, found, series, points, brief=brief) for arm, found, series in prepared]
        size = _size(arms)
        if size <= budget or (brief and points <= FEWEST_POINTS):
            return arms, brief
        if points <= FEWEST_POINTS:
            points, brief = MOST_POINTS, True
        else:
            points = max(FEWEST_POINTS, int(0.95 * min(points, longest) * budget / size))


def _arm(arm: ArmResult, found: list[Line], series: Series, points: int, *, brief: bool) -> dict[str, Any]:
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
                "onset": first_onset(line),
                "lead": next(index for index, one in enumerate(line.traces.values()) if one is line.trace),
                "seeds": [
                    {
                        "seed": seed,
                        "series": {
                            key: encoded(steps, measured, points)
                            for key, (steps, measured) in series[line.index][seed].items()
                            if not brief or trace is line.trace or key.startswith("loss")
                        },
                    }
                    for seed, trace in line.traces.items()
                ],
            }
            for line in found
        ],
    }


def first_onset(line: Line) -> tuple[int, str] | None:
    """Return the earliest step with a non-finite value over all seeds, and what it was; None without one."""
    found = [start for trace in line.traces.values() if (start := onset(trace))]
    if not found:
        return None
    step, what = min(found)
    several = f", in {len(found)} of {len(line.traces)} seeds" if len(line.traces) > 1 else ""
    return step, f"{what}{several}"


def _shown_at_first(arm: ArmResult, found: list[Line]) -> set[int]:
    """Return the classes beside boundaries, verdict first, then others up to a readable number."""
    ranked = sorted(arm.boundaries, key=lambda boundary: boundary.signal != "verdict")
    beside = [version for boundary in ranked for version in (boundary.before, boundary.after)]
    ordered = [line.index for version in beside for line in found if version in line.group.versions]
    ordered += [line.index for line in found]
    return set(list(dict.fromkeys(ordered))[:SHOWN_AT_FIRST])


def _size(arms: list[dict[str, Any]]) -> int:
    seeds = (seed for arm in arms for group in arm["classes"] for seed in group["seeds"])
    series = (item for seed in seeds for item in seed["series"].values())
    return sum(len(item.get("v", "")) + len(item.get("d", "")) + 40 for item in series)
