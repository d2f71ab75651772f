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
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SELDOM = (0.001, 0.004, 0.015)
"""Rates of what fails so seldom that only hundreds of executions show it; their mirror images are on the grid too."""

OFTEN = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Flaky rates of the grid between them."""

LIGHT = 0.25
"""Prior weight of a seldom rate, in units of one that is not."""

LEAST_EFFECT = 0.2
"""Least difference of two failure rates that counts as a change."""

EXACT, NEVER, ALWAYS, FLAKY = 0.15, 0.25, 0.2, 0.4
"""Prior weights of the pairs of rates: never and always; never and flaky; flaky and always; both flaky.

Chosen by simulation (`nox -s bench-search`): "exact" is as light as lets a noiseless range of 33 gaps be confirmed
with three executions of a side. The lighter it is, the less is noise that happens not to show taken for none.
"""

UNCHANGED = 0.5
"""Prior probability that nothing changes over the whole range."""

CHANGES = 1.0
"""Changes that are expected over the whole range, where there are any."""

UNEXPECTED = 0.1
"""Prior probability that the oldest release is on the level that was not asked for."""


_LEAST = 1e-200
"""Probability below which a pair of rates is held for impossible."""


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of one release before the model is asked.

    Attributes:
        position: The release.
        failures, executions: How often it failed, of how many executions with a verdict.
        assumed: Whether it is bad, where that holds without an execution; else None.
    """

    position: int
    failures: int = 0
    executions: int = 0
    assumed: bool | None = None


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


@dataclass(frozen=True, slots=True)
class Rates:
    """The grid: pairs of failure rates, and single rates for no change, each with prior weights that sum to one."""

    low: Numbers
    high: Numbers
    pair_weight: Numbers
    single: Numbers
    single_weight: Numbers


@cache
def grid() -> Rates:
    """Return the failure rates that are summed over."""
    flaky = dict.fromkeys(SELDOM, LIGHT) | dict.fromkeys(OFTEN, 1.0)
    flaky |= {1 - rate: LIGHT for rate in reversed(SELDOM)}

    def shared(whole: float, pairs: dict[tuple[float, float], float]) -> list[tuple[float, float, float]]:
        wide = {pair: part for pair, part in pairs.items() if pair[1] - pair[0] >= LEAST_EFFECT - 1e-9}
        return [(low, high, whole * part / sum(wide.values())) for (low, high), part in wide.items()]

    pairs = [
        (0.0, 1.0, EXACT),
        *shared(NEVER, {(0.0, rate): part for rate, part in flaky.items()}),
        *shared(ALWAYS, {(rate, 1.0): part for rate, part in flaky.items()}),
        *shared(FLAKY, {(low, high): flaky[low] * flaky[high] for low in flaky for high in flaky}),
    ]
    low, high, weight = (np.array(column) for column in zip(*pairs, strict=True))
    single = {0.0: 1.0} | flaky | {1.0: 1.0}
    parts = np.array(list(single.values()))
    return Rates(low, high, weight, np.array(list(single)), parts / parts.sum())


@lru_cache(maxsize=16)
def posterior(levels: tuple[Level, ...], *, find_fix: bool = False) -> Posterior:
    """Weigh every hypothesis about releases in order.

    Args:
        levels: At least one release, oldest first, without those that cannot be tested. Where positions are left
            out, the level may have changed and changed back between.
        find_fix: A repair is expected: the oldest release is rather bad.
    """
    rates = grid()
    failures = np.array([float(level.failures) for level in levels])[:, None]
    passes = np.array([float(level.executions - level.failures) for level in levels])[:, None]
    below = _likelihood(failures, passes, rates.low)
    above = _likelihood(failures, passes, rates.high)
    alone = _likelihood(failures, passes, rates.single)
    for index, level in enumerate(levels):
        if level.assumed is not None:
            below[index] = -np.inf if level.assumed else 0.0
            above[index] = 0.0 if level.assumed else -np.inf
            alone[index] = np.where((rates.single >= 0.5) == level.assumed, 0.0, -np.inf)
    largest = np.maximum(below.max(axis=1), above.max(axis=1))[:, None]
    return _combine(
        levels, rates, np.exp(below - largest), np.exp(above - largest), alone - largest, find_fix=find_fix
    )


def _likelihood(failures: Numbers, passes: Numbers, rate: Numbers) -> Numbers:
    """Return the logarithm of the probability of the outcomes, in their order: a row a release, a column a rate."""
    with np.errstate(divide="ignore", invalid="ignore"):
        failing = np.where(failures > 0, failures * np.log(rate), 0.0)
        passing = np.where(passes > 0, passes * np.log(1 - rate), 0.0)
    logarithm: Numbers = failing + passing
    return logarithm


def _switching(levels: Sequence[Level]) -> Numbers:
    """Return, a gap between neighbours, the prior probability that their levels differ."""
    positions = np.array([level.position for level in levels], dtype=np.float64)
    span = max(1.0, positions[-1] - positions[0])
    each = min(0.4, CHANGES / span)
    differ: Numbers = 0.5 * (1 - (1 - 2 * each) ** np.diff(positions))
    return differ


def _combine(
    levels: Sequence[Level],
    rates: Rates,
    below: Numbers,
    above: Numbers,
    alone: Numbers,
    *,
    find_fix: bool,
) -> Posterior:
    switching = _switching(levels)
    start = np.array([UNEXPECTED, 1 - UNEXPECTED]) if find_fix else np.array([1 - UNEXPECTED, UNEXPECTED])
    on_upper, up, down, evidence = _chain(below, above, switching, start)
    stay = 1 - np.prod(1 - switching)  # prior probability of any change at all, given the chain
    with np.errstate(divide="ignore"):
        changed = np.log(rates.pair_weight * (1 - UNCHANGED)) + evidence - np.log(max(float(stay), 1e-300))
        same = np.log(rates.single_weight * UNCHANGED) + alone.sum(axis=0)
    top = max(float(changed.max()), float(same.max()))
    if not np.isfinite(top):  # what is assumed contradicts every hypothesis
        nothing = np.zeros(len(levels))
        return Posterior(0.0, 0.5, nothing + 0.5, nothing[1:], nothing[1:], nothing, nothing + 0.5)
    changed, same = np.exp(changed - top), np.exp(same - top)
    total = changed.sum() + same.sum()
    changed, same = changed / total, same / total
    unchanged = float(same.sum())
    weighed = on_upper @ changed
    rate = float(same @ rates.single / unchanged) if unchanged else 0.5
    telling, forecast = _telling(rates, on_upper, changed, same)
    return Posterior(
        unchanged=unchanged,
        rate=rate,
        bad=weighed / max(1 - unchanged, 1e-300),
        regressed=up @ changed,
        fixed=down @ changed,
        telling=telling,
        forecast=forecast,
    )


def _chain(
    below: Numbers, above: Numbers, switching: Numbers, start: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Run the forward-backward recursion for all pairs of rates at once.

    Returns:
        Given at least one change: probability of the upper level, a release; of a change upwards and of one downwards,
        a gap; and the logarithm of the evidence of at least one change, a pair of rates.
    """
    count, pairs = below.shape
    likelihood = np.stack([below, above], axis=1)  # release, level, pair
    forward, backward = np.empty((count, 2, pairs)), np.ones((count, 2, pairs))
    scale = np.empty((count, pairs))
    state = start[:, None] * likelihood[0]
    for index in range(count):
        if index:
            switch = switching[index - 1]
            state = (state * (1 - switch) + state[::-1] * switch) * likelihood[index]
        scale[index] = np.maximum(state[0] + state[1], _LEAST)
        state = np.divide(state, scale[index], out=forward[index])
    possible = (scale > _LEAST).all(axis=0)
    scale[:, ~possible], forward[:, :, ~possible] = 1.0, 0.0
    weighted = likelihood / scale[:, None]
    ahead = backward[-1]
    for index in range(count - 1, 0, -1):
        switch = switching[index - 1]
        ahead = ahead * weighted[index]
        ahead = np.add(ahead * (1 - switch), ahead[::-1] * switch, out=backward[index - 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = np.where(possible, np.log(scale).sum(axis=0), -np.inf)
        kept = np.log(1 - switching).sum()
        stayed = np.exp(np.log(start)[:, None] + kept + np.log(likelihood).sum(axis=0) - evidence)
    stayed = np.where(possible, stayed, 0.0)
    any_change = np.clip(1 - stayed.sum(axis=0), 0.0, 1.0)
    on_upper = np.clip((forward * backward)[:, 1] - stayed[1], 0.0, None)
    onwards = weighted[1:] * backward[1:]
    up = forward[:-1, 0] * switching[:, None] * onwards[:, 1]
    down = forward[:-1, 1] * switching[:, None] * onwards[:, 0]
    least = np.maximum(any_change, 1e-12)
    with np.errstate(divide="ignore"):
        evidence = evidence + np.log(any_change)
    return np.minimum(on_upper / least, 1.0), up / least, down / least, evidence


def _telling(rates: Rates, on_upper: Numbers, changed: Numbers, same: Numbers) -> tuple[Numbers, Numbers]:
    """Return the bits an execution tells, and the probability that it fails.

    The execution's outcome and the release's state share H(outcome) - sum of P(state) H(outcome | state); the states
    are the lower level, the upper level, and "nothing changes".
    """
    upper, lower = on_upper * changed, (1 - on_upper) * changed
    states = [
        (upper.sum(axis=1), upper @ rates.high),
        (lower.sum(axis=1), lower @ rates.low),
        (np.full(len(on_upper), same.sum()), np.full(len(on_upper), same @ rates.single)),
    ]
    fails = np.clip(sum(failing for _, failing in states), 0.0, 1.0)
    left = sum(weight * _entropy(failing / np.maximum(weight, 1e-300)) for weight, failing in states)
    return np.maximum(_entropy(fails) - left, 0.0), fails


def _entropy(chance: Numbers) -> Numbers:
    inside = np.clip(chance, 1e-12, 1 - 1e-12)
    bits: Numbers = -inside * np.log2(inside) - (1 - inside) * np.log2(1 - inside)
    return bits
