"""What is known about mixtures of two environments: every outcome observed, and what may be believed of each mixture.

A mixture is the good environment with some of the changes applied. An answer is a probability: one execution is
believed as long as no two executions of any mixture have disagreed; from then on every mixture needs a lead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.search.ties import Mixture, Tie, Ties

if TYPE_CHECKING:
    from collections.abc import Callable

TWICE = 2
"""Lead for the ends, and for what another fact of the answer backs."""

CERTAIN = 3
"""Lead for the facts that nothing else backs, as long as the job is not known to be deterministic: with 5 % noise
two executions agree on the wrong outcome once in 400 times, three once in 8,000 times."""

CONTESTED_END = 4
"""Lead of one outcome over the other that an end needs whose executions disagreed."""

LEAST_SHARE = 0.75
"""Share of the executions of a mixture that a disputed outcome needs."""

MOST_REPEATS = 15
"""Executions of one mixture, after which a mixture without a stable outcome is no evidence."""


_NONE: Counter[Outcome] = Counter()


class Outcome(StrEnum):
    """How one mixture ended."""

    GOOD = "good"
    BAD = "bad"
    """The failure of the bad environment; no other one counts."""
    OTHER = "other"
    """Another failure, or no verdict: executed, and no evidence."""
    UNRESOLVED = "unresolved"
    """No lock has this mixture: not executed, and no evidence."""


class Belief(StrEnum):
    """What the outcomes of one mixture amount to."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"
    """No evidence: it cannot be resolved, fails otherwise, or has no stable outcome."""


class Purpose(StrEnum):
    """Why a mixture is asked for."""

    END = "end"
    """The good or the bad environment itself."""
    NARROW = "narrow"
    """Halves the changes that are left."""
    ALONE = "alone"
    """What was found, applied to the good environment without all others."""
    REVERSE = "reverse"
    """What was found, reverted in the bad environment."""
    MINIMAL = "minimal"
    """What was found, without one of its changes."""
    CONFIRM = "confirm"
    """A mixture on which the answer rests, executed once more."""


@dataclass(frozen=True, slots=True)
class Request:
    """One mixture to be resolved and executed, the number of its repeat, from 0, and why."""

    mixture: Mixture
    repeat: int
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Observation:
    """One mixture that ended.

    Attributes:
        mixture: The changes that were applied to the good environment.
        repeat: Which execution of it, from 0.
        outcome: How it ended.
        ties: For a mixture that does not resolve, the requirements that forbid it, as far as they are known.
        digest: Digest of the trace; two equal ones of one mixture prove the job deterministic.
    """

    mixture: Mixture
    repeat: int
    outcome: Outcome
    ties: tuple[Tie, ...] = ()
    digest: str | None = None


class Evidence:
    """All observations, and what follows for each mixture.

    Attributes:
        everything: The mixture of all changes: the bad environment.
        observations: In the order told, each once.
        ties: Those given and those learnt.
        noisy: Two executions of one mixture have disagreed.
        deterministic: Two executions of one mixture left the same trace, and nothing speaks against it.
    """

    def __init__(self, count: int, ties: tuple[Tie, ...], weight: Callable[[int], float]) -> None:
        self.everything: Mixture = frozenset(range(count))
        self.observations: list[Observation] = []
        self.noisy = False
        self._weight = weight
        self.ties = Ties(ties, weight)
        self._counts: dict[Mixture, Counter[Outcome]] = {}
        self._digests: dict[Mixture, str] = {}
        self._same_trace = self._other_trace = False
        self._told: set[tuple[Mixture, int]] = set()
        self._believed: dict[Belief, list[Mixture]] = {}

    def tell(self, observation: Observation) -> None:
        """Take in one observation; one that was told already is left out.

        Raises:
            ValueError: The mixture holds a change that is none of the question's.
        """
        mixture = observation.mixture
        if not mixture <= self.everything:
            raise ValueError(
                f"the mixture holds changes that were not asked about: {sorted(mixture - self.everything)}"
            )
        if (mixture, observation.repeat) in self._told:
            return
        self._told.add((mixture, observation.repeat))
        self._believed.clear()
        self.observations.append(observation)
        counts = self._counts.setdefault(mixture, Counter())
        counts[observation.outcome] += 1
        if observation.digest is not None:
            repeated = mixture in self._digests
            same = self._digests.setdefault(mixture, observation.digest) == observation.digest
            self._same_trace |= repeated and same
            self._other_trace |= not same
        self.noisy |= counts[Outcome.GOOD] > 0 and counts[Outcome.BAD] > 0
        # A tie that forbids an end, or a mixture that was executed, is none.
        ties = [tie for tie in observation.ties if not any(map(tie.forbids, self._possible()))]
        if ties:
            self.ties = Ties((*self.ties.known, *ties), self._weight)
        elif observation.outcome != Outcome.UNRESOLVED and not self.ties.allow(mixture):
            self.ties = Ties([tie for tie in self.ties.known if not tie.forbids(mixture)], self._weight)

    def was_told(self, mixture: Mixture, repeat: int) -> bool:
        """Tell whether the outcome of an execution is known."""
        return (mixture, repeat) in self._told

    def count(self, mixture: Mixture, outcome: Outcome) -> int:
        """Return how many executions of a mixture had an outcome."""
        return self._counts.get(mixture, _NONE)[outcome]

    def executions(self) -> int:
        """Return how many executions ended; a mixture that does not resolve is none."""
        return sum(observation.outcome != Outcome.UNRESOLVED for observation in self.observations)

    def refusals(self) -> int:
        """Return how many mixtures did not resolve."""
        return len(self.observations) - self.executions()

    @property
    def deterministic(self) -> bool:
        """Tell whether one execution of a mixture says all."""
        return self._same_trace and not self._other_trace and not self.noisy

    def belief(self, mixture: Mixture, lead: int = 1) -> Belief | None:
        """Return what a mixture amounts to; None if it has to be executed, or executed again.

        Args:
            mixture: Which.
            lead: By how many executions one outcome has to lead the other: 1 to search by, `TWICE` or `CERTAIN`
                for an answer to rest on.
        """
        counts = self._counts.get(mixture, _NONE)
        good, bad = counts[Outcome.GOOD], counts[Outcome.BAD]
        if not good + bad:
            forbidden = counts[Outcome.UNRESOLVED] or not self.ties.allow(mixture)
            return Belief.NOTHING if forbidden or counts[Outcome.OTHER] else None
        if counts[Outcome.OTHER] >= good + bad:
            return Belief.NOTHING
        share = max(good, bad) / (good + bad)
        if abs(good - bad) >= self.needed_lead(mixture, lead) and share >= LEAST_SHARE:
            return Belief.GOOD if good > bad else Belief.BAD
        return Belief.NOTHING if good + bad >= MOST_REPEATS else None

    def needed_lead(self, mixture: Mixture, lead: int) -> int:
        """Return by how many executions one outcome has to lead the other, given the noise that was seen."""
        needed = min(lead, TWICE) if self.deterministic else lead + self.noisy
        ends: tuple[Mixture, Mixture] = (frozenset(), self.everything)
        contested = self.count(mixture, Outcome.GOOD) and self.count(mixture, Outcome.BAD)
        return max(needed, CONTESTED_END) if contested and mixture in ends else needed

    def missing(self, mixture: Mixture, lead: int) -> int:
        """Return how many more executions a belief takes at the least."""
        if self.belief(mixture, lead) is not None:
            return 0
        good, bad = self.count(mixture, Outcome.GOOD), self.count(mixture, Outcome.BAD)
        return max(1, self.needed_lead(mixture, lead) - abs(good - bad))

    def believed(self, belief: Belief) -> list[Mixture]:
        """Return the mixtures of which it is believed, in the order of their first observation."""
        if belief not in self._believed:
            self._believed[belief] = [one for one in self._counts if self.belief(one) == belief]
        return self._believed[belief]

    def unexplained(self) -> list[Mixture]:
        """Return the mixtures that are no evidence although no known tie forbids them."""
        return [mixture for mixture in self.believed(Belief.NOTHING) if self.ties.allow(mixture)]

    def _possible(self) -> list[Mixture]:
        executed = (
            mixture for mixture, counts in self._counts.items() if counts.total() > counts[Outcome.UNRESOLVED]
        )
        return [frozenset(), self.everything, *executed]
