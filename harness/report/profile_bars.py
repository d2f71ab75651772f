"""Bars of what takes more: the whole difference, the functions that add it, and what these call in other libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.profiled import MEASURES
from harness.report.text import number, one_line

if TYPE_CHECKING:
    from harness.report.profiled import FunctionResult, ProfileResult

_WIDE = 0.01
"""Share of a bar below which nothing is drawn for a function."""
_NET = 0.95
"""The difference in all is told where it is less than this share of what is added: the rest is taken back elsewhere."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a bar, in percent of the width, and what it stands for."""

    left: float
    width: float
    name: str
    title: str
    other: bool = False


def levels(found: ProfileResult) -> list[list[Segment]]:
    """Return the bars, one above the other: the whole difference, its functions, and what these call in other libraries."""
    added = [one for one in found.functions if one.share > 0]
    if not added:
        return []
    whole = sum(abs(one.change) for one in added)
    net = abs(found.totals[1] - found.totals[0])
    top = f"{extra(found)}: {amount(whole, found.measure)}"
    if amount(net, found.measure) != amount(whole, found.measure) and net < whole * _NET:
        top += f", {amount(net, found.measure)} in all"
    functions: list[Segment] = []
    below: list[Segment] = []
    left = 0.0
    for one in added:
        name = one_line(one.function, 80) if one.file else "outside of the package"
        width = 100 * one.share
        if one.share >= _WIDE:
            title = f"{name}: {amount(abs(one.change), found.measure)}, {one.share:.0%}"
            functions.append(Segment(round(left, 2), round(width, 2), name, title, other=not one.file))
            below += _below(one, left, width, found)
        left += width
    levels = [[Segment(0.0, 100.0, top, top)], functions, below]
    return [level for level in levels if level]


def _below(one: FunctionResult, left: float, width: float, found: ProfileResult) -> list[Segment]:
    """Return what a function calls in other libraries, as far as that is more than on the other side."""
    sign = 1 if one.change >= 0 else -1
    sides = [part.below if part else {} for part in (one.before, one.after)]
    more = {
        name: sign * (sides[1].get(name, 0.0) - sides[0].get(name, 0.0)) for name in {**sides[0], **sides[1]}
    }
    ordered = sorted(((value, name) for name, value in more.items() if value > 0), reverse=True)
    whole = abs(one.change)
    segments: list[Segment] = []
    end = left + width
    for value, name in ordered:
        wide = min(end - left, width * value / whole)
        if wide >= 100 * _WIDE:
            title = f"{one_line(name, 120)}: {amount(value, found.measure)}"
            segments.append(Segment(round(left, 2), round(wide, 2), one_line(name, 60), title))
            left += wide
    return segments


def extra(found: ProfileResult) -> str:
    """Return what the newer side has more or less, in words: `extra time`, `memory saved`."""
    what = {"seconds": "time", "bytes": "memory"}.get(found.measure, MEASURES[found.measure])
    more = found.totals[1] >= found.totals[0]
    if found.measure in {"seconds", "bytes"}:
        return f"extra {what}" if more else f"{what} saved"
    return f"further {what}" if more else f"{what} saved"


def amount(value: float, measure: str) -> str:
    """Return a figure of a measure with its unit."""
    if measure == "seconds":
        return f"{number(float(f'{value:.3g}'))} s"
    if measure == "bytes":
        return f"{value / 1e6:,.1f} MB"
    return f"{value:,.0f}"
