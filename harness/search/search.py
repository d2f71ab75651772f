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
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import UsageError
from harness.search.answer import Answer, confidence
from harness.search.answer import answer as draw
from harness.search.boundaries import verdict_changes
from harness.search.knowledge import Knowledge, Observation, Request
from harness.search.narrowing import differing_gaps, rounds
from harness.search.noisy import budget as noise_budget
from harness.search.noisy import noisy, stretches, weigh
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
from harness.verdicts.verdict import Verdict

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
        self._auto = strategy == Strategy.AUTO
        self._strategy = strategy
        self._started = 0

    def propose(self, free_slots: int = 1) -> list[Request]:
        """Return probes to start now, at most `free_slots`; none if done or if those under way must end first."""
        wanted = self._wanted(free_slots) if free_slots > 0 else []
        if len(wanted) > (left := self._left()):
            self.known.say(f"the budget is spent after {self._started + left} probes")
            wanted = wanted[:left]
        self._started += len(wanted)
        return self.known.request(wanted)

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
        if self._strategy == Strategy.SWEEP:
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

    def _wanted(self, slots: int) -> list[int]:
        self._reconsider()
        if self._by_noise_model():
            return noisy(self.known, slots)
        stages = SWEEP if self._strategy == Strategy.SWEEP else BINARY
        wanted = first_unfinished(stages, self.known, slots)
        if not wanted and not self.known.pending and self._auto and self._unsure():
            self._strategy = Strategy.NOISY
            return noisy(self.known, slots)
        return wanted

    def _by_noise_model(self) -> bool:
        return self._strategy == Strategy.NOISY and not self.known.deterministic()

    def _left(self) -> int:
        """Return how many more probes the budget allows."""
        budget = self.options.budget
        if budget is None:
            budget = noise_budget(self.options.count) if self._by_noise_model() else sys.maxsize
        return max(0, budget - self._started)

    def _reconsider(self) -> None:
        """Choose for `auto`, and change one's mind for it; `_strategy` keeps what was chosen last."""
        known = self.known
        if self._strategy == Strategy.AUTO:
            dear = [p for p in known.untested() if p not in self.options.cheap]
            self._strategy = Strategy.BINARY if dear else Strategy.SWEEP
            known.say(
                f"{len(dear)} releases have neither result nor environment stored: bisecting"
                if dear
                else "every release has its result or environment stored: probing them all"
            )
        counts = {p: known.counts(p) for p in known.disputed()}
        flaky = [p for p, (bad, runs) in counts.items() if 0 < bad < runs]
        if self._auto and self._strategy != Strategy.NOISY and flaky:
            steady = [Verdict.SKIP if p in flaky else v for p, v in enumerate(known.verdicts())]
            named = known.name(flaky[0])
            if len(verdict_changes(steady)) <= 1:
                self._strategy = Strategy.NOISY
                known.say(f"two runs of {named} disagree: moving to the noise model")
            else:
                known.say(f"two runs of {named} disagree, among several boundaries: votes decide")
        if self._strategy == Strategy.NOISY and known.deterministic():
            known.say("two runs of one release left the same trace: plain bisection serves")

    def _unsure(self) -> bool:
        """Tell whether a single boundary was found with less confidence than asked for, and say so."""
        found = verdict_changes(self.known.verdicts())
        if len(found) != 1 or self.known.deterministic():
            return False
        reached, asked = confidence(self.known, found), self.options.confidence
        if reached >= asked:
            return False
        self.known.say(
            f"no two equal traces prove the job deterministic, and the boundary is {reached:.1%} sure where "
            f"{asked:.1%} are asked: moving to the noise model"
        )
        return True


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
