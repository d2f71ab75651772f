"""The answer of a search for the changes that make an environment bad: facts, each with the mixtures that show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.search.mixtures import Belief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.search.mixtures import Evidence, Observation
    from harness.search.ties import Mixture, Tie


class Conclusion(StrEnum):
    """What a search came to."""

    FOUND = "found"
    """The sets do it, and reverting a part of each one cures."""
    FOUND_NOT_REVERSED = "found-not-reversed"
    """The sets do it, but no mixture without them could be tested."""
    BOTH_GOOD = "both-good"
    """The bad environment is good."""
    BOTH_BAD = "both-bad"
    """The good environment is bad in the same way."""
    REVERSED = "reversed"
    """The good environment is bad, and the bad one good."""
    END_UNTESTABLE = "end-untestable"
    """An end cannot be resolved, fails otherwise, or has no stable outcome."""
    UNSTABLE = "unstable"
    """Sets are found, but a mixture on which they rest has no stable outcome."""
    TOO_MANY = "too-many"
    """More sets do it than the search looks for; those that are found do it, but there may be others."""
    UNFINISHED = "unfinished"
    """The budget is spent, or mixtures are under way."""

    @property
    def found(self) -> bool:
        """Whether culprits are named."""
        return self in (Conclusion.FOUND, Conclusion.FOUND_NOT_REVERSED)


class Innocence(StrEnum):
    """How a change is known not to be needed."""

    REVERTED_IN_BAD = "reverted-in-bad"
    """A mixture without it is still bad."""
    APPLIED_IN_GOOD = "applied-in-good"
    """A mixture with it is good."""
    NEVER_LOADED = "never-loaded"
    """Neither end imports its package."""
    SAME_AT_BOUNDARY = "same-at-boundary"
    """Between two releases of a culprit, one good and one bad, nothing else changes."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """A part of each set reverted in the bad environment.

    Attributes:
        reverted: One part of each set.
        mixture: What stayed applied.
        along: Changes that had to be reverted too, since no mixture holds them without the others.
        tested: The mixture was executed and is good.
    """

    reverted: Mixture
    mixture: Mixture
    along: Mixture
    tested: bool


@dataclass(frozen=True, slots=True)
class CulpritSet:
    """Changes that together make the good environment bad.

    Attributes:
        mixture: All changes that were applied: the parts, and what they need.
        parts: Each of them is needed: a set of one part does it alone, several are a conjunction, of which
            reverting either one cures. A part of several changes is a tied unit: nothing separates them.
        required: Changes without which the parts cannot be had.
        reversals: The mixtures that show that reverting a part cures.
    """

    mixture: Mixture
    parts: tuple[Mixture, ...]
    required: Mixture
    reversals: tuple[Reversal, ...] = ()

    @property
    def changes(self) -> Mixture:
        """The changes of all parts."""
        return frozenset().union(*self.parts)

    def cured(self, reversals: Sequence[Reversal]) -> CulpritSet:
        """Return it with the reversals that revert a part of it."""
        mine = tuple(one for one in reversals if any(part <= one.reverted for part in self.parts))
        return replace(self, reversals=mine)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes:
        conclusion: What it came to.
        sets: Each does it by itself.
        confirmed: Every mixture on which the sets rest was executed as often as an answer needs.
        tied: Changes that a culprit requires or that require one, so that no mixture could show both halves of
            their innocence; `ways` holds the half that is shown.
        innocent: Changes that were reverted in a bad mixture and applied in a good one; none unless found.
        ways: {change: what speaks for its innocence}, of every change that is no culprit.
        undecided: Changes of which nothing is claimed.
        smallest_bad: The smallest mixture that is bad, as far as the search came.
        ties: Those that bind a culprit, a tied or an undecided change with another one.
        executions: Mixtures executed, repeats included.
        refusals: Mixtures that did not resolve.
        path: Everything observed, in order.
    """

    conclusion: Conclusion
    sets: tuple[CulpritSet, ...]
    confirmed: bool
    tied: Mixture
    innocent: Mixture
    ways: Mapping[int, tuple[Innocence, ...]]
    undecided: Mixture
    smallest_bad: Mixture
    ties: tuple[Tie, ...]
    executions: int
    refusals: int
    path: tuple[Observation, ...]

    @property
    def ordered(self) -> list[CulpritSet]:
        """The sets in the order of their changes: which is found first may depend on which execution ends first."""
        return sorted(self.sets, key=lambda one: sorted(one.changes))

    @property
    def along(self) -> Mixture:
        """The changes that the culprits require, or that had to be reverted with them."""
        beside = [one.required for one in self.sets]
        beside += [reversal.along for one in self.sets for reversal in one.reversals]
        return frozenset[int]().union(*beside).difference(*(one.changes for one in self.sets))

    def others(self, culprits: CulpritSet) -> Mixture:
        """Return the changes of all sets but one."""
        return frozenset[int]().union(*(one.changes for one in self.sets if one is not culprits))


def draw(
    evidence: Evidence, conclusion: Conclusion, sets: tuple[CulpritSet, ...], never_loaded: Mixture
) -> Answer:
    """Draw the answer from what is known.

    Args:
        evidence: Everything observed.
        conclusion: What the search came to.
        sets: As far as they are found.
        never_loaded: Changes in packages that neither end imports.
    """
    found = conclusion.found
    everything = evidence.everything
    bad, good = (list(evidence.believed(belief)) for belief in (Belief.BAD, Belief.GOOD))
    culprits = frozenset[int]().union(*(one.changes for one in sets)) if found else frozenset()
    ways = {
        change: tuple(_innocence(change, bad, good, never_loaded)) for change in sorted(everything - culprits)
    }
    both = {Innocence.REVERTED_IN_BAD, Innocence.APPLIED_IN_GOOD}
    innocent = frozenset(change for change in ways if found and both <= set(ways[change]))
    required = frozenset[int]().union(*(one.required for one in sets))
    beside = required.union(*(reversal.along for one in sets for reversal in one.reversals))
    tied = beside - culprits - innocent if found else frozenset[int]()
    undecided = everything - culprits - tied - innocent
    unlike = culprits | tied | (undecided if found else frozenset())
    return Answer(
        conclusion=conclusion,
        sets=sets,
        confirmed=conclusion == Conclusion.FOUND,
        tied=tied,
        innocent=innocent,
        ways=ways,
        undecided=undecided,
        smallest_bad=min(bad, key=len, default=everything),
        ties=evidence.ties.between(unlike, everything),
        executions=evidence.executions(),
        refusals=evidence.refusals(),
        path=tuple(evidence.observations),
    )


def _innocence(
    change: int, bad: Sequence[Mixture], good: Sequence[Mixture], never_loaded: Mixture
) -> list[Innocence]:
    ways = []
    if any(change not in mixture for mixture in bad):
        ways.append(Innocence.REVERTED_IN_BAD)
    if any(change in mixture for mixture in good):
        ways.append(Innocence.APPLIED_IN_GOOD)
    if change in never_loaded:
        ways.append(Innocence.NEVER_LOADED)
    return ways
