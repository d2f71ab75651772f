"""Which changes between a good and a bad environment make it bad: it proposes mixtures and takes their outcomes.

    search = Difference(count=64, weights=suspicion)
    while not search.done:
        for request in search.propose(free_slots):
            ...  # resolve and execute the good environment with the changes of request.mixture applied
        search.tell(Observation(mixture, repeat, outcome, ties))
    answer = search.answer()

It asks for four kinds of fact, and its answer rests on nothing else: the two ends, each twice; each smallest set
applied to the good environment is bad, twice, or three times if no two equal traces prove the job deterministic;
what is left when a part of a set is reverted in the bad environment is good, as often; no part of a set can be left
out, twice. A set is found by binary search along a chain of mixtures,
one change after the other (as U. Junker, "QuickXplain", AAAI 2004, without its recursion), in about log2(n)
executions a change. That no further set exists follows from monotone dualization: a set that was not found would
be bad in one of the mixtures that revert one part of each known set (M. Fredman, L. Khachiyan, "On the complexity
of dualization of monotone disjunctive normal forms", Journal of Algorithms 21, 1996).

The same observations in the same order give the same search, so a stored log replays.
"""

from __future__ import annotations

import itertools
import math
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from harness.search.culprits import Answer, Conclusion, CulpritSet, Reversal, draw
from harness.search.mixtures import CERTAIN, TWICE, Belief, Evidence, Observation, Outcome, Purpose, Request
from harness.search.splits import splits

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Sequence

    from harness.search.ties import Mixture, Tie

NEVER_LOADED = 1e-4
"""Suspicion of a change in a package that the job never imports, where 1 is usual."""

MOST_SETS = 8
"""Sets of culprits that are looked for."""

MOST_CHOICES = 64
"""Ways to revert one part of each set, beyond which nobody tries whether there is a further set."""

MOST_REFUSALS = 40
"""Mixtures between the same two that do not resolve, after which the changes between them stay unseparated."""

MOST_REFUSALS_IN_ALL = 250
"""Mixtures that do not resolve, after which no group of changes is split any further."""

NOTHING: Mixture = frozenset()


class _Ask(NamedTuple):
    mixture: Mixture
    purpose: Purpose
    lead: int = 1


Result = TypeVar("Result")
_Walk = "Generator[Sequence[_Ask], None, Result]"


class Difference:
    """One search under way.

    Attributes:
        evidence: Everything that was told.
        count: Number of changes between the two environments.
        never_loaded: Changes in packages that neither end imports.
        budget: Most executions.
    """

    def __init__(
        self,
        count: int,
        *,
        weights: Sequence[float] = (),
        never_loaded: Collection[int] = (),
        ties: Iterable[Tie] = (),
        budget: int = 200,
        grow: bool = True,
    ) -> None:
        """Take the question.

        Args:
            count: Number of changes, at least one.
            weights: Suspicion of each change, above 0; all alike by default. Only ratios matter.
            never_loaded: Changes in packages that neither end imports: suspected last.
            ties: Requirements that are known beforehand.
            budget: Most executions; the search then ends unfinished.
            grow: Where the bad environment without a part of each set cannot be tested, look for the largest part of it
                that can.

        Raises:
            ValueError: A number is out of its bounds.
        """
        if count < 1:
            raise ValueError("there is no change between the two environments")
        if weights and (len(weights) != count or min(weights) <= 0):
            raise ValueError(f"{count} changes need {count} weights above 0: {list(weights)}")
        self.count, self.budget, self.grow = count, budget, grow
        self.never_loaded = frozenset(never_loaded)
        self._weights = [
            (weights[change] if weights else 1.0) * (NEVER_LOADED if change in self.never_loaded else 1.0)
            for change in range(count)
        ]
        self._order = sorted(range(count), key=lambda change: (-self._weights[change], change))
        self.evidence = Evidence(count, tuple(ties), self._weight)
        self._pending: dict[tuple[Mixture, int], Request] = {}
        self._sets: list[CulpritSet] = []
        self._conclusion = Conclusion.UNFINISHED
        self._slots = 1
        self._splits: dict[tuple[Mixture, Mixture], Mixture | None] = {}

    def propose(self, free_slots: int = 1) -> list[Request]:
        """Return mixtures to execute now, at most `free_slots`; none if done or if those under way must end first."""
        allowed = min(free_slots, self._left())
        found: list[Request] = []
        for ask in self._wanted(free_slots + len(self._pending)) if allowed > 0 else ():
            under_way = sum(mixture == ask.mixture for mixture, _ in self._pending)
            for _ in range(self.evidence.missing(ask.mixture, ask.lead) - under_way):
                if len(found) < allowed:
                    request = Request(ask.mixture, self._next_repeat(ask.mixture), ask.purpose)
                    self._pending[ask.mixture, request.repeat] = request
                    found.append(request)
        return found

    def _next_repeat(self, mixture: Mixture) -> int:
        """Return the least number that no execution of a mixture has: they may end in any order."""
        numbers = itertools.count()
        return next(
            repeat
            for repeat in numbers
            if (mixture, repeat) not in self._pending and not self.evidence.was_told(mixture, repeat)
        )

    def tell(self, observation: Observation) -> None:
        """Take in the outcome of a mixture, whether it was asked for or not (a stored one)."""
        self._pending.pop((observation.mixture, observation.repeat), None)
        if observation.outcome == Outcome.UNRESOLVED:
            for key in [key for key in self._pending if key[0] == observation.mixture]:
                del self._pending[key]
        self.evidence.tell(observation)
        self._splits.clear()

    @property
    def done(self) -> bool:
        """Tell whether nothing is under way and nothing more will be proposed."""
        return not self._pending and (self._left() <= 0 or not self._wanted(1))

    def answer(self) -> Answer:
        """Return the answer as of now; `unfinished` until all that was wanted is known."""
        self._wanted(1)
        return draw(self.evidence, self._conclusion, tuple(self._sets), self.never_loaded)

    def _left(self) -> int:
        return self.budget - self.evidence.executions() - len(self._pending)

    def _wanted(self, slots: int) -> list[_Ask]:
        """Walk from the start along all that is known, up to the first mixtures that are not."""
        self._sets, self._conclusion, self._slots = [], Conclusion.UNFINISHED, slots
        for asks in self._walk():
            unknown = [ask for ask in asks if self.evidence.belief(ask.mixture, ask.lead) is None]
            if unknown:
                return unknown
        return []

    # -- the walk: each part yields the mixtures that it has to know before it goes on ----------------------

    def _walk(self) -> Generator[Sequence[_Ask], None, None]:
        everything = self.evidence.everything
        yield [_Ask(end, Purpose.END, TWICE) for end in (NOTHING, everything)]
        good, bad = self.evidence.belief(NOTHING), self.evidence.belief(everything)
        if Belief.NOTHING in (good, bad):
            self._conclusion = Conclusion.END_UNTESTABLE
        elif good == Belief.BAD:
            self._conclusion = Conclusion.BOTH_BAD if bad == Belief.BAD else Conclusion.REVERSED
        elif bad == Belief.GOOD:
            self._conclusion = Conclusion.BOTH_GOOD
        else:
            yield from self._all_sets()

    def _all_sets(self) -> Generator[Sequence[_Ask], None, None]:
        found: list[CulpritSet] = []
        reversals: tuple[Reversal, ...] | None = None
        while reversals is None and len(found) < MOST_SETS and _count(found) <= MOST_CHOICES:
            top, reversals = yield from self._reversals(found)
            if reversals is None:
                found.append((yield from self._smallest(top)))
                self._sets = [*found]
        if reversals is None:
            self._conclusion = Conclusion.TOO_MANY
            return
        self._sets = [one.cured(reversals) for one in found]
        support = _support(found, reversals)
        yield [_Ask(mixture, Purpose.CONFIRM, lead) for mixture, (_, lead) in support.items()]
        if any(self.evidence.belief(mixture, lead) != belief for mixture, (belief, lead) in support.items()):
            self._conclusion = Conclusion.UNSTABLE
        elif not all(reversal.tested for reversal in reversals):
            self._conclusion = Conclusion.FOUND_NOT_REVERSED
        else:
            self._conclusion = Conclusion.FOUND

    def _reversals(
        self, found: Sequence[CulpritSet]
    ) -> Generator[Sequence[_Ask], None, tuple[Mixture, tuple[Reversal, ...] | None]]:
        """Return a bad mixture that holds none of the sets in full, or how reverting a part of each one cures."""
        everything = self.evidence.everything
        if not found:
            return everything, None
        reversals = []
        for gone in _choices(found):
            top = self.evidence.ties.without(everything, gone)
            belief = yield from self._believe(top, Purpose.REVERSE)
            if belief == Belief.NOTHING and self.grow:
                top, belief = yield from self._grown(top)
            if belief == Belief.BAD:
                return top, None
            along = everything - top - gone
            # Where all changes had to be reverted along, what is left is the good end, which shows nothing.
            tested = belief == Belief.GOOD and bool(top or not along)
            reversals.append(Reversal(gone, top, along, tested=tested))
        return everything, tuple(reversals)

    def _smallest(self, high: Mixture) -> Generator[Sequence[_Ask], None, CulpritSet]:
        """Return the smallest set of changes within a bad mixture that is bad by itself."""
        low = yield from self._descended(high)
        ties = self.evidence.ties
        parts = ties.parts(low)
        yield [_Ask(low - part, Purpose.MINIMAL) for part in parts]
        without = {part: self.evidence.belief(low - part) for part in parts}
        smaller = next((low - part for part in parts if without[part] == Belief.BAD), None)
        if smaller is None:
            shown = tuple(part for part in parts if without[part] == Belief.GOOD)
            tied = NOTHING.union(*parts).difference(*shown)
            if not tied:
                return CulpritSet(low, shown, low.difference(*shown))
            belief = yield from self._believe(low - tied, Purpose.MINIMAL)
            if belief == Belief.GOOD:
                return CulpritSet(low, (*shown, tied), low.difference(*parts))
            if belief == Belief.NOTHING:
                # Without anything that is shown to be needed, the whole is one unit: the good end is without it.
                return (
                    CulpritSet(low, shown, low.difference(*shown))
                    if shown
                    else CulpritSet(low, (low,), NOTHING)
                )
            smaller = low - tied
        return (yield from self._smallest(smaller))

    def _descended(self, high: Mixture) -> Generator[Sequence[_Ask], None, Mixture]:
        """Return a bad mixture within a bad one, found change by change."""
        kept = low = NOTHING
        while True:
            base = self.evidence.ties.closed(kept, high)
            if base == high:
                return high
            if kept:
                belief = yield from self._believe(base, Purpose.ALONE)
                if belief == Belief.BAD:
                    return base
                if belief == Belief.GOOD:
                    # More than one change is needed: what that rests on shall be no chance.
                    support = [base] if self._is_settled(high) else [high, self._witness(low), base]
                    yield [_Ask(mixture, Purpose.CONFIRM, TWICE) for mixture in support]
            low, high = yield from self._narrowed(base, high)
            kept |= high - low

    def _narrowed(
        self, low: Mixture, high: Mixture
    ) -> Generator[Sequence[_Ask], None, tuple[Mixture, Mixture]]:
        """Return two mixtures, the first not bad and the second bad, between which nothing can be tried."""
        while True:
            low, high = self._gap(low, high)
            asks = self._asks(low, high)
            if not asks:
                return low, high
            yield asks

    def _gap(self, low: Mixture, high: Mixture) -> tuple[Mixture, Mixture]:
        """Draw two mixtures together by all that is known: what lies within a good mixture is good."""
        bad = [mixture for mixture in self.evidence.believed(Belief.BAD) if low < mixture < high]
        high = min(bad, key=len, default=high)
        good = {
            mixture & high for mixture in self.evidence.believed(Belief.GOOD) if low < mixture & high < high
        }
        allowed = [mixture for mixture in good if self.evidence.ties.allow(mixture)]
        return max(allowed, key=lambda mixture: (len(mixture), sorted(mixture)), default=low), high

    def _is_settled(self, high: Mixture) -> bool:
        """Tell whether a bad mixture around this one, other than the bad end, was executed more than once."""
        around = (one for one in self.evidence.believed(Belief.BAD) if high <= one < self.evidence.everything)
        return any(self.evidence.belief(one, TWICE) == Belief.BAD for one in around)

    def _witness(self, low: Mixture) -> Mixture:
        """Return the largest good mixture around one: what shows that one to be good."""
        good = [mixture for mixture in self.evidence.believed(Belief.GOOD) if low <= mixture]
        return max(good, key=len, default=low)

    def _asks(self, low: Mixture, high: Mixture) -> list[_Ask]:
        """Return the best split, and with more slots what to ask whichever way it ends."""
        asks: list[_Ask] = []
        gaps = [(low, high)]
        while gaps and len(asks) < self._slots:
            low, high = max(gaps, key=lambda gap: sum(map(self._weight, gap[1] - gap[0])))
            gaps.remove((low, high))
            split = None if self._exhausted(low, high) else self._split(low, high)
            if split is not None:
                asks.append(_Ask(split, Purpose.NARROW))
                gaps += [(low, split), (split, high)]
        return asks

    def _split(self, low: Mixture, high: Mixture) -> Mixture | None:
        if (low, high) not in self._splits:
            self._splits[low, high] = splits(self.evidence, low, high, self._order, self._weight)
        return self._splits[low, high]

    def _exhausted(self, low: Mixture, high: Mixture) -> bool:
        """Tell whether too many mixtures between two gave no evidence."""
        if self.evidence.refusals() > MOST_REFUSALS_IN_ALL:
            return True
        holes = [one for one in self.evidence.believed(Belief.NOTHING) if low < one < high]
        executed = sum(not self.evidence.count(one, Outcome.UNRESOLVED) for one in holes)
        return executed > 6 + 2 * math.log2(len(high - low)) or len(holes) > MOST_REFUSALS

    def _grown(self, top: Mixture) -> Generator[Sequence[_Ask], None, tuple[Mixture, Belief]]:
        """Return the largest testable mixture without some changes, where the one without just these is none."""
        ties = self.evidence.ties
        while True:
            good = [one for one in self.evidence.believed(Belief.GOOD) if one < top]
            low = max(good, key=len, default=NOTHING)
            bad = next((one for one in self.evidence.believed(Belief.BAD) if one <= top), None)
            if bad is not None:
                return bad, Belief.BAD
            chain = ties.chain(low, top, self._order)
            first, last = 0, len(chain) - 1
            while last - first > 1:
                middle = (first + last) // 2
                belief = yield from self._believe(chain[middle], Purpose.REVERSE)
                if belief == Belief.BAD:
                    return chain[middle], belief
                first, last = (middle, last) if belief == Belief.GOOD else (first, middle)
            low = chain[first]
            top = ties.without(top, chain[last] - low, keep=low)
            belief = yield from self._believe(top, Purpose.REVERSE)
            if belief != Belief.NOTHING:
                return top, belief

    def _believe(self, mixture: Mixture, purpose: Purpose) -> Generator[Sequence[_Ask], None, Belief]:
        yield [_Ask(mixture, purpose)]
        return self.evidence.belief(mixture) or Belief.NOTHING

    def _weight(self, change: int) -> float:
        return self._weights[change]


def _choices(found: Sequence[CulpritSet]) -> list[Mixture]:
    """Return every smallest choice of one part of each set."""
    chosen = {NOTHING.union(*choice) for choice in product(*(one.parts for one in found))}
    least = [one for one in chosen if not any(other < one for other in chosen)]
    return sorted(least, key=lambda one: (len(one), sorted(one)))


def _count(found: Sequence[CulpritSet]) -> int:
    """Return the number of choices of one part of each set."""
    return math.prod(len(one.parts) for one in found)


def _support(found: Sequence[CulpritSet], reversals: Sequence[Reversal]) -> dict[Mixture, tuple[Belief, int]]:
    """Return the mixtures on which the answer rests, what it takes them for, and the lead that this needs.

    A smaller set that were bad after all would show in the reversals too, so for that one twice is enough.
    """
    smaller = {one.mixture - part: (Belief.GOOD, TWICE) for one in found for part in one.parts}
    applied = {one.mixture: (Belief.BAD, CERTAIN) for one in found}
    reverted = {reversal.mixture: (Belief.GOOD, CERTAIN) for reversal in reversals if reversal.tested}
    return {**smaller, **applied, **reverted}
