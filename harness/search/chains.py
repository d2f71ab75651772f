"""The recursion of the noise model: hidden Markov chains with two levels, summed over where the level changes.

Many chains and many pairs of failure rates are computed side by side: numpy does the same few products for all of them.
L. R. Rabiner, "A Tutorial on Hidden Markov Models", Proceedings of the IEEE 77(2), 1989, sections III and V.A (scaling).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.search.rates import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

CHANGES = 1.0
"""Changes that are expected over the whole range, where there are any."""

STRETCH = 16
"""Releases after which the sums are scaled. In between they shrink at the most by the probability of a change each."""

UPPER = np.array([[False], [True]])
"""Which of two levels is the upper one."""

TINY = 1e-300
"""Stands for zero where a number divides or has a logarithm."""


class Level(NamedTuple):
    """What is known of one release before the model is asked.

    Attributes:
        position: The release.
        failures, executions: How often it failed, of how many executions with a verdict.
        assumed: Whether it is bad, where that holds without an execution; else None. It has no executions then.
    """

    position: int
    failures: int = 0
    executions: int = 0
    assumed: bool | None = None


class Prior(NamedTuple):
    """What is believed of the places of changes beforehand.

    Attributes:
        switching: float64 [releases - 1], the probability that the levels of two neighbours differ.
        kept: Logarithm of the probability that no two differ.
        differ: Logarithm of the probability that any two differ; of a single release it has no meaning.
    """

    switching: Numbers
    kept: float
    differ: float


@dataclass(frozen=True, slots=True)
class Chains:
    """What holds of several chains, for each pair of rates, given at least one change.

    Attributes:
        upper: float64 [chains, releases, pairs], the probability of the upper level.
        up, down: float64 [chains, releases - 1, pairs], the probability of a change upwards, and of one downwards.
        evidence: float64 [chains, pairs], the logarithm of the evidence of at least one change.
    """

    upper: Numbers
    up: Numbers
    down: Numbers
    evidence: Numbers


@lru_cache(maxsize=256)
def prior(positions: tuple[int, ...]) -> Prior:
    """Return the prior of releases at these positions."""
    places = np.array(positions, dtype=np.float64)
    span = max(1.0, places[-1] - places[0])
    each = min(0.4, CHANGES / span)
    switching: Numbers = 0.5 * (1 - (1 - 2 * each) ** np.diff(places))
    differ = float(1 - np.prod(1 - switching))
    return Prior(switching, float(np.log(1 - switching).sum()), float(np.log(max(differ, TINY))))


def logarithm(failures: Numbers, passes: Numbers, rate: Numbers) -> Numbers:
    """Return the logarithm of the probability of outcomes, in their order, where executions fail at a rate."""
    with np.errstate(divide="ignore", invalid="ignore"):
        failing = np.where(failures > 0, failures * np.log(rate), 0.0)
        passing = np.where(passes > 0, passes * np.log(1 - rate), 0.0)
    both: Numbers = failing + passing
    return both


def together(chains: Sequence[Sequence[Level]], rate: Numbers, worse: NDArray[np.bool_]) -> Numbers:
    """Return the logarithm of the probability of all outcomes if all releases fail at the same rate.

    Args:
        chains: The releases of each chain.
        rate: Failure rates, of any shape.
        worse: Whether a rate is one of a release that is assumed to be bad; its shape spreads to that of the rates.

    Returns:
        float64 [chains, *rates].
    """
    columns = [tuple(zip(*chain, strict=True)) for chain in chains]
    shape = (-1,) + (1,) * rate.ndim
    failures = np.array([float(sum(failed)) for _, failed, _, _ in columns]).reshape(shape)
    executions = np.array([float(sum(executed)) for _, _, executed, _ in columns]).reshape(shape)
    found = logarithm(failures, executions - failures, rate)
    for place, (*_, assumed) in enumerate(columns):
        for verdict in {*assumed} - {None}:
            found[place] += np.where(worse == verdict, 0.0, -np.inf)
    return found


def run(chains: Sequence[Sequence[Level]], priors: Sequence[Prior], start: Numbers) -> Chains:
    """Run the recursion forwards and backwards.

    Args:
        chains: All of the same length.
        priors: One a chain.
        start: float64 [level], the prior of the oldest release.
    """
    likelihood, evidence = _likelihoods(chains)
    stayed = together(chains, grid().pairs, UPPER).swapaxes(0, 1)
    switching = np.array([one.switching for one in priors]).T[:, :, None]  # gap, chain, 1
    ahead, scale = _forwards(likelihood, switching, start)
    behind, onwards = _backwards(likelihood, switching)
    evidence += scale
    kept = np.array([one.kept for one in priors])[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        stayed += np.log(start)[:, None, None] + kept - evidence
        stayed = np.where(evidence > -np.inf, np.exp(stayed), 0.0)
        changes = np.clip(1 - stayed.sum(axis=0), 0.0, 1.0)
        evidence += np.log(changes)
    per_change = 1 / np.maximum(changes, 1e-12)
    behind *= ahead
    every = per_change / np.maximum(behind[:, 0] + behind[:, 1], TINY)
    upper = behind[:, 1]
    upper *= every
    upper -= stayed[1] * per_change
    every = every[:-1] * switching
    up, down = ahead[:-1, 0] * onwards[1:, 1], ahead[:-1, 1] * onwards[1:, 0]
    up *= every
    down *= every
    return Chains(upper.swapaxes(0, 1), up.swapaxes(0, 1), down.swapaxes(0, 1), evidence)


def _likelihoods(chains: Sequence[Sequence[Level]]) -> tuple[Numbers, Numbers]:
    """Return the probability of what was seen.

    Returns:
        float64 [releases, level, chains, pairs], in units of the more probable level's; float64 [chains, pairs], the
        logarithm of these units, of all releases together.
    """
    places: dict[tuple[int, int, bool | None], int] = {}
    order = [[places.setdefault(level[1:], len(places)) for level in chain] for chain in chains]
    shares, units = (np.array(kind) for kind in zip(*(_likelihood(*seen) for seen in places), strict=True))
    at = np.array(order).T  # release, chain
    by_level = 2 * at[:, None] + np.array([[0], [1]])
    return shares.reshape(-1, shares.shape[-1])[by_level], units[at].sum(axis=0)


@lru_cache(maxsize=4096)
def _likelihood(failures: int, executions: int, assumed: bool | None) -> tuple[Numbers, Numbers]:
    """Return float64 [level, pairs] and [pairs]: of one release, as `_likelihoods` does."""
    (logs,) = together([[Level(0, failures, executions, assumed)]], grid().pairs, UPPER)
    unit = logs.max(axis=0)
    with np.errstate(invalid="ignore"):
        return np.where(unit > -np.inf, np.exp(logs - unit), 1.0), unit


def _forwards(likelihood: Numbers, switching: Numbers, start: Numbers) -> tuple[Numbers, Numbers]:
    """Return the probability of the level and of all outcomes up to each release, and the logarithm of its scale."""
    staying = 1 - switching
    states, other = np.empty_like(likelihood), np.empty_like(likelihood[0])
    scale = np.zeros_like(likelihood[0, 0])
    state = np.multiply(start[:, None, None], likelihood[0], out=states[0])
    for index in range(1, len(likelihood)):
        np.multiply(state[::-1], switching[index - 1], out=other)
        state = np.multiply(state, staying[index - 1], out=states[index])
        state += other
        state *= likelihood[index]
        if index % STRETCH == 0:
            total = np.maximum(state.sum(axis=0), TINY)
            state /= total
            scale += np.log(total)
    return states, scale + np.log(np.maximum(state.sum(axis=0), TINY))


def _backwards(likelihood: Numbers, switching: Numbers) -> tuple[Numbers, Numbers]:
    """Return the probability of all outcomes after each release, given its level; and the same from it on."""
    staying = 1 - switching
    states, onwards, other = (
        np.empty_like(likelihood),
        np.empty_like(likelihood),
        np.empty_like(likelihood[0]),
    )
    states[-1] = 1.0
    for index in range(len(likelihood) - 1, 0, -1):
        here = np.multiply(states[index], likelihood[index], out=onwards[index])
        if index % STRETCH == 0:
            here /= np.maximum(here.sum(axis=0), TINY)
        np.multiply(here[::-1], switching[index - 1], out=other)
        state = np.multiply(here, staying[index - 1], out=states[index - 1])
        state += other
    return states, onwards
