"""How a watched layer's weights and gradients are distributed, step by step, on both sides of a place of change."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from harness.report.decimate import kept
from harness.report.figures import MOST_POINTS, Picture, legend, neighbours
from harness.report.signals import layers
from harness.report.text import anchor, number, one_line
from harness.report.theme import STYLE, themed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

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


def fans(place: Place, arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> list[Picture]:
    """Draw the first watched layer of both sides: median, 10 to 90% and 1 to 99% of its values."""
    sides = [
        (line, label)
        for line, label in neighbours(place, arm, evidence)
        if {place.before, place.after} & set(line.group.versions)
    ]
    watched = layers(sides[0][0].trace.columns)[:1] if len(sides) > 1 else []
    found = [
        _fan(f"{layer}.{what}", f"{layer} {name}: quantiles", sides, place, arm)
        for layer in watched
        for what, name in _DISTRIBUTED
    ]
    return [picture for picture in found if picture is not None]


def _fan(key: str, title: str, sides: list[tuple[Line, str]], place: Place, arm: ArmResult) -> Picture | None:
    name = anchor(arm.name, place.before, place.after, key, "quantiles")
    with rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a release name may hold any character
        figure = Figure(figsize=(4.4, 2.7))
        axes = figure.subplots()
        words = [said for line, label in sides if (said := _draw(axes, key, line, label))]
        if not words:
            return None
        axes.set_xlabel("step", loc="right", labelpad=1)
        legend(figure, axes)
        svg, png = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    text = f"{title}, 1 to 99%, 10 to 90% and median, in {one_line(arm.name, 40)}. {' '.join(words)}"
    return Picture(name, title, text, themed(svg.getvalue()), svg.getvalue(), png.getvalue())


def _draw(axes: Axes, key: str, line: Line, label: str) -> str:
    """Draw one side and return in words where it ends; nothing for a training that ended at once."""
    bands = [np.array(line.trace.signal(f"{key}.{one}"), dtype=np.float64) for one in QUANTILES]
    finite = np.isfinite(bands).all(axis=0) if len(bands[0]) else np.empty(0, dtype=bool)
    if np.count_nonzero(finite) < _FEWEST_STEPS:
        return ""
    steps = np.array(line.trace.steps, dtype=np.float64)[finite]
    low, tenth, middle, ninetieth, high = (band[finite] for band in bands)
    chosen = kept(middle, MOST_POINTS)
    for lower, upper, shade in ((low, high, 0.12), (tenth, ninetieth, 0.22)):
        axes.fill_between(
            steps[chosen], lower[chosen], upper[chosen], color=line.hex, alpha=shade, linewidth=0
        )
    (drawn,) = axes.plot(steps[chosen], middle[chosen], color=line.hex, label=label, linewidth=1.3)
    if line.dash:
        drawn.set_dashes(line.dash)
    first, last, lowest, highest = (
        number(float(value)) for value in (middle[0], middle[-1], low[-1], high[-1])
    )
    return f"{label}: median from {first} to {last}; at the end 98% lie between {lowest} and {highest}."
