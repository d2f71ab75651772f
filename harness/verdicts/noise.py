"""A bound for a continuous metric that nobody sets: it is learnt from A/A runs, the same release several times.

What runs of one release differ by is the noise floor; a release is bad if it is worse than the reference by more
than that explains. Every verdict carries the difference, its confidence interval and its standardised size.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOAT32_STEP = 2.0**-23
"""Relative spacing of float32, in which training computes: a smaller difference is rounding, not an effect."""


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """What runs of one release differ by.

    Attributes:
        deviation: Standard deviation within a release, in the metric's unit.
        freedom: Degrees of freedom it was estimated with.
    """

    deviation: float
    freedom: int

    def bound(self, reference_runs: int, runs: int, *, confidence: float, comparisons: int = 1) -> float:
        """Return the difference of two means that noise alone does not exceed.

        It is t(1 - alpha / 2, freedom) · deviation · √(1/m + 1/n), Student's two-sample interval with a pooled
        deviation (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.3), and alpha is shared by all comparisons
        made (Bonferroni), so that a sweep of many good releases stays good.
        """
        alpha = (1 - confidence) / comparisons
        spread = math.sqrt(1 / reference_runs + 1 / runs)
        return student_quantile(1 - alpha / 2, self.freedom) * self.deviation * spread


@dataclass(frozen=True, slots=True)
class Comparison:
    """A release against the reference; a positive difference is worse.

    Attributes:
        difference: Mean of the release less that of the reference, its sign turned where higher is better.
        bound: What noise explains of it, at the confidence asked for.
        standardised: The difference in units of the noise (Hedges' g).
    """

    difference: float
    bound: float
    standardised: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the confidence interval of the difference."""
        return self.difference - self.bound, self.difference + self.bound

    @property
    def worse(self) -> bool:
        """Tell whether the whole interval lies on the worse side."""
        return not self.difference <= self.bound  # NaN is worse


def measure_noise(releases: Sequence[Sequence[float]]) -> NoiseFloor:
    """Learn the noise floor from A/A runs.

    The variance is pooled within releases: Σ(x - mean of its release)² / Σ(runs - 1). It is never less than
    float32's rounding of the largest value.

    Args:
        releases: For each release run more than once, the metric of each run.

    Raises:
        UsageError: No release has two runs, or a run is not finite.
    """
    values = [value for runs in releases for value in runs]
    freedom = len(values) - sum(1 for runs in releases if runs)
    if freedom < 1:
        raise UsageError(
            "the noise cannot be measured: run at least one good release twice (--seeds 2 or more)"
        )
    if not all(map(math.isfinite, values)):
        raise UsageError(
            "the noise cannot be measured: a run of the reference is not finite; choose a good one"
        )
    squares = math.fsum((value - fmean(runs)) ** 2 for runs in releases if runs for value in runs)
    rounding = max(FLOAT32_STEP * max(map(abs, values)), sys.float_info.min)
    return NoiseFloor(max(math.sqrt(squares / freedom), rounding), freedom)


def compare(
    reference: Sequence[float],
    runs: Sequence[float],
    floor: NoiseFloor,
    *,
    confidence: float = 0.95,
    comparisons: int = 1,
    higher_is_worse: bool = True,
) -> Comparison:
    """Compare the runs of a release with those of the reference.

    Args:
        reference: The metric of each run of the reference, finite.
        runs: The metric of each run of the release; one is enough.
        floor: As measured by A/A runs.
        confidence: Of all comparisons together.
        comparisons: Releases that are compared in this way.
        higher_is_worse: True for a loss, false for an accuracy.
    """
    difference = (fmean(runs) - fmean(reference)) * (1 if higher_is_worse else -1)
    bound = floor.bound(len(reference), len(runs), confidence=confidence, comparisons=comparisons)
    # Hedges (1981): g = J · d with J = 1 - 3 / (4 · freedom - 1), which takes out the bias of few runs.
    unbiased = 1 - 3 / (4 * floor.freedom - 1) if floor.freedom > 1 else 1.0
    return Comparison(difference, bound, unbiased * difference / floor.deviation)


def judge_metric(
    name: str,
    reference: Sequence[float],
    runs: Sequence[float],
    floor: NoiseFloor,
    *,
    confidence: float = 0.95,
    comparisons: int = 1,
    higher_is_worse: bool = True,
) -> Judgement:
    """Judge a release by one metric; arguments as of `compare`."""
    found = compare(
        reference,
        runs,
        floor,
        confidence=confidence,
        comparisons=comparisons,
        higher_is_worse=higher_is_worse,
    )
    low, high = found.interval
    reason = (
        f"{name} {fmean(runs):.4g} against {fmean(reference):.4g}: worse by {found.difference:+.3g} "
        f"({confidence:.0%} interval {low:+.3g} to {high:+.3g}), noise explains {found.bound:.3g}; "
        f"{found.standardised:+.1f} standard deviations"
    )
    effect = Effect(f"{name}, worse than the reference by", found.difference, found.bound, low, high)
    if found.worse:
        return Judgement(Verdict.BAD, reason, Fingerprint(f"{name} beyond noise"), effect)
    return Judgement(Verdict.GOOD, reason, effect=effect)


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
