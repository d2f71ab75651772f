"""Survival curves: the share of seeds that are still finite, by step, one line for releases that lasted alike."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.figure import Figure

from harness.report.classes import span
from harness.report.curves import COLOURS
from harness.report.figures import Picture
from harness.report.text import anchor, one_line
from harness.report.theme import STYLE, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from harness.report.attribution import SurvivalResult
    from harness.report.model import Report

MOST_LINES = 8
"""Lines drawn, those with most failures first; the table has all."""


@dataclass(frozen=True, slots=True)
class Row:
    """Releases that lasted alike, in words."""

    releases: str
    seeds: int
    failures: int
    steps: str
    share: str
    band: str


@dataclass(frozen=True, slots=True)
class SurvivalView:
    """The survival of one arm."""

    id: str
    arm: str
    horizon: int
    rows: list[Row]
    picture: Picture


def lasting(report: Report) -> list[SurvivalView]:
    """Return the survival of every arm that had several seeds."""
    arms = dict.fromkeys(one.arm for one in report.survival)
    return [_view(arm, [one for one in report.survival if one.arm == arm]) for arm in arms]


def _view(arm: str, results: list[SurvivalResult]) -> SurvivalView:
    order = [one.release for one in results]
    alike: dict[str, list[int]] = {}
    for position, one in enumerate(results):
        alike.setdefault(repr((one.seeds, one.curve)), []).append(position)
    groups = [(span(positions, order), results[positions[0]]) for positions in alike.values()]
    return SurvivalView(
        id=anchor("survival", arm),
        arm=arm,
        horizon=max(one.horizon for one in results),
        rows=[_row(name, one) for name, one in groups],
        picture=_picture(arm, groups),
    )


def _row(name: str, one: SurvivalResult) -> Row:
    _, share, low, high = one.curve[-1]
    changes = [
        int(point[0]) for before, point in zip(one.curve, one.curve[1:], strict=False) if point[1] < before[1]
    ]
    return Row(
        releases=one_line(name, 120),
        seeds=one.seeds,
        failures=one.failures,
        steps=", ".join(map(str, changes)),
        share=f"{share:.0%}",
        band=f"{low:.0%} to {high:.0%}",
    )


def _picture(arm: str, groups: list[tuple[str, SurvivalResult]]) -> Picture:
    name = anchor(arm, "survival")
    title = "Share of seeds still finite, with 95% band"
    drawn = sorted(groups, key=lambda group: -group[1].failures)[:MOST_LINES]
    with rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(6.4, 3.2))
        axes = figure.subplots()
        seen = {"good": 0, "bad": 0}
        for label, one in drawn:
            tone = "bad" if one.failures else "good"
            _draw(axes, label, one, COLOURS[tone][seen[tone] % 4][1])
            seen[tone] += 1
        axes.set_ylim(-0.03, 1.05)
        axes.set_xlabel("step", loc="right", labelpad=1)
        axes.legend(loc="lower left", fontsize=8.5)
        figure.subplots_adjust(left=0.09, right=0.98, top=0.97, bottom=0.13)
        svg, png = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    words = [f"{label}: {one.failures} of {one.seeds} seeds failed." for label, one in drawn]
    text = f"{title}, in {one_line(arm, 40)}. {' '.join(words)}"
    return Picture(name, title, text, themed(svg.getvalue()), svg.getvalue(), png.getvalue())


def _draw(axes: Axes, label: str, one: SurvivalResult, colour: str) -> None:
    steps, shares, lows, highs = (list(column) for column in zip(*one.curve, strict=True))
    axes.fill_between(steps, lows, highs, step="post", color=colour, alpha=0.12, linewidth=0)
    axes.step(steps, shares, where="post", color=colour, label=one_line(label, 40), linewidth=1.6)
