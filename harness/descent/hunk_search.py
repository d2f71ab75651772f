"""A search for the smallest sets of hunks that do it in one of the two sides, as `harness.search.Difference` does it.

Put into the good side, a set is what breaks it; taken back in the bad side, what cures it. All hunks that are not searched
stand as in that side, so that what is executed is what is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.search.difference import Difference
from harness.search.mixtures import Outcome
from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.search.mixtures import Observation
    from harness.search.ties import Mixture

DOES_IT = {True: Outcome.GOOD, False: Outcome.BAD}
"""{whether a set is taken back: what it then does}."""
_OPPOSITE = {Outcome.GOOD: Outcome.BAD, Outcome.BAD: Outcome.GOOD}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the hunks of a boundary, whatever is searched.

    Attributes:
        every: All of them but those of `both`.
        both: Those of which both forms stand in all mixtures.
        weight: Returns how suspicious a hunk is.
        ties: Which go together; applied is what stands as in the bad side.
        seen: Everything executed: {(hunks that stand as in the bad side, repeat): what it did}.
    """

    every: Mixture
    both: Mixture
    weight: Callable[[int], float]
    ties: list[Tie]
    seen: dict[tuple[Mixture, int], Observation]

    def rank(self, hunk: int) -> tuple[float, int]:
        """Return what hunks are sorted by, the likeliest first."""
        return -self.weight(hunk), hunk

    def mixture(self, hunks: Mixture, *, back: bool) -> Mixture:
        """Return what stands as in the bad side where some hunks are taken back in it, or put into the good one."""
        return self.every - hunks if back else hunks

    def doing(self, *, back: bool) -> list[Mixture]:
        """Return the sets of hunks of which every execution cured, taken back, or broke, put in; the smallest first."""
        outcomes: dict[Mixture, set[Outcome]] = {}
        for (mixture, _), seen in self.seen.items():
            outcomes.setdefault(self.mixture(mixture, back=back), set()).add(seen.outcome)
        doing = [hunks for hunks, shown in outcomes.items() if shown == {DOES_IT[back]}]
        return sorted(doing, key=lambda hunks: (len(hunks), sorted(hunks)))

    def smallest(self, inside: Mixture, *, back: bool) -> Mixture:
        """Return the smallest set within some hunks that is known to cure or to break; all of them if none is."""
        return next((hunks for hunks in self.doing(back=back) if hunks <= inside), inside)


class HunkSearch:
    """One search.

    Args:
        units: Each a set of hunks that are taken or left together.
        known: Is told to the search, as far as its mixtures are among those of the search.
        budget: Most executions, those that are known not counted.
        back: It takes back in the bad side; otherwise it puts into the good one.
        grow: As `Difference` has it.

    Attributes:
        difference: Its changes are the units. Where the search takes back, its good end is the bad side.
    """

    def __init__(
        self, units: Sequence[Mixture], known: Known, budget: int, *, back: bool, grow: bool = False
    ) -> None:
        self.units, self.back = units, back
        self._place = {number: index for index, unit in enumerate(units) for number in unit}
        self._others = known.every.difference(self._place) if back else frozenset[int]()
        self._standing = self._others | known.both  # of no unit, and as in the bad side whatever is searched
        self.difference = Difference(
            len(units),
            weights=[max(map(known.weight, unit)) for unit in units],
            ties=self._within(known.ties),
            budget=budget,
            grow=grow,
        )
        for seen in known.seen.values():
            chosen = self._chosen(seen.mixture)
            if chosen is not None:
                self.tell(seen, chosen)
        self.difference.budget += self.difference.evidence.executions()

    def hunks(self, units: Iterable[int]) -> Mixture:
        """Return the hunks of some units."""
        return frozenset(number for unit in units for number in self.units[unit])

    def rest(self, units: Mixture) -> Mixture:
        """Return all other units."""
        return self.difference.evidence.everything - units

    def mixture(self, units: Mixture) -> Mixture:
        """Return which hunks are as in the bad side in a mixture of the search."""
        return self._others | self.hunks(self.rest(units) if self.back else units)

    def tell(self, seen: Observation, units: Mixture) -> None:
        """Take in what a mixture of the search did."""
        outcome = _OPPOSITE.get(seen.outcome, seen.outcome) if self.back else seen.outcome
        ties = tuple(self._within(seen.ties))
        self.difference.tell(replace(seen, mixture=units, outcome=outcome, ties=ties))

    def _chosen(self, mixture: Mixture) -> Mixture | None:
        """Return which units a mixture of hunks is in this search; None if it is none of its mixtures."""
        units = frozenset(index for index, unit in enumerate(self.units) if unit <= mixture)
        if self._others | self.hunks(units) != mixture:
            return None
        return self.rest(units) if self.back else units

    def _within(self, ties: Iterable[Tie]) -> Iterator[Tie]:
        """Yield ties of hunks in the numbers of the units: what is not searched stands as it does."""
        for tie in ties:
            if tie.needed & self._standing or not tie.applied <= self._place.keys() | self._standing:
                continue
            applied = frozenset(self._place[number] for number in tie.applied - self._standing)
            needed = frozenset(self._place[number] for number in tie.needed if number in self._place)
            if applied and needed and not applied & needed:
                yield Tie(*((needed, applied) if self.back else (applied, needed)), tie.requirement)
