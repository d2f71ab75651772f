"""A metric that differs between executions of one release: two releases interleaved, A B B A …, and compared.

What drifts slowly hits both halves of a pair alike, so the differences within pairs are free of the drift. Of equal
releases they scatter symmetrically about 0, whatever the metric's own distribution. The interval is Student's for
paired differences; it is looked at after 4, 8, 16 … pairs, and the looks share the risk (Bonferroni).

Further pairs end where the answer is known: the interval lies beyond what is allowed, or the difference is so small
that the last look will hardly tell it from noise. After the last look, a difference that a single comparison would
call real, but all comparisons together would not, is undecided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, NamedTuple

from harness.verdicts.difference import Difference, judge_difference
from harness.verdicts.noise import student_quantile
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.verdicts.difference import Aim
    from harness.verdicts.noise import NoiseFloor

FIRST_LOOK = 4
"""Pairs before the first look."""
_UNCORRECTED = 0.05
"""Risk at which a difference that is not beyond the shared risk is still called undecided."""
_HOPELESS = 0.5
"""Share of the last look's half-width: a smaller difference is not followed further."""

Pair = tuple[float, float]
"""Values of two executions right after each other: with the reference, with the release."""


class Metric(NamedTuple):
    """What is compared: the name for fingerprints, the name in sentences, and the release compared with."""

    signal: str
    said: str
    reference: str


@dataclass(frozen=True, slots=True)
class Looks:
    """When the pairs are looked at, and at which risk.

    Attributes:
        pairs: How many there are at each look.
        risk: Of calling noise a change, at each look.
    """

    pairs: tuple[int, ...]
    risk: float

    @classmethod
    def of(cls, most: int, aim: Aim) -> Looks:
        """Return the looks that so many pairs at most allow; the first one is always there."""
        pairs = [FIRST_LOOK]
        while 2 * pairs[-1] <= most:
            pairs.append(2 * pairs[-1])
        return cls(tuple(pairs), aim.risk / len(pairs))


def judge_interleaved(
    metric: Metric, pairs: Sequence[Pair], floor: NoiseFloor, aim: Aim, most: int
) -> Judgement:
    """Judge by the first look that decides; a skip if none does.

    Args:
        metric: Its names, and the version of the first release of each pair.
        pairs: In order.
        floor: What executions of the reference differ by.
        aim: Which differences count.
        most: Pairs that one comparison may take.
    """
    looks = Looks.of(most, aim)
    judged = Judgement(
        Verdict.SKIP, f"undecided: {len(pairs)} pairs are too few", skip_kind=SkipKind.UNDECIDED
    )
    for look in looks.pairs:
        if look > len(pairs):
            break
        judged = _judge(metric, pairs[:look], floor, aim, looks)
        if judged.verdict != Verdict.SKIP:
            break
    return judged


def _judge(metric: Metric, pairs: Sequence[Pair], floor: NoiseFloor, aim: Aim, looks: Looks) -> Judgement:
    own, its = (fmean(side) for side in zip(*pairs, strict=True))
    difference = its - own
    deviation, freedom = paired_deviation([b - a for a, b in pairs], floor)

    def half_width(count: int, risk: float, free: int = freedom) -> float:
        return student_quantile(1 - risk / 2, free) * deviation / math.sqrt(count)

    count, last = len(pairs), looks.pairs[-1]
    half = half_width(count, looks.risk)
    found = Difference(
        metric.said,
        metric.reference,
        own,
        its,
        difference - half,
        difference + half,
        confidence=aim.confidence,
    )
    least, greatest = aim.allowed(own)
    outside = max(difference - greatest, least - difference, 0.0)
    if count < last:
        undecided = outside > _HOPELESS * half_width(last, looks.risk, freedom + last - count)
    else:
        undecided = outside > half_width(count, min(_UNCORRECTED, 1 - aim.confidence))
    return judge_difference(found, aim, metric.signal, undecided=undecided)


def paired_deviation(differences: Sequence[float], floor: NoiseFloor) -> tuple[float, int]:
    """Return the standard deviation of differences within pairs, and its degrees of freedom.

    The variance is pooled from the pairs and from the A/A runs, of which two differ by twice the variance of one. It
    is never less than that of the pairs alone, for a release may be noisier than the reference.
    """
    own, free = stdev(differences), len(differences) - 1
    freedom = floor.freedom + free
    pooled = math.sqrt((floor.freedom * 2 * floor.deviation**2 + free * own**2) / freedom)
    return max(own, pooled), freedom
