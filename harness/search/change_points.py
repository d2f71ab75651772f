"""The noise model: where failures become more or less frequent, when any execution may fail by chance.

The releases, oldest first, are a hidden Markov chain with two levels: on the lower one an execution fails with a
probability `low`, on the upper one with a probability `high`. Nobody knows the two, so a grid of pairs is summed over:
"never fails" and "always fails" are on the grid, and so is every flaky level. Between two neighbouring releases the
level changes with a fixed prior probability, so any number of changes is weighed. "No change at all" is a hypothesis
of its own, with one failure rate for all releases.

For each pair of rates the forward-backward recursion gives the exact probabilities in time linear in the number of
releases: L. R. Rabiner, "A Tutorial on Hidden Markov Models", Proceedings of the IEEE 77(2), 1989, section III.
Change points in piecewise constant series: P. Fearnhead, "Exact and efficient Bayesian inference for multiple
changepoint problems", Statistics and Computing 16, 2006; D. Barry, J. A. Hartigan, JASA 88, 1993.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness.search.chains import TINY, Chains, Level, prior, run, together
from harness.search.rates import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

UNCHANGED = 0.5
"""Prior probability that nothing changes over the whole range."""

UNEXPECTED = 0.1
"""Prior probability that the oldest release is on the level that was not asked for."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Probabilities, given all executions; arrays are in the order of the releases.

    Attributes:
        unchanged: That nothing changes at all.
        rate: Mean failure rate of all releases, if nothing changes.
        bad: That a release is on the upper level, if something changes.
        regressed: That the i-th release is on the lower level and the next one on the upper.
        fixed: The reverse.
        telling: Bits that one more execution of a release tells of its level and of whether anything changes.
        forecast: That one more execution of a release fails.
    """

    unchanged: float
    rate: float
    bad: Numbers
    regressed: Numbers
    fixed: Numbers
    telling: Numbers
    forecast: Numbers


@lru_cache(maxsize=64)
def posterior(levels: tuple[Level, ...], *, find_fix: bool = False) -> Posterior:
    """Weigh every hypothesis about releases in order.

    Args:
        levels: At least one release, oldest first, without those that cannot be tested. Where positions are left
            out, the level may have changed and changed back between.
        find_fix: A repair is expected: the oldest release is rather bad.
    """
    return posteriors((levels,), find_fix=find_fix)[0]


def posteriors(chains: Sequence[tuple[Level, ...]], *, find_fix: bool = False) -> list[Posterior]:
    """Weigh several chains at once, which is much quicker than one after the other.

    Args:
        chains: At least one, all of the same length; each as `posterior` takes it.
        find_fix: A repair is expected: the oldest release is rather bad.
    """
    rates = grid()
    priors = [prior(tuple(level.position for level in chain)) for chain in chains]
    start = np.array([UNEXPECTED, 1 - UNEXPECTED]) if find_fix else np.array([1 - UNEXPECTED, UNEXPECTED])
    found = run(chains, priors, start)
    alone = together(chains, rates.single, rates.single >= 0.5)
    differ = np.array([one.differ for one in priors])[:, None]
    changed = np.log(rates.pair_weight * (1 - UNCHANGED)) + found.evidence - differ
    same = np.log(rates.single_weight * UNCHANGED) + alone
    if len(chains[0]) == 1:
        changed[:] = -np.inf
    top = np.maximum(changed.max(axis=1), same.max(axis=1))[:, None]
    changed, same = np.exp(changed - top), np.exp(same - top)
    total = (changed.sum(axis=1) + same.sum(axis=1))[:, None]
    return _summed(found, changed / total, same / total)


def _summed(found: Chains, changed: Numbers, same: Numbers) -> list[Posterior]:
    """Sum over the failure rates.

    Args:
        found: What holds of each chain, given at least one change.
        changed: float64 [chains, pairs], the probability of at least one change and of a pair of rates.
        same: float64 [chains, singles], the probability of no change and of a rate.
    """
    (low, high), single = grid().pairs, grid().single
    unchanged, failing = same.sum(axis=1), same @ single
    weights = np.stack([changed, changed * high, changed * low], axis=2)
    upper = np.clip(found.upper @ weights, 0.0, weights.sum(axis=1)[:, None])  # chain, release, weight
    lower = weights.sum(axis=1)[:, None] - upper
    up, down = (np.clip(part @ weights[:, :, :1], 0.0, 1.0)[:, :, 0] for part in (found.up, found.down))
    telling, forecast = _telling(
        (upper[:, :, 0], upper[:, :, 1]),
        (lower[:, :, 0], lower[:, :, 2]),
        (unchanged[:, None], failing[:, None]),
    )
    bad = upper[:, :, 0] / np.maximum(1 - unchanged, TINY)[:, None]
    rate = np.where(unchanged > 0, failing / np.maximum(unchanged, TINY), 0.5)
    parts = (unchanged.tolist(), rate.tolist(), bad, up, down, telling, forecast)
    return [Posterior(*one) for one in zip(*parts, strict=True)]


def _telling(*states: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Return the bits an execution tells, and the probability that it fails.

    The execution's outcome and the release's state share H(outcome) - sum of P(state) H(outcome | state).

    Args:
        states: Probability of the state, and of the state together with a failure; the states are the upper level, the
            lower level, and "nothing changes".
    """
    fails = np.clip(sum(failing for _, failing in states), 0.0, 1.0)
    left = sum(weight * _entropy(failing / np.maximum(weight, TINY)) for weight, failing in states)
    return np.maximum(_entropy(fails) - left, 0.0), fails


def _entropy(chance: Numbers) -> Numbers:
    inside = np.clip(chance, 1e-12, 1 - 1e-12)
    bits: Numbers = -inside * np.log2(inside) - (1 - inside) * np.log2(1 - inside)
    return bits
