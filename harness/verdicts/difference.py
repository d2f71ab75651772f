"""How far a metric lies from the reference's, which differences count, and the sentence that says so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict

FLOAT32_STEP = 2.0**-23
"""Relative spacing of float32, in which training computes."""
_ROUNDING = 8 * FLOAT32_STEP
"""Relative difference that the order of additions explains: about 1e-6."""
_EXACT_UP_TO = 2.0**53
"""Whole numbers below it are exact in float64."""


class Worse(StrEnum):
    """Which change of a metric is a failure."""

    HIGHER = "higher"
    LOWER = "lower"
    EITHER = "either"


def equal(one: float, other: float) -> bool:
    """Tell whether two values are equal up to rounding; whole numbers are counts, which have no rounding."""
    if all(value.is_integer() and abs(value) < _EXACT_UP_TO for value in (one, other)):
        return one == other
    return abs(one - other) <= _ROUNDING * max(abs(one), abs(other))


@dataclass(frozen=True, slots=True)
class Aim:
    """Which differences count.

    Attributes:
        worse: The direction of a failure.
        minimum_effect: Smallest change that counts, as a factor above 1; None counts every one beyond noise.
        confidence: Of all comparisons together.
        comparisons: Releases that are compared; they share the risk (Bonferroni).
    """

    worse: Worse = Worse.EITHER
    minimum_effect: float | None = None
    confidence: float = 0.95
    comparisons: int = 1

    @property
    def risk(self) -> float:
        """Return the chance that one comparison may take of calling noise a change."""
        return (1 - self.confidence) / self.comparisons

    def allowed(self, reference: float) -> tuple[float, float]:
        """Return the least and the greatest difference from a reference's value that is no failure."""
        factor = self.minimum_effect or 1.0
        up, down = abs(reference) * (factor - 1), abs(reference) * (1 - 1 / factor)
        return (
            -math.inf if self.worse == Worse.HIGHER else -down,
            math.inf if self.worse == Worse.LOWER else up,
        )

    def beyond(self, difference: Difference) -> Worse | None:
        """Return the direction in which the whole interval lies beyond what is allowed; None if it does not."""
        least, greatest = self.allowed(difference.reference_value)
        if difference.low > greatest:
            return Worse.HIGHER
        return Worse.LOWER if difference.high < least else None


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric with a release, beside that with the reference.

    Attributes:
        metric: What the sentence calls the metric.
        reference: Version of the release that it is compared with.
        reference_value, value: Means.
        low, high: Ends of the interval of the difference, release less reference, in the metric's unit.
        confidence: What the interval is called by; that of all comparisons together.
        exact_after: Executions of the reference that gave equal values, if the metric is reproducible; else 0.
    """

    metric: str
    reference: str
    reference_value: float
    value: float
    low: float
    high: float
    confidence: float = 0.95
    exact_after: int = 0

    @property
    def estimate(self) -> float:
        """Return the difference of the means; 0 where both are equal up to rounding."""
        found = self.value - self.reference_value
        return 0.0 if self.exact_after and equal(self.value, self.reference_value) else found

    def __str__(self) -> str:
        said = f"{self.metric} {self.value:.6g} with this release, "
        if not self.estimate and self.exact_after:
            return f"{said}as with the reference {self.reference}"
        said += f"{self.reference_value:.6g} with the reference {self.reference}: "
        if self.exact_after:
            seen = f"no noise was seen in {self.exact_after} executions of the reference"
            return f"{said}{_direction(self.estimate)} by {abs(self.estimate):.3g} ({seen})"
        if self.low <= 0 <= self.high:
            seen = f"a change of {max(-self.low, self.high):.3g} or more would have been seen"
            return f"{said}not different within noise ({seen})"
        ends = sorted((abs(self.low), abs(self.high)))
        interval = f"{self.confidence:.0%} interval {ends[0]:.3g} to {ends[1]:.3g}"
        return f"{said}{_direction(self.estimate)} by {abs(self.estimate):.3g} ({interval})"


def _direction(difference: float) -> Worse:
    return Worse.HIGHER if difference > 0 else Worse.LOWER


def judge_difference(difference: Difference, aim: Aim, signal: str, *, undecided: bool = False) -> Judgement:
    """Return the verdict of a release.

    Args:
        difference: From the reference.
        aim: Which differences count.
        signal: The metric's name, for the fingerprint.
        undecided: The executions are too few for either verdict.
    """
    if not math.isfinite(difference.value):
        said = f"{signal} is {difference.value}"
        return Judgement(Verdict.BAD, said, Fingerprint(f"non-finite {signal}"))
    least, greatest = aim.allowed(difference.reference_value)
    bounds = [end for end in (least, greatest) if math.isfinite(end)]
    nearest = min(bounds, key=lambda bound: abs(bound - difference.estimate))
    effect = Effect(
        f"{difference.metric}, less that of {difference.reference}",
        difference.estimate,
        nearest,
        difference.low,
        difference.high,
        signal=signal,
        measured=difference.value,
    )
    said = str(difference)
    direction = aim.beyond(difference)
    if direction is not None:
        return Judgement(Verdict.BAD, said, Fingerprint(f"{signal} {direction}"), effect)
    if undecided:
        return Judgement(Verdict.SKIP, f"undecided: {said}", effect=effect, skip_kind=SkipKind.UNDECIDED)
    if not difference.low <= 0 <= difference.high:
        better = aim.worse != Worse.EITHER and aim.worse != _direction(difference.estimate)
        said += (
            ", which is better" if better else f", less than {aim.minimum_effect} times, which do not count"
        )
    return Judgement(Verdict.GOOD, said, effect=effect)
