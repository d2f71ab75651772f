"""A search: it proposes probes and takes observations in any order, and knows neither clock nor process.

    search = make_search("auto", count=34, jobs=2, names=versions)
    while not search.done:
        for request in search.propose(free_slots):
            ...  # start the probe of request.position, run number request.repeat
        search.tell(Observation(position, repeat, judgement, digest))
    answer = search.answer()

The same observations in the same order give the same search, so a stored log replays.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import UsageError
from harness.search.answer import Answer, confidence
from harness.search.answer import answer as draw
from harness.search.boundaries import verdict_changes
from harness.search.knowledge import Knowledge, Observation, Request
from harness.search.narrowing import differing_gaps, rounds
from harness.search.noisy import noisy, several_boundaries, stretches, weigh
from harness.search.options import Options
from harness.search.stages import (
    Stage,
    confirmation,
    determinism,
    ends,
    everything,
    first_unfinished,
    narrowing,
    samples,
    votes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

BINARY: Sequence[Stage] = (votes, ends, samples, narrowing, confirmation)
SWEEP: Sequence[Stage] = (everything, votes, confirmation, determinism)


class Strategy(StrEnum):
    """How a search goes about it."""

    AUTO = "auto"
    SWEEP = "sweep"
    BINARY = "binary"
    NOISY = "noisy"


class Narrowed(NamedTuple):
    """For the progress line: two releases with the boundary between them, and about how many rounds are left."""

    before: int
    after: int
    steps: int


class Search:
    """One question under way; `make_search` makes it."""

    def __init__(self, strategy: Strategy, options: Options) -> None:
        self.options = options
        self.known = Knowledge(options)
        self._asked = strategy

    def propose(self, free_slots: int = 1) -> list[Request]:
        """Return probes to start now, at most `free_slots`; none if done or if those under way must end first."""
        wanted = (self._wanted(free_slots) or []) if free_slots > 0 else []
        left = self._left()
        if len(wanted) > left:
            self.known.say(f"the budget is spent: {len(self.known.observations)} probes ended")
        return self.known.request(wanted[:left])

    def tell(self, observation: Observation) -> None:
        """Take in a finished probe, whether asked for or not (a stored one)."""
        self.known.tell(observation)

    @property
    def done(self) -> bool:
        """Tell whether nothing is under way and nothing more will be proposed."""
        return not self.known.pending and (self._left() == 0 or not self._wanted(1))

    def answer(self) -> Answer:
        """Return the answer as of now; `inconclusive` until all that was wanted is known."""
        complete = not self.known.pending and not self._wanted(1)
        return draw(self.known, by_noise_model=self._by_noise_model(), complete=complete)

    def narrowed(self) -> Narrowed:
        """Return where the boundary lies as far as is known, and about how many rounds are left."""
        jobs, whole = self.options.jobs, (0, self.options.count - 1)
        if not self.known.testable():
            return Narrowed(*whole, rounds(self.options.count - 1, jobs))
        if not self._by_noise_model() and self._plain() is SWEEP:
            return Narrowed(*whole, math.ceil(len(self.known.untested()) / jobs))
        if self._by_noise_model():
            return self._narrowed_by_noise_model()
        if open_gaps := differing_gaps(self.known):
            widest = max(open_gaps, key=lambda gap: len(gap.candidates))
            return Narrowed(widest.before, widest.after, rounds(len(widest.candidates) + 1, jobs))
        if found := verdict_changes(self.known.verdicts()):
            return Narrowed(found[0].before, found[0].after, 0)
        left = rounds(self.options.count - 1, jobs) if self._wanted(1) else 0
        return Narrowed(*whole, left)

    def _narrowed_by_noise_model(self) -> Narrowed:
        found = max((weigh(self.known, s) for s in stretches(self.known)), key=lambda one: one.doubt())
        before, after = found.range(self.options.confidence)
        return Narrowed(before, after, math.ceil(found.doubt() / math.log2(self.options.jobs + 1)))

    def _wanted(self, slots: int) -> list[int] | None:
        """Return what to probe next, as of what is known alone; None when done."""
        if self._by_noise_model():
            return noisy(self.known, slots)
        return first_unfinished(self._plain(), self.known, slots)

    def _plain(self) -> Sequence[Stage]:
        """Return the stages that trust verdicts; `auto` sweeps if no probe is dear."""
        if self._asked == Strategy.AUTO:
            free = {*self.options.cheap, *self.options.assume}
            dear = [position for position in range(self.options.count) if position not in free]
            self.known.say(
                f"{len(dear)} releases are not cheap to probe: bisecting"
                if dear
                else "every release is cheap to probe or its result is stored: probing them all"
            )
            return BINARY if dear else SWEEP
        return SWEEP if self._asked == Strategy.SWEEP else BINARY

    def _by_noise_model(self) -> bool:
        """Tell whether single verdicts are not to be trusted, and say why."""
        if self._asked not in (Strategy.AUTO, Strategy.NOISY):
            return False
        if self.known.deterministic():
            if self._asked == Strategy.NOISY:
                self.known.say("two runs of one release left the same trace: plain bisection serves")
            return False
        return self._asked == Strategy.NOISY or self._disagreement() or self._unsure()

    def _disagreement(self) -> bool:
        counts = {position: self.known.counts(position) for position in self.known.disputed()}
        flaky = [self.known.name(position) for position, (bad, runs) in counts.items() if 0 < bad < runs]
        if not flaky:
            return False
        if several_boundaries(self.known):
            self.known.say(f"two runs of {flaky[0]} disagree, among several boundaries: votes decide")
            return False
        self.known.say(f"two runs of {flaky[0]} disagree: moving to the noise model")
        return True

    def _unsure(self) -> bool:
        """Tell whether all was asked and a single boundary found, but with less confidence than asked for."""
        found = verdict_changes(self.known.verdicts())
        if len(found) != 1 or first_unfinished(self._plain(), self.known, 1) is not None:
            return False
        reached, asked = confidence(self.known, found), self.options.confidence
        if reached >= asked:
            return False
        self.known.say(
            f"no two equal traces prove the job deterministic, and the boundary is {reached:.1%} sure where "
            f"{asked:.1%} are asked: moving to the noise model"
        )
        return True

    def _left(self) -> int:
        """Return how many more probes the budget allows."""
        return max(0, self.options.most_runs() - len(self.known.observations) - len(self.known.pending))


def make_search(strategy: str, **options: Any) -> Search:
    """Return a search that has asked nothing yet.

    Args:
        strategy: `auto`, `sweep`, `binary` or `noisy`.
        options: The fields of `Options`.

    Raises:
        UsageError: There is no such strategy, or an option is out of its bounds.
    """
    if strategy not in list(Strategy):
        raise UsageError(f"no search is called {strategy}: choose one of {', '.join(Strategy)}")
    return Search(Strategy(strategy), Options(**options))
