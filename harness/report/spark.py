"""A loss with a remedy over the loss without it, small enough for a table's cell: no axes, its ends in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.report.decimate import kept
from harness.report.text import number

if TYPE_CHECKING:
    from harness.report.signals import Array
    from harness.traces.trace import Trace

WIDTH, HEIGHT = 120, 30
_EDGE = 3  # room for the mark of a loss that ends
_POINTS = 48


@dataclass(frozen=True, slots=True)
class Stroke:
    """One loss as an SVG path, and the path of a cross where it stops being finite."""

    path: str
    cross: str


@dataclass(frozen=True, slots=True)
class Spark:
    """Both losses, the one without the remedy below the other, if it is known; `text` says both."""

    fixed: Stroke
    unfixed: Stroke | None
    text: str


def spark(fixed: Trace, unfixed: Trace | None) -> Spark | None:
    """Return the drawing, or None if nothing was trained with the remedy.

    Args:
        fixed: With the remedy.
        unfixed: Without it, if that is known.
    """
    traces = [fixed, *([unfixed] if unfixed else [])]
    losses = [np.array(trace.signal("loss"), dtype=np.float64) for trace in traces]
    finite = np.concatenate([loss[np.isfinite(loss)] for loss in losses])
    if not len(losses[0]) or not len(finite):
        return None
    longest = max(trace.steps[-1] for trace in traces if trace.steps)
    low, high = float(finite.min()), float(finite.max())
    strokes = []
    for trace, loss in zip(traces, losses, strict=True):
        points = _points(np.array(trace.steps, dtype=np.float64)[: len(loss)], loss, longest, low, high)
        strokes.append(Stroke(_path(points), _cross(points[-1]) if points and _breaks(trace, loss) else ""))
    said = [_said(fixed, losses[0])]
    if unfixed:
        said.append(f"without the remedy {_said(unfixed, losses[1])}")
    return Spark(strokes[0], strokes[1] if unfixed else None, "; ".join(said))


def _points(steps: Array, loss: Array, longest: float, low: float, high: float) -> list[tuple[float, float]]:
    """Return the finite points in the drawing's coordinates, the extremes of every stretch among them."""
    places = [place for place in kept(loss, _POINTS) if np.isfinite(loss[place])]
    across, down = WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE
    return [
        (
            round(_EDGE + across * float(steps[place] - 1) / max(longest - 1, 1), 1),
            round(_EDGE + down * (1 - (float(loss[place]) - low) / ((high - low) or 1)), 1),
        )
        for place in places
    ]


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if points else ""


def _cross(end: tuple[float, float]) -> str:
    return f"M{end[0] - 2.5:g} {end[1] - 2.5:g}l5 5m0 -5l-5 5"


def _breaks(trace: Trace, loss: Array) -> bool:
    return bool(
        (~np.isfinite(loss)).any() or any(event.get("what") != "gradient" for event in trace.nonfinite)
    )


def _said(trace: Trace, loss: Array) -> str:
    if not len(loss):
        return "no step"
    ends = f"loss {number(float(loss[0]))} to {number(float(loss[-1]))} in {trace.steps[-1]} steps"
    return f"{ends}, then not finite" if _breaks(trace, loss) else ends
