"""Slow drifts: where the mean of a series of measurements changes.

Optimal partitioning of a series into stretches of constant mean, by the pruned exact search of Killick, Fearnhead
and Eckley, "Optimal detection of changepoints with a linear computational cost", JASA 107 (2012): minimise the sum
of squares within the stretches plus a penalty a change. The noise is estimated from what neighbours differ by, which
few changes hardly move (von Neumann's mean square successive difference, Annals of Mathematical Statistics 12, 1941).
A penalty of 2 · log n times the variance is Yao's criterion (Statistics & Probability Letters 6, 1988); timings have
heavier tails than normal noise and a short series tells its noise badly, so thrice that is taken, and no stretch is
shorter than `SHORTEST`. tests/nightly/test_drift.py measures how often pure noise gives an alarm: in at most 2.5% of
series of 6 to 300 values.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST = 3
"""Least length of a stretch, so that a single outlier is none; in a series without noise one value is enough."""

_PENALTY = 6.0
_ROUNDING = 1e-6
"""Relative difference that is no change in a series without noise."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of level.

    Attributes:
        position: Of the first value on the new level.
        before, after: Mean of the stretches on both sides.
    """

    position: int
    before: float
    after: float

    @property
    def relative(self) -> float:
        """By how much of the old level it changed; infinite from zero."""
        return (self.after - self.before) / abs(self.before) if self.before else math.inf


def change_points(values: Sequence[float]) -> list[Change]:
    """Return the changes of level of a series, in order.

    Args:
        values: Finite, in the order in which they were measured.
    """
    if len(values) < 2:
        return []
    noise = _noise(values)
    shortest = SHORTEST if noise else 1
    noise = max(noise, _ROUNDING * max(map(abs, values)))
    if not noise or len(values) < 2 * shortest:
        return []
    starts = _starts(values, _PENALTY * math.log(len(values)) * noise**2, shortest)
    bounds = [*starts, len(values)]
    means = [statistics.fmean(values[one:other]) for one, other in pairwise(bounds)]
    return [Change(*found) for found in zip(starts[1:], means, means[1:], strict=False)]


def _noise(values: Sequence[float]) -> float:
    """Return the standard deviation of the noise, by von Neumann's differences; 0 if most neighbours are equal."""
    steps = [abs(after - before) for before, after in pairwise(values)]
    return math.sqrt(statistics.fmean(step**2 for step in steps) / 2) if statistics.median(steps) else 0.0


def _starts(values: Sequence[float], penalty: float, shortest: int) -> list[int]:
    """Return where the stretches of the best partition start."""
    middle = statistics.fmean(values)  # sums of squares of what is left lose no digits
    sums, squares = [0.0], [0.0]
    for value in values:
        sums.append(sums[-1] + value - middle)
        squares.append(squares[-1] + (value - middle) ** 2)

    def cost(start: int, end: int) -> float:
        return squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / (end - start)

    best, last = {0: -penalty}, {0: 0}
    candidates = [0]
    for end in range(shortest, len(values) + 1):
        if (start := end - shortest) >= shortest:
            candidates.append(start)
        worth = {start: best[start] + cost(start, end) + penalty for start in candidates if start in best}
        last[end] = min(worth, key=lambda start: worth[start])
        best[end] = worth[last[end]]
        candidates = [start for start in candidates if worth[start] - penalty <= best[end]]
    found, end = [], len(values)
    while end:
        end = last[end]
        found.append(end)
    return found[::-1]
