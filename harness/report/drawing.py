"""A static figure as plain data: everything that decides what it looks like, before any drawing library is loaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two curves; `shade` is from 0, nothing, to 1, the full colour."""

    steps: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    shade: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """One class of equal traces in one figure, with all its seeds.

    Attributes:
        label: Stands in the legend.
        colour: `#rrggbb`.
        dash: Lengths of dash and gap; empty for an unbroken line.
        width: Of the line, in points.
        dots: Draw points that no line joins.
        curves: (steps, values) of every seed; NaN where there is nothing to draw. None at all: the legend says it.
        onsets: Steps from which a seed is not finite.
        bands: Drawn below the curves.
        stairs: A value holds until the next one.
    """

    label: str
    colour: str
    dash: tuple[float, ...]
    width: float
    dots: bool
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    onsets: tuple[int, ...] = ()
    bands: tuple[Band, ...] = ()
    stairs: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure.

    Attributes:
        heading: What it is about, for the files, which stand alone on a slide.
        title: The quantity.
        log: Whether the vertical axis is logarithmic.
        last: Last step of all curves.
        strokes: From the lowest to the topmost.
    """

    heading: str
    title: str
    log: bool
    last: int
    strokes: tuple[Stroke, ...]

    def digest(self) -> str:
        """Return a digest of all of it: equal digests look the same."""
        return hashlib.sha256(repr(self).encode("utf-8", "replace")).hexdigest()
