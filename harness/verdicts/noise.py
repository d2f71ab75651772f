"""What noise explains of a metric: it is learnt from A/A runs, executions of one release.

What they differ by is the noise floor; a release differs from the reference if it does so by more than that explains.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.verdicts.difference import FLOAT32_STEP, equal

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """What executions of one release differ by.

    Attributes:
        deviation: Standard deviation within a release, in the metric's unit.
        freedom: Degrees of freedom it was estimated with.
    """

    deviation: float
    freedom: int

    def bound(self, reference_runs: int, runs: int, risk: float) -> float:
        """Return the difference of two means that noise alone exceeds with chance `risk`.

        It is t(1 - risk / 2, freedom) · deviation · √(1/m + 1/n), Student's two-sample interval with a pooled
        deviation (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.3).
        """
        spread = math.sqrt(1 / reference_runs + 1 / runs)
        return student_quantile(1 - risk / 2, self.freedom) * self.deviation * spread


def reproducible(values: Sequence[float]) -> bool:
    """Tell whether executions of one release gave equal values, up to rounding; at least two are needed."""
    return len(values) > 1 and all(equal(one, other) for one, other in combinations(values, 2))


def measure_noise(releases: Sequence[Sequence[float]]) -> NoiseFloor:
    """Learn the noise floor from A/A runs.

    The variance is pooled within releases: Σ(x - mean of its release)² / Σ(runs - 1). It is never less than
    float32's rounding of the largest value.

    Args:
        releases: For each release that was executed more than once, the metric of each execution.

    Raises:
        UsageError: No release has two executions, or a value is not finite.
    """
    values = [value for runs in releases for value in runs]
    freedom = len(values) - sum(1 for runs in releases if runs)
    if freedom < 1:
        raise UsageError(
            "the noise cannot be measured: execute the reference at least twice (aa_seeds = 2 or more)"
        )
    if not all(map(math.isfinite, values)):
        raise UsageError(
            "the noise cannot be measured: a value of the reference is not finite; choose a good release"
        )
    squares = math.fsum((value - fmean(runs)) ** 2 for runs in releases if runs for value in runs)
    rounding = max(FLOAT32_STEP * max(map(abs, values)), sys.float_info.min)
    return NoiseFloor(max(math.sqrt(squares / freedom), rounding), freedom)


@cache
def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t for a probability above one half, by bisection."""
    low, high = 0.0, 1.0
    while _student_tail(high, freedom) > 1 - probability:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        if _student_tail(middle, freedom) > 1 - probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _student_tail(t: float, freedom: int) -> float:
    """Return P(T > t) for t >= 0 and a whole number of degrees of freedom.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 (odd) and 26.7.4 (even).
    """
    angle = math.atan(t / math.sqrt(freedom))
    cosine_squared = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine_squared * (k - 1) / k
        total += term
    inside = math.sin(angle) * total
    within = 2 / math.pi * (angle + inside) if odd else inside
    return (1 - within) / 2
