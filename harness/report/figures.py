"""Static figures: what the traces did around each place of change, drawn by matplotlib.

Each figure exists three times: SVG and PNG files for slides, and SVG with the page's own colours and fonts, so
that it follows the page's theme and needs no script.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from harness.report.curves import Line, lines
from harness.report.decimate import kept
from harness.report.signals import Signal, catalogue, difference, groups, layers, onset, values
from harness.report.text import anchor, number, one_line
from harness.report.theme import STYLE, themed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from harness.report.classes import Place
    from harness.report.evidence import ProbeEvidence
    from harness.report.model import ArmResult
    from harness.report.signals import Array
    from harness.traces.trace import Trace

MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure.

    Attributes:
        name: Of its files, without ending.
        title: One line.
        text: The same in words and numbers, for those who do not see it.
        inline: SVG markup for the page.
        svg, png: Contents of the files.
    """

    name: str
    title: str
    text: str
    inline: str
    svg: str
    png: bytes


def pictures(place: Place, arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> list[Picture]:
    """Draw the releases around a place in one arm; nothing if both sides are one class of equal traces."""
    around = neighbours(place, arm, evidence)
    sides = [
        next((line for line, _ in around if side in line.group.versions), None)
        for side in (place.before, place.after)
    ]
    before, after = sides
    if before is None or after is None or before is after:
        return []
    # Where a release repaired the training, the good side is the later one.
    repaired = before.group.verdict == "bad" and after.group.verdict == "good"
    base, other, name = (after, before, place.after) if repaired else (before, after, place.before)
    return [
        _picture(signal, around, base.trace, place, arm)
        for signal in _signals(other.trace, base.trace, name)
        if _says_something(signal, around, base)
    ]


def neighbours(place: Place, arm: ArmResult, evidence: Mapping[str, ProbeEvidence]) -> list[tuple[Line, str]]:
    """Return the classes of both sides and of their outer neighbours, each with the releases it stands for."""
    testable = [release.version for release in arm.releases if release.trace]
    if place.before not in testable or place.after not in testable:
        return []
    first, last = testable.index(place.before), testable.index(place.after)
    near = testable[max(0, first - 1) : last + 2]
    found = []
    for line in lines(arm, evidence):
        members = [one_line(version, 24) for version in near if version in line.group.versions]
        if members:
            found.append((line, ", ".join(members)))
    return found


def _signals(trace: Trace, base: Trace, name: str) -> list[Signal]:
    """Choose what to draw: the loss, the first watched layer, and the group whose optimizer fared worst."""
    columns = tuple(dict.fromkeys((*base.columns, *trace.columns)))
    known = {signal.key: signal for signal in catalogue(columns)}
    wanted = ["loss", "loss.difference"]
    for layer in layers(columns)[:1]:
        wanted += [f"{layer}.{key}" for key in ("weight.optimizer.norm", "gradient.backward.norm")]
        wanted.append(f"{layer}.weight.optimizer.nonfinite")
    wanted.append(f"{_worst_group(trace, groups(columns))}.denominator_zero")
    chosen = [known[key] for key in wanted if key in known]
    return [
        replace(
            signal, label=signal.label.replace("the reference", one_line(name, 24)) + ", log" * signal.log
        )
        for signal in chosen
    ]


def _worst_group(trace: Trace, names: list[str]) -> str | None:
    shares = {name: np.array(trace.signal(f"{name}.denominator_zero"), dtype=np.float64) for name in names}
    known = {name: float(np.nanmax(share)) for name, share in shares.items() if np.isfinite(share).any()}
    return max(known, key=lambda name: known[name], default=None)


def _says_something(signal: Signal, around: list[tuple[Line, str]], base: Line) -> bool:
    """Tell whether a figure has more to show than zeros or, of a difference, than a point or two."""
    drawn = [
        _series(line, signal, base.trace)[1] for line, _ in around if not (signal.difference and line is base)
    ]
    least = 3 if signal.difference else 1
    return any(np.count_nonzero(np.isfinite(measured)) >= least and measured.any() for measured in drawn)


def _picture(
    signal: Signal, around: list[tuple[Line, str]], base: Trace, place: Place, arm: ArmResult
) -> Picture:
    name = anchor(arm.name, place.before, place.after, signal.key)
    with rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a release name may hold any character
        figure = Figure(figsize=(4.4, 2.7))
        axes = figure.subplots()
        ordered = sorted(around, key=lambda item: item[0].trace is not base)  # the broad base line lies below
        words = [_draw(axes, line, label, signal, base) for line, label in ordered]
        _finish(axes, signal, last=max(line.trace.steps[-1] for line, _ in around))
        legend(figure, axes)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    text = f"{signal.label} in {one_line(arm.name, 40)}. {' '.join(words)}"
    return Picture(name, signal.label, text, themed(svg.getvalue()), svg.getvalue(), png.getvalue())


def _series(line: Line, signal: Signal, base: Trace) -> tuple[Array, Array]:
    if signal.difference:
        return difference(line.trace, base, signal)
    measured = values(line.trace, signal)
    return np.array(line.trace.steps[: len(measured)], dtype=np.float64), measured


def _draw(axes: Axes, line: Line, label: str, signal: Signal, base: Trace) -> str:
    """Draw one class and return in words what it does."""
    steps, measured = _series(line, signal, base)
    finite = np.isfinite(measured)
    if signal.difference and finite.any() and not measured[finite].any() and finite.all():
        axes.plot([], [], label=f"{label}: identical", **_look(line))
        return f"{label}: identical."
    drawable = (
        np.where(finite & (measured > 0), measured, np.nan)
        if signal.log
        else np.where(finite, measured, np.nan)
    )
    chosen = kept(drawable, MOST_POINTS)
    start = onset(line.trace)
    label_drawn = f"{label}: not finite from step {start[0]}" if start else label
    if signal.difference or np.count_nonzero(np.isfinite(drawable)) < 3:
        _dots(axes, steps[chosen], drawable[chosen], line.hex, label_drawn)
    else:
        width = 2.4 if line.trace is base else 1.3
        axes.plot(steps[chosen], drawable[chosen], label=label_drawn, linewidth=width, **_look(line))
    if start:
        axes.axvline(start[0], color=line.hex, linewidth=0.9, dashes=(2, 2))
    return _in_words(label, measured[finite], start)


def _look(line: Line) -> dict[str, Any]:
    return {"color": line.hex, "dashes": line.dash} if line.dash else {"color": line.hex}


def _dots(axes: Axes, steps: Array, measured: Array, colour: str, label: str) -> None:
    """Draw points that no line joins: few ones, or differences.

    A difference is often exactly 0, for which a log axis has no place, and a line would invent what lies between.
    All points are one path of very short strokes: a tenth of the size of as many markers.
    """
    size = 5.0 if len(steps) < 3 else 2.5
    short = 1e-3
    across = np.column_stack((steps, steps + short, np.full(len(steps), np.nan))).ravel()
    axes.plot(across, np.repeat(measured, 3), color=colour, linewidth=size, solid_capstyle="round")
    axes.plot(
        [], [], color=colour, label=label, marker="o", markersize=size, markeredgewidth=0, linestyle="none"
    )


def _in_words(label: str, finite: Array, start: tuple[int, str] | None) -> str:
    broken = f", not finite from step {start[0]} ({start[1]})" if start else ""
    if not len(finite):
        return f"{label}: no finite value{broken}."
    first, last, low, high = (
        number(float(value)) for value in (finite[0], finite[-1], finite.min(), finite.max())
    )
    return f"{label}: from {first} to {last}, between {low} and {high}{broken}."


def _finish(axes: Axes, signal: Signal, *, last: int) -> None:
    if signal.log and np.isfinite(axes.dataLim.y0):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(
            lambda value, _: f"{value:.0e}" if value < 1e-3 or value > 1e4 else f"{value:g}"
        )
        axes.yaxis.set_minor_formatter(NullFormatter())
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 50 * low else (1,), numticks=6))
    elif signal.log:
        axes.set_yticks([])
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))
    axes.set_xlabel("step", loc="right", labelpad=1)
    axes.set_xlim(1 - 0.02 * last, 1.02 * last)


def legend(figure: Figure, axes: Axes) -> None:
    """Put the legend above the axes, in one row if it is short, else in a row a line."""
    labels = [str(text) for text in axes.get_legend_handles_labels()[1]]
    columns = len(labels) if sum(map(len, labels)) + 8 * len(labels) < 68 else 1
    rows = -(-len(labels) // columns)
    figure.subplots_adjust(left=0.145, right=0.975, top=0.94 - 0.07 * rows, bottom=0.155)
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
