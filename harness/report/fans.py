"""How a watched layer's weights and gradients are distributed, step by step, on both sides of a place of change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.report.decimate import kept
from harness.report.drawing import Band, Drawing, Stroke
from harness.report.figures import MOST_POINTS, Picture, neighbours
from harness.report.signals import layers
from harness.report.text import anchor, number, one_line
from harness.report.theme import themed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.cache import FigureCache
    from harness.report.classes import Place
    from harness.report.curves import Line
    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult

QUANTILES = ("p01", "p10", "p50", "p90", "p99")
_FEWEST_STEPS = 3
_DISTRIBUTED = (
    ("weight.optimizer", "weights after the step"),
    ("gradient.backward", "gradients after backward"),
)


def fans(
    place: Place, arm: ArmResult, evidence: Mapping[str, ProbeEvidence], *, package: str, cache: FigureCache
) -> list[Picture]:
    """Draw the first watched layer of both sides: median, 10 to 90% and 1 to 99% of its values.

    Args:
        place: Two neighbouring releases.
        arm: One in which something differs there.
        evidence: {digest of a probe: what it left behind}.
        package: Named in the figures' titles.
        cache: Has the figures that were drawn before.
    """
    sides = [
        (line, label)
        for line, label in neighbours(place, arm, evidence)
        if {place.before, place.after} & set(line.group.versions)
    ]
    watched = layers(sides[0][0].trace.columns)[:1] if len(sides) > 1 else []
    heading = one_line(f"{package} {place.before} \N{RIGHTWARDS ARROW} {place.after}, {arm.name}", 70)
    found = []
    for layer in watched:
        for what, name in _DISTRIBUTED:
            key = f"{layer}.{what}"
            made = [drawn for line, label in sides if (drawn := _stroke(key, line, label))]
            if made:
                title = f"{layer} {name}: quantiles"
                last = max(line.trace.steps[-1] for line, _ in sides)
                drawing = Drawing(heading, title, False, last, tuple(stroke for stroke, _ in made))
                svg, png = cache.drawn(drawing)
                words = " ".join(said for _, said in made)
                text = f"{title}, 1 to 99%, 10 to 90% and median, in {one_line(arm.name, 40)}. {words}"
                file = anchor(arm.name, place.before, place.after, key, "quantiles")
                found.append(Picture(file, title, text, themed(svg), svg, png))
    return found


def _stroke(key: str, line: Line, label: str) -> tuple[Stroke, str] | None:
    """Return one side and in words where it ends; nothing for a training that ended at once."""
    bands = np.array([line.trace.signal(f"{key}.{one}") for one in QUANTILES], dtype=np.float64)
    finite = np.isfinite(bands).all(axis=0) if bands.size else np.empty(0, dtype=bool)
    if np.count_nonzero(finite) < _FEWEST_STEPS:
        return None
    chosen = kept(bands[2][finite], MOST_POINTS)
    steps = tuple(np.array(line.trace.steps, dtype=np.float64)[finite][chosen].tolist())
    low, tenth, middle, ninetieth, high = (tuple(band[finite][chosen].tolist()) for band in bands)
    stroke = Stroke(
        label=label,
        colour=line.hex,
        dash=line.dash,
        width=1.3,
        dots=False,
        curves=((steps, middle),),
        bands=(Band(steps, low, high, 0.12), Band(steps, tenth, ninetieth, 0.22)),
    )
    first, last, lowest, highest = (number(value) for value in (middle[0], middle[-1], low[-1], high[-1]))
    said = f"{label}: median from {first} to {last}; at the end 98% lie between {lowest} and {highest}."
    return stroke, said
