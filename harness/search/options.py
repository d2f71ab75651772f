"""What a search is asked: the number of releases, what is known beforehand, and how far it may go."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.verdicts.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The question, with positions counted from 0, oldest release first.

    Attributes:
        count: Number of releases in the range.
        jobs: Probes that may run at the same time.
        find_fix: Look for the release that repaired something.
        any_failure: Take every failure for the same one.
        two_sided: A change between any two signals is what is asked for, in either direction.
        from_given: The first position is a stated end; otherwise a good end is stepped back to.
        assume: Verdicts that hold without a probe.
        cheap: Positions whose environment or result is stored.
        confidence: Probability that all stated boundaries are to reach together, between 0.5 and 1.
        samples: Releases to look at between two ends that are alike; by default twice the binary logarithm
            of the range.
        budget: Most observations in all, those told beforehand among them; the search then ends
            inconclusive. By default five a release, or a hundred if that is more.
        classes: {position: class of equal first steps} of releases that were executed for a prefix alone.
        full: Most full executions of such releases beyond those that a boundary needs: None for a third of them.
        names: What to call each position in the log; its number by default.
    """

    count: int
    jobs: int = 1
    find_fix: bool = False
    any_failure: bool = False
    two_sided: bool = False
    from_given: bool = True
    assume: Mapping[int, Verdict] = field(default_factory=dict)
    cheap: frozenset[int] = frozenset()
    confidence: float = 0.95
    samples: int | None = None
    budget: int | None = None
    classes: Mapping[int, str] = field(default_factory=dict)
    full: int | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError("the range holds no release: widen --from and --to")
        if self.jobs < 1:
            raise UsageError(f"jobs is {self.jobs}: give at least one")
        if not 0.5 < self.confidence < 1:
            raise UsageError(f"confidence is {self.confidence}: give a number between 0.5 and 1")
        if self.names and len(self.names) != self.count:
            raise UsageError(f"{len(self.names)} names for {self.count} releases: give one for each")
        if outside := [p for p in (*self.assume, *self.cheap, *self.classes) if not 0 <= p < self.count]:
            raise UsageError(f"position {outside[0]} is outside the range of {self.count} releases")

    def name(self, position: int) -> str:
        """Return what the log calls a position."""
        return self.names[position] if self.names else str(position)

    def sample_budget(self) -> int:
        """Return how many releases to look at between two ends that are alike."""
        return math.ceil(2 * math.log2(self.count + 1)) if self.samples is None else self.samples

    def most_runs(self) -> int:
        """Return the most observations in all; by default what only noise too strong to be searched needs."""
        return max(100, 5 * self.count) if self.budget is None else self.budget

    def most_full(self) -> int:
        """Return up to how many full executions are spent on looking into classes."""
        return len(self.classes) // 3 if self.full is None else self.full
