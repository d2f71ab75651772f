"""Where to split a group of changes: as near to half of the suspicion as possible, in a mixture that can be had.

A mixture that gave no evidence although no known tie forbids it hides a tie: some change in it needs one that is
not. Every pair that could be this tie, and that no executed mixture refutes, is as probable as any other; a split is
worth its information times the probability that no hidden tie breaks it.
"""

from __future__ import annotations

import random
from math import log2
from typing import TYPE_CHECKING

import numpy as np

from harness.search.mixtures import Belief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from harness.search.mixtures import Evidence
    from harness.search.ties import Mixture

LEAST_CHANCE = 0.02
"""Probability below which a mixture is not tried."""

SHUFFLES = 4
"""Other orders of the changes that are tried once a mixture between the two sides gave no evidence."""


class HiddenTies:
    """The pairs of changes that may hide a tie, each with a probability.

    Attributes:
        pairs: float64 [n, n]; [p, q] is how probable it is that p needs q.
    """

    def __init__(self, evidence: Evidence) -> None:
        """Weigh the mixtures that gave no evidence against what the executed ones refute."""
        count = len(evidence.everything)
        possible = np.ones((count, count), dtype=bool)
        for belief in (Belief.GOOD, Belief.BAD):
            for mixture in evidence.believed(belief):
                possible &= ~_apart(mixture, count)
        self.pairs = np.zeros((count, count))
        for mixture in evidence.unexplained():
            suspects = possible & _apart(mixture, count)
            if suspects.any():
                self.pairs = np.maximum(self.pairs, suspects / suspects.sum())

    def chances(self, mixtures: Sequence[Mixture]) -> NDArray[np.float64]:
        """Return for each mixture the probability that no hidden tie forbids it."""
        if not self.pairs.any():
            return np.ones(len(mixtures))
        applied = np.zeros((len(mixtures), len(self.pairs)))
        for row, mixture in enumerate(mixtures):
            applied[row, list(mixture)] = 1
        # Not by BLAS, whose threads cost more than so small a product.
        broken = np.einsum("mp,pq,mq->m", applied, self.pairs, 1 - applied)
        return np.asarray(np.exp(-broken))


def splits(
    evidence: Evidence, low: Mixture, high: Mixture, order: Sequence[int], weight: Callable[[int], float]
) -> Mixture | None:
    """Return the best mixture between two others that tells which half of the changes matters; None if none is left.

    Args:
        evidence: All that was observed.
        low: No tie forbids it.
        high: No tie forbids it; `low` lies within.
        order: Changes, the most suspicious first.
        weight: Suspicion of a change, above 0.
    """
    total = sum(map(weight, high - low))
    holes = any(low < mixture < high for mixture in evidence.unexplained())
    candidates = [
        mixture
        for mixture in dict.fromkeys(_candidates(evidence, low, high, order, SHUFFLES if holes else 0))
        if evidence.belief(mixture) is None
    ]
    if not candidates:
        return None
    chances = HiddenTies(evidence).chances(candidates)
    told = np.array([_bits_told(sum(map(weight, mixture - low)) / total) for mixture in candidates])
    best = int(np.argmax(told * np.where(chances < LEAST_CHANCE, 0, chances)))
    return candidates[best] if chances[best] >= LEAST_CHANCE else None


def _candidates(
    evidence: Evidence, low: Mixture, high: Mixture, order: Sequence[int], shuffles: int
) -> Iterator[Mixture]:
    """Yield mixtures strictly between: the good side plus a part, and the bad side minus the same part."""
    for number in range(shuffles + 1):
        shuffled = list(order)
        if number:
            random.Random(number).shuffle(shuffled)  # noqa: S311 - an order, no secret
        for mixture in evidence.ties.chain(low, high, shuffled)[1:-1]:
            yield mixture
            rest = evidence.ties.without(high, mixture - low, keep=low)
            if low < rest:
                yield rest


def _bits_told(share: float) -> float:
    """Return the entropy of a yes-or-no answer in bits (Shannon 1948)."""
    return -share * log2(share) - (1 - share) * log2(1 - share) if 0 < share < 1 else 0.0


def _apart(mixture: Mixture, count: int) -> NDArray[np.bool_]:
    """Return [n, n]: whether the first change is applied and the second is not."""
    applied = np.zeros(count, dtype=bool)
    applied[list(mixture)] = True
    return np.outer(applied, ~applied)
