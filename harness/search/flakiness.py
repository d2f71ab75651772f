"""The noise model: where a single boundary lies when any run may show the wrong verdict.

The good and the bad side each have an error rate that nobody knows. A prior over both is integrated out, as in
Bayesian search with unknown observation noise (Ben-Or and Hassidim, "The Bayesian learner is optimal for noisy
binary search", FOCS 2008, where the rate is known). The prior is a mixture: both sides exact, one side exact and
the other flaky at any rate, or both sides flaky at a moderate one. The exact part lets a noiseless range finish
as soon as plain bisection with confirmation does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from math import log2
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GRID = 24
"""Points at which a flat prior over an error rate is summed, at the middles of equal intervals."""

EXACT, MODERATE, ANY = 0.0, 0.3, 0.95
"""Upper ends of the flat priors over one side's error rate."""

MIXTURE = ((0.3, EXACT, EXACT), (0.1, EXACT, ANY), (0.05, ANY, EXACT), (0.55, MODERATE, MODERATE))
"""Weight, and the priors of the good and of the bad side. Chosen by simulation (`nox -s bench-search`): the
exact part as light as lets 33 noiseless gaps end within 11 runs at 95%, for the lighter it is, the less noise
that happens not to show is taken for none."""

UNEXPECTED = 0.05
"""Prior odds of the direction not asked for (a repair in place of a regression)."""

ALIKE = 0.25
"""Prior weight of `all good` and of `all bad`, each, in units of one boundary between neighbours."""


class Rates(NamedTuple):
    """What one hypothesis says: its likelihood, and the chance of a bad run on its good and bad side."""

    likelihood: float
    bad_if_good: float
    bad_if_bad: float


class Split(NamedTuple):
    """One hypothesis: so many of the positions lie before the boundary, which regresses or repairs."""

    before: int
    regresses: bool


@dataclass(frozen=True, slots=True)
class Posterior:
    """Probabilities of every hypothesis about a stretch of releases.

    Attributes:
        positions: The releases of the stretch that may be probed or were.
        weights: Probability of each hypothesis; empty if the runs contradict all of them.
        rates: What each hypothesis says of a run.
        best: The most probable hypothesis.
        evidence: Chance of the runs, weighted by priors in units of one gap between neighbours.
    """

    positions: tuple[int, ...]
    weights: Mapping[Split, float]
    rates: Mapping[Split, Rates]
    best: Split
    evidence: float

    @property
    def chance(self) -> float:
        """Return the probability of the most probable hypothesis; 0 if all are contradicted."""
        return self.weights.get(self.best, 0.0)

    def says_bad(self, position: int) -> bool:
        """Tell whether the most probable hypothesis puts the position on the bad side."""
        before = self.best.before
        return (before == 0 or position > self.positions[before - 1]) == self.best.regresses

    def sides(self) -> tuple[int, ...]:
        """Return the two releases beside the most probable boundary; nothing if it is all good or all bad."""
        before = self.best.before
        return self.positions[before - 1 : before + 1] if 0 < before < len(self.positions) else ()

    def doubt(self) -> float:
        """Return the entropy of the hypotheses in bits."""
        return -sum(weight * log2(weight) for weight in self.weights.values() if weight > 0)

    def range(self, mass: float) -> tuple[int, int]:
        """Return the two releases between which the boundary lies with at least this probability."""
        tail, below = (1 - mass) / 2, 0.0
        last = len(self.positions) - 1
        inside = []
        for before, weight in sorted((split.before, weight) for split, weight in self.weights.items()):
            if below + weight > tail and below < 1 - tail:
                inside.append(before)
            below += weight
        first, final = (inside[0], inside[-1]) if inside else (0, last)
        return self.positions[max(0, first - 1)], self.positions[min(last, final)]

    def forecasts(self) -> list[tuple[float, float]]:
        """Return, a position, the chance that a run is bad, and the information (bits) it gives.

        The information is what the run and the boundary share: H(run) - Σ weight · H(run | hypothesis).
        """
        size = len(self.positions) + 1
        older, older_h, newer, newer_h = ([0.0] * size for _ in range(4))
        for split, weight in self.weights.items():
            _, low, high = self.rates[split]
            before, after = (low, high) if split.regresses else (high, low)
            older[split.before] += weight * before
            older_h[split.before] += weight * entropy(before)
            newer[split.before] += weight * after
            newer_h[split.before] += weight * entropy(after)
        # A position lies after the boundary of every hypothesis with at most as many positions before it.
        past, past_h = list(accumulate(newer)), list(accumulate(newer_h))
        ahead, ahead_h = (list(accumulate(reversed(part)))[::-1] for part in (older, older_h))
        found = []
        for index in range(size - 1):
            bad = min(1.0, past[index] + ahead[index + 1])
            found.append((bad, entropy(bad) - past_h[index] - ahead_h[index + 1]))
        return found


@cache
def side(errors: int, runs: int, upper: float) -> float:
    """Return the chance of so many errors, in this order, under a flat prior on [0, upper]."""
    if upper == EXACT:
        return 0.0 if errors else 1.0
    grid = [(i + 0.5) * upper / GRID for i in range(GRID)]
    return sum(rate**errors * (1 - rate) ** (runs - errors) for rate in grid) / GRID


@lru_cache(maxsize=65536)
def rates(good_side: tuple[int, int], bad_side: tuple[int, int], *, exact: bool) -> Rates:
    """Weigh (errors, runs) of both sides under the mixture; `exact` leaves its first part only."""
    (wrong, runs), (missed, trials) = good_side, bad_side
    total = next_wrong = next_missed = 0.0
    for weight, good, bad in MIXTURE[:1] if exact else MIXTURE:
        here, there = side(wrong, runs, good), side(missed, trials, bad)
        total += weight * here * there
        next_wrong += weight * side(wrong + 1, runs + 1, good) * there
        next_missed += weight * here * side(missed + 1, trials + 1, bad)
    if total == 0:
        return Rates(0.0, 0.0, 1.0)
    return Rates(total, next_wrong / total, 1 - next_missed / total)


def posterior(
    positions: Sequence[int],
    counts: Mapping[int, tuple[int, int]],
    assumed: Mapping[int, bool],
    *,
    find_fix: bool = False,
    exact: bool = False,
) -> Posterior:
    """Weigh every hypothesis about a stretch by its runs.

    Args:
        positions: Releases in order, without those that cannot be tested; one gap for each missing one too.
        counts: (bad runs, all runs) of a position.
        assumed: Positions whose verdict holds without a run: whether it is bad.
        find_fix: Expect a repair.
        exact: The job is known to be deterministic.
    """
    every = [counts.get(position, (0, 0)) for position in positions]
    bads = [0, *accumulate(bad for bad, _ in every)]
    runs = [0, *accumulate(seen for _, seen in every)]
    fixed = [(index, assumed[p]) for index, p in enumerate(positions) if p in assumed]
    weights, said = {}, {}
    for regresses in (True, False):
        odds = 1.0 if regresses != find_fix else UNEXPECTED
        # All good and all bad are the same either way, and are counted once.
        for before in range(len(positions) + 1) if regresses else range(1, len(positions)):
            if 0 < before < len(positions):
                prior = odds * (positions[before] - positions[before - 1])
            else:
                prior = ALIKE
            if any(bad != ((index >= before) == regresses) for index, bad in fixed):
                continue
            older = (bads[before], runs[before])
            newer = (bads[-1] - bads[before], runs[-1] - runs[before])
            good_side, (bad, trials) = (older, newer) if regresses else (newer, older)
            weighed = rates(good_side, (trials - bad, trials), exact=exact)
            split = Split(before, regresses)
            weights[split], said[split] = prior * weighed.likelihood, weighed
    total = sum(weights.values())
    shares = {split: weight / total for split, weight in weights.items()} if total else {}
    best = max(shares, key=lambda split: shares[split], default=Split(0, regresses=True))
    return Posterior(tuple(positions), shares, said, best, total)


def entropy(chance: float) -> float:
    """Return the entropy in bits of an event with this chance."""
    if not 0 < chance < 1:
        return 0.0
    return -chance * log2(chance) - (1 - chance) * log2(1 - chance)
