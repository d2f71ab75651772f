"""Survival curves: the share of seeds that are still finite, by step, one line for releases that lasted alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.classes import span
from harness.report.curves import COLOURS
from harness.report.drawing import Band, Drawing, Stroke
from harness.report.figures import Picture
from harness.report.text import anchor, one_line
from harness.report.theme import themed

if TYPE_CHECKING:
    from harness.report.attribution import SurvivalResult
    from harness.report.cache import FigureCache
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


def lasting(report: Report, cache: FigureCache) -> list[SurvivalView]:
    """Return the survival of every arm that had several seeds."""
    arms = dict.fromkeys(one.arm for one in report.survival)
    return [_view(arm, [one for one in report.survival if one.arm == arm], cache) for arm in arms]


def _view(arm: str, results: list[SurvivalResult], cache: FigureCache) -> SurvivalView:
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
        picture=_picture(arm, groups, cache),
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


def _picture(arm: str, groups: list[tuple[str, SurvivalResult]], cache: FigureCache) -> Picture:
    title = "Share of seeds still finite, with 95% band"
    drawn = sorted(groups, key=lambda group: -group[1].failures)[:MOST_LINES]
    strokes = [_stroke(index, label, one) for index, (label, one) in enumerate(drawn)]
    last = max(one.horizon for _, one in drawn)
    svg, png = cache.drawn(Drawing(one_line(arm, 70), title, False, last, tuple(strokes)))
    words = [f"{label}: {one.failures} of {one.seeds} seeds failed." for label, one in drawn]
    text = f"{title}, in {one_line(arm, 40)}. {' '.join(words)}"
    return Picture(anchor(arm, "survival"), title, text, themed(svg), svg, png)


def _stroke(index: int, label: str, one: SurvivalResult) -> Stroke:
    steps, shares, lows, highs = (tuple(column) for column in zip(*one.curve, strict=True))
    return Stroke(
        label=one_line(label, 40),
        colour=COLOURS["bad" if one.failures else "good"][index % 4][1],
        dash=(),
        width=1.6,
        dots=False,
        curves=((steps, shares),),
        bands=(Band(steps, lows, highs, 0.12),),
        stairs=True,
    )
