"""The failure rates that the noise model sums over: pairs of a lower and an upper one, and single ones for no change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Rates:
    """The grid, each part with prior weights that sum to one.

    Attributes:
        pairs: float64 [2, pairs], the failure rates on the lower and on the upper level.
        pair_weight: float64 [pairs].
        single: float64 [singles], the failure rates if nothing changes.
        single_weight: float64 [singles].
    """

    pairs: Numbers
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
    return Rates(np.array([low, high]), weight, np.array(list(single)), parts / parts.sum())
