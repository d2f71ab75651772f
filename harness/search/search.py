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
from harness.search.answer import Answer
from harness.search.answer import answer as draw
from harness.search.decision import decide
from harness.search.knowledge import Knowledge, Observation, Request
from harness.search.narrowing import differing_gaps, rounds
from harness.search.options import Options
from harness.search.stages import (
    Stage,
    class_ends,
    class_middles,
    confirmation,
    determinism,
    ends,
    ends_again,
    everything,
    first_unfinished,
    narrowing,
    oldest_again,
    samples,
    search_anywhere,
    splitting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

BINARY: Sequence[Stage] = (ends, samples, narrowing, ends_again, confirmation)
SWEEP: Sequence[Stage] = (everything, ends_again, confirmation, determinism)
NOISY: Sequence[Stage] = (ends, oldest_again, samples, search_anywhere, ends_again)
PREFIX: Sequence[Stage] = (class_ends, splitting, ends_again, confirmation, class_middles)


class Strategy(StrEnum):
    """How a search goes about it."""

    AUTO = "auto"
    SWEEP = "sweep"
    BINARY = "binary"
    NOISY = "noisy"
    PREFIX = "prefix"


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
        self._stages = self._choose(strategy)

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
        return draw(self.known, complete=complete)

    def narrowed(self) -> Narrowed:
        """Return where the boundary lies as far as is known, and about how many rounds are left."""
        jobs, whole = self.options.jobs, (0, self.options.count - 1)
        if self._stages is SWEEP and self.known.left:
            return Narrowed(*whole, math.ceil(self.known.left / jobs))
        if not self.known.testable():
            return Narrowed(*whole, rounds(self.options.count - 1, jobs))
        if not self.known.noisy() and (open_gaps := differing_gaps(self.known)):
            widest = max(open_gaps, key=lambda gap: len(gap.candidates))
            return Narrowed(widest.before, widest.after, rounds(len(widest.candidates) + 1, jobs))
        decision = decide(self.known)
        if stated := decision.stated():
            unsure = sum(not boundary.confirmed for boundary in stated)
            return Narrowed(stated[0].before, stated[0].after, unsure)
        return Narrowed(*whole, 1 if self._wanted(1) else 0)

    def _wanted(self, slots: int) -> list[int] | None:
        """Return what to probe next, as of what is known alone; None when done."""
        stages = BINARY if self._stages is NOISY and self.known.deterministic() else self._stages
        return first_unfinished(stages, self.known, slots)

    def _choose(self, strategy: Strategy) -> Sequence[Stage]:
        """Return the stages of a strategy; `auto` sweeps if no probe is dear."""
        if strategy == Strategy.AUTO:
            free = {*self.options.cheap, *self.options.assume}
            dear = self.options.count - len(free)
            self.known.say(
                f"{dear} releases are not cheap to probe: bisecting"
                if dear
                else "every release is cheap to probe or its result is stored: probing them all"
            )
            return BINARY if dear else SWEEP
        return {
            Strategy.SWEEP: SWEEP,
            Strategy.BINARY: BINARY,
            Strategy.NOISY: NOISY,
            Strategy.PREFIX: PREFIX,
        }[strategy]

    def _left(self) -> int:
        """Return how many more probes the budget allows."""
        return max(0, self.options.most_runs() - len(self.known.observations) - len(self.known.pending))


def make_search(strategy: str, **options: Any) -> Search:
    """Return a search that has asked nothing yet.

    Args:
        strategy: `auto`, `sweep`, `binary`, `noisy`, or `prefix`, which takes `classes`.
        options: The fields of `Options`.

    Raises:
        UsageError: There is no such strategy, or an option is out of its bounds.
    """
    if strategy not in list(Strategy):
        raise UsageError(f"no search is called {strategy}: choose one of {', '.join(Strategy)}")
    return Search(Strategy(strategy), Options(**options))
