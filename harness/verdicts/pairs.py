"""Is a release slower? Interleaved with the reference, R X X R R X X R …, and judged by ratios within pairs.

A machine's speed drifts: it heats up, others use it. What drifts slowly hits both sides of a pair alike, and the turns
let it help either side as often as the other. Of the pairs' ratios no distribution is assumed but that they scatter
symmetrically, on a logarithmic scale, about the true one: the interval is the one of Wilcoxon's signed-rank test
(Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3.3), exact for any number of pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.traces.measured import figure, higher_is_worse
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHARES = (5 / 8, 2 / 8, 1 / 8)
"""The risk of a wrong verdict, shared among the looks at the pairs: after each, execution may end (Bonferroni)."""


@dataclass(frozen=True, slots=True)
class Look:
    """When to look: after so many pairs, with an interval that misses the true ratio with chance `risk` at most."""

    pairs: int
    risk: float


def looks(confidence: float, most: int) -> list[Look]:
    """Return when to look, at most three times; the first one is always there, since no fewer pairs can decide.

    Args:
        confidence: Of one comparison, all of its looks together.
        most: Pairs that one comparison may take.
    """
    risks = [(1 - confidence) * share for share in _SHARES]
    first = math.ceil(math.log2(2 / risks[0]) - 1e-9)  # all pairs of one sign: 2 · 2^-n
    first += first % 2  # whole turns of R X X R
    found = [Look(first * 2**place, risk) for place, risk in enumerate(risks)]
    return [found[0], *(look for look in found[1:] if look.pairs <= most)]


def judge_pairs(
    name: str, reference: str, pairs: Sequence[tuple[float, float]], settings: Mapping[str, Any]
) -> Judgement:
    """Judge by the first look that decides; a skip if none does yet.

    Bad is a release whose whole interval lies beyond `minimum_effect`, good one whose whole interval lies within.

    Args:
        name: The metric.
        reference: Version of the release that is known to be good.
        pairs: (reference's, release's) metric of each pair, in order.
        settings: `minimum_effect`, `confidence`, `pairs` and `higher_is_worse`.
    """
    if any(not (math.isfinite(value) and value > 0) for pair in pairs for value in pair):
        return _no_ratio(name)
    stated = settings["higher_is_worse"]
    sign = 1 if (higher_is_worse(name) if stated is None else stated) else -1
    bound = math.log(settings["minimum_effect"])
    worse = [sign * math.log(its / own) for own, its in pairs]
    said, effect = f"undecided: {len(pairs)} pairs are too few", None
    for look in looks(settings["confidence"], settings["pairs"]):
        if look.pairs > len(pairs):
            break
        low, middle, high = interval(worse[: look.pairs], look.risk)
        ratio, *ends = (math.exp(sign * value) for value in (middle, low, high))
        effect = Effect(
            f"{name}, times that of {reference}", ratio, math.exp(sign * bound), min(ends), max(ends)
        )
        said = _said(name, reference, pairs[: look.pairs], effect, settings["confidence"])
        if low > bound:
            return Judgement(Verdict.BAD, said, Fingerprint(f"{name} worse"), effect)
        if high <= bound:
            return Judgement(Verdict.GOOD, said, effect=effect)
        said = f"undecided: {said}"
    return Judgement(Verdict.SKIP, said, effect=effect, skip_kind=SkipKind.UNDECIDED)


def _no_ratio(name: str) -> Judgement:
    return Judgement(
        Verdict.SKIP,
        f"{name} has no ratio: a value of it is not above 0",
        skip_kind=SkipKind.NOT_COMPARABLE,
    )


def judge_change(
    name: str, before: str, pairs: Sequence[tuple[float, float]], confidence: float, most: int
) -> Judgement:
    """Judge whether two releases differ at all, whichever is the worse: bad if they do, a skip if that stays open.

    Args:
        name: The metric.
        before: Version of the first release of each pair.
        pairs: Values with the first and with the second release, in order.
        confidence: Of the comparison, all of its looks together.
        most: Pairs that it may take.
    """
    if any(not (math.isfinite(value) and value > 0) for pair in pairs for value in pair):
        return _no_ratio(name)
    logs = [math.log(its / own) for own, its in pairs]
    judged = Judgement(
        Verdict.SKIP, f"undecided: {len(pairs)} pairs are too few", skip_kind=SkipKind.UNDECIDED
    )
    for look in looks(confidence, most):
        if look.pairs > len(pairs):
            break
        low, middle, high = interval(logs[: look.pairs], look.risk)
        ratio, *ends = (math.exp(value) for value in (middle, low, high))
        effect = Effect(f"{name}, times that of {before}", ratio, 1.0, ends[0], ends[1])
        said = _beside(name, before, pairs[: look.pairs], effect, confidence)
        if low > 0 or high < 0:
            direction = "higher" if low > 0 else "lower"
            return Judgement(Verdict.BAD, said, Fingerprint(f"{name} {direction}"), effect)
        judged = Judgement(Verdict.SKIP, f"undecided: {said}", effect=effect, skip_kind=SkipKind.UNDECIDED)
    return judged


def _said(
    name: str, reference: str, pairs: Sequence[tuple[float, float]], effect: Effect, confidence: float
) -> str:
    return f"{_beside(name, reference, pairs, effect, confidence)}, {effect.bound:.3g} is allowed"


def _beside(
    name: str, reference: str, pairs: Sequence[tuple[float, float]], effect: Effect, confidence: float
) -> str:
    own, its = (median(side) for side in zip(*pairs, strict=True))
    return (
        f"{name} {figure(name, its)} against {figure(name, own)} with {reference}, {effect.value:.3f} times as much "
        f"({confidence:.0%} interval {effect.low:.3f} to {effect.high:.3f} of {len(pairs)} pairs interleaved)"
    )


def interval(values: Sequence[float], risk: float) -> tuple[float, float, float]:
    """Return lower end, Hodges and Lehmann's estimate, and upper end of what values scatter symmetrically about.

    Args:
        values: Independent.
        risk: Chance of an interval that misses it, at most; values enough for that must be there.

    Raises:
        ValueError: There are too few values.
    """
    averages = sorted((values[i] + values[j]) / 2 for i in range(len(values)) for j in range(i, len(values)))
    outside = -1
    below = 0
    counts = _rank_sums(len(values))
    allowed = risk / 2 * 2 ** len(values) * (1 + 1e-9)
    for total, count in enumerate(counts):
        below += count
        if below > allowed:
            break
        outside = total
    if outside < 0:
        raise ValueError(f"{len(values)} values give no interval at a risk of {risk}")
    return averages[outside], median(averages), averages[-1 - outside]


@cache
def _rank_sums(count: int) -> tuple[int, ...]:
    """Return in how many ways a subset of the ranks 1 to `count` has each sum, from 0 on."""
    ways = [1]
    for rank in range(1, count + 1):
        longer = ways + [0] * rank
        for total, before in enumerate(ways):
            longer[total + rank] += before
        ways = longer
    return tuple(ways)
