"""Draws a `Drawing` with matplotlib; nothing else of the harness imports it, for it is slow to load."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from harness.report.theme import HEAD, HEIGHT, STYLE, TITLE, WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from harness.report.drawing import Drawing, Stroke


def plot(drawing: Drawing) -> tuple[str, bytes]:
    """Return the figure as an SVG file and as a PNG file, both with its title."""
    with rc_context({**STYLE, "svg.hashsalt": drawing.digest()}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a release name may hold any character
        figure = Figure(figsize=(WIDTH, HEIGHT + HEAD))
        axes = figure.subplots()
        for stroke in drawing.strokes:
            _stroke(axes, stroke)
        _finish(axes, drawing)
        _legend(figure, axes)
        _title(figure, drawing)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


def _stroke(axes: Axes, stroke: Stroke) -> None:
    look: dict[str, Any] = {"color": stroke.colour} | ({"dashes": stroke.dash} if stroke.dash else {})
    for band in stroke.bands:
        step: Any = "post" if stroke.stairs else None
        fill: dict[str, Any] = {"color": stroke.colour, "alpha": band.shade, "linewidth": 0}
        axes.fill_between(band.steps, band.low, band.high, step=step, **fill)
    if stroke.stairs:
        look["drawstyle"] = "steps-post"
    if not stroke.curves:
        axes.plot([], [], label=stroke.label, **look)
    for index, (steps, values) in enumerate(stroke.curves):
        label = stroke.label if index == 0 else None
        if stroke.dots:
            _dots(axes, np.array(steps), np.array(values), stroke, label)
        else:
            axes.plot(steps, values, label=label, linewidth=stroke.width, **look)
    for step in sorted(set(stroke.onsets)):
        axes.axvline(step, color=stroke.colour, linewidth=0.9, dashes=(2, 2))


def _dots(axes: Axes, steps: Any, values: Any, stroke: Stroke, label: str | None) -> None:
    """Draw points that no line joins: few ones, or differences.

    A difference is often exactly 0, for which a log axis has no place, and a line would invent what lies between.
    All points are one path of very short strokes: a tenth of the size of as many markers.
    """
    size = 5.0 if len(steps) < 3 else 2.5
    short = 1e-3
    across = np.column_stack((steps, steps + short, np.full(len(steps), np.nan))).ravel()
    axes.plot(across, np.repeat(values, 3), color=stroke.colour, linewidth=size, solid_capstyle="round")
    if label is not None:
        look: dict[str, Any] = {"marker": "o", "markersize": size, "markeredgewidth": 0, "linestyle": "none"}
        axes.plot([], [], color=stroke.colour, label=label, **look)


def _finish(axes: Axes, drawing: Drawing) -> None:
    if drawing.log and np.isfinite(axes.dataLim.y0):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(
            lambda value, _: f"{value:.0e}" if value < 1e-3 or value > 1e4 else f"{value:g}"
        )
        axes.yaxis.set_minor_formatter(NullFormatter())
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 50 * low else (1,), numticks=6))
    elif drawing.log:
        axes.set_yticks([])
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))
    axes.set_xlabel("step", loc="right", labelpad=1)
    axes.set_xlim(1 - 0.02 * drawing.last, 1.02 * drawing.last)


def _legend(figure: Figure, axes: Axes) -> None:
    """Put the legend above the axes, in one row if it is short, else in a row a line."""
    labels = [str(text) for text in axes.get_legend_handles_labels()[1]]
    columns = len(labels) if sum(map(len, labels)) + 8 * len(labels) < 68 else 1
    rows = -(-len(labels) // columns)
    share = HEIGHT / (HEIGHT + HEAD)  # what lies below the title
    figure.subplots_adjust(left=0.145, right=0.975, top=(0.94 - 0.07 * rows) * share, bottom=0.155 * share)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 0.99),
        ncols=columns,
        borderaxespad=0.2,
        labelspacing=0.3,
        handlelength=2.2,
        columnspacing=1.2,
        fontsize=8.5,
    )


def _title(figure: Figure, drawing: Drawing) -> None:
    """Write the title above what the page shows of the figure; the page has words of its own for it."""
    whole = HEIGHT + HEAD
    for text, down, size, weight in (
        (drawing.title, 0.2, 10.5, "bold"),
        (drawing.heading, 0.38, 8.5, "normal"),
    ):
        figure.text(0.03, 1 - down / whole, text, fontsize=size, fontweight=weight, gid=TITLE)
