"""Static figures: what the traces did around each place of change.

Each figure exists three times: SVG and PNG files for slides, with a title, and SVG with the page's own colours and
fonts, so that it follows the page's theme and needs no script. What is drawn is decided here; `plot` draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.report.curves import Line, first_onset, lines, pair
from harness.report.decimate import kept
from harness.report.drawing import Drawing, Stroke
from harness.report.signals import Signal, catalogue, groups, layers, onset
from harness.report.text import anchor, number, one_line
from harness.report.theme import themed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.cache import FigureCache
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


def pictures(
    place: Place, arm: ArmResult, evidence: Mapping[str, ProbeEvidence], *, package: str, cache: FigureCache
) -> list[Picture]:
    """Draw the releases around a place in one arm; nothing if both sides are one class of equal traces.

    Args:
        place: Two neighbouring releases.
        arm: One in which something differs there.
        evidence: {digest of a probe: what it left behind}.
        package: Named in the figures' titles.
        cache: Has the figures that were drawn before.
    """
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
    heading = one_line(f"{package} {place.before} \N{RIGHTWARDS ARROW} {place.after}, {arm.name}", 70)
    return [
        _picture(signal, around, base, place, arm, heading=heading, cache=cache)
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
        measured
        for line, _ in around
        if not (signal.difference and line is base)
        for _, measured in _curves(line, signal, base)
    ]
    least = 3 if signal.difference else 1
    return any(np.count_nonzero(np.isfinite(measured)) >= least and measured.any() for measured in drawn)


def _curves(line: Line, signal: Signal, base: Line) -> list[tuple[Array, Array]]:
    """Return the (steps, values) of every seed that has some."""
    found = [pair(trace, base.traces.get(seed), signal) for seed, trace in line.traces.items()]
    return [curve for curve in found if len(curve[1])]


def _picture(
    signal: Signal,
    around: list[tuple[Line, str]],
    base: Line,
    place: Place,
    arm: ArmResult,
    *,
    heading: str,
    cache: FigureCache,
) -> Picture:
    ordered = sorted(around, key=lambda item: item[0] is not base)  # the broad base line lies below
    made = [_stroke(line, label, signal, base) for line, label in ordered]
    last = max(trace.steps[-1] for line, _ in around for trace in line.traces.values())
    drawing = Drawing(heading, signal.label, signal.log, last, tuple(stroke for stroke, _ in made))
    svg, png = cache.drawn(drawing)
    text = f"{signal.label} in {one_line(arm.name, 40)}. {' '.join(words for _, words in made)}"
    name = anchor(arm.name, place.before, place.after, signal.key)
    return Picture(name, signal.label, text, themed(svg), svg, png)


def _stroke(line: Line, label: str, signal: Signal, base: Line) -> tuple[Stroke, str]:
    """Return how one class is drawn, and in words what it does."""
    curves = _curves(line, signal, base)
    if len(line.traces) > 1:
        label = f"{label} ({len(line.traces)} seeds)"
    finite = [measured[np.isfinite(measured)] for _, measured in curves]
    same = all(
        len(part) == len(curve[1]) and not part.any() for part, curve in zip(finite, curves, strict=True)
    )
    if signal.difference and curves and same:
        stroke = Stroke(f"{label}: identical", line.hex, line.dash, 1.5, dots=False, curves=(), onsets=())
        return stroke, f"{label}: identical."
    prepared = [_drawable(steps, measured, log=signal.log) for steps, measured in curves]
    start = first_onset(line)
    few = all(sum(value == value for value in values) < 3 for _, values in prepared)  # noqa: PLR0124 - NaN is not itself
    stroke = Stroke(
        label=f"{label}: not finite from step {start[0]}" if start else label,
        colour=line.hex,
        dash=line.dash,
        width=(2.0 if line is base else 1.3) * (0.6 if len(prepared) > 1 else 1.0),
        dots=signal.difference or few,
        curves=tuple(prepared),
        onsets=tuple(found[0] for trace in line.traces.values() if (found := onset(trace))),
    )
    return stroke, _in_words(label, finite, start)


def _drawable(steps: Array, measured: Array, *, log: bool) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what can be drawn, as few points as show the same; NaN where there is nothing to draw."""
    shown = np.isfinite(measured) & (measured > 0) if log else np.isfinite(measured)
    values = np.where(shown, measured, np.nan)
    chosen = kept(values, MOST_POINTS)
    return tuple(steps[chosen].tolist()), tuple(values[chosen].tolist())


def _in_words(label: str, finite: list[Array], start: tuple[int, str] | None) -> str:
    broken = f", not finite from step {start[0]} ({start[1]})" if start else ""
    parts = [part for part in finite if len(part)]
    if not parts:
        return f"{label}: no finite value{broken}."
    first, last, low, high = (
        number(float(value))
        for value in (
            parts[0][0],
            parts[0][-1],
            min(part.min() for part in parts),
            max(part.max() for part in parts),
        )
    )
    return f"{label}: from {first} to {last}, between {low} and {high}{broken}."
