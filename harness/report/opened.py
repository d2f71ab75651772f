"""What a report says of a boundary whose sides' locks differ in more than the package under test: facts, no words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.locks.mixture import Tie
from harness.search.exchange import Likeness, Outcome


@dataclass(frozen=True, slots=True)
class MixtureResult:
    """One mixture of both sides' locks, and what it did.

    Attributes:
        release: Version of the package under test that it has.
        exchanged: Names of the dependencies that it takes from the other side.
        likeness: What it did, all executions together.
        verdict: Of its first execution; untested if nothing was executed.
        reason: Of that verdict, or why there are no executions.
        lock: Digest.
        executions: As in `ReleaseResult`.
        refused: Why uv refuses it, in uv's words; empty if its versions go together.
        ties: The requirements in the way.
        forced: It was installed against those requirements.
    """

    release: str
    exchanged: list[str]
    likeness: Likeness
    verdict: str
    reason: str
    lock: str | None = None
    executions: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""
    ties: list[Tie] = field(default_factory=list)
    forced: bool = False


@dataclass(frozen=True, slots=True)
class CulpritResult:
    """Dependencies that bring the failure, without which it does not come.

    Attributes:
        names: One most often.
        together: Where there are several: none of them does it without the others. Else they were not told apart.
        forced: They were told from the others by mixtures that were installed against requirements.
    """

    names: list[str]
    together: bool = False
    forced: bool = False


@dataclass(frozen=True, slots=True)
class DependencyAnswer:
    """Which of the changes between both sides brings the failure.

    Attributes:
        outcome: The package under test, its dependencies, either, both together, or nobody can tell.
        changes: [{`name`, `before`, `after`}] of every dependency that differs, as in `BoundaryResult.moves`.
        culprits: Dependencies that do it, each set by itself; empty if the package alone does it or nobody can tell.
        along: Dependencies that could not be kept apart from the culprits.
        trials: The mixtures; the first two exchange all dependencies.
        flaky: Executions of one side disagree, so no mixture was executed.
    """

    outcome: Outcome
    changes: list[dict[str, str | None]]
    culprits: list[CulpritResult] = field(default_factory=list)
    along: list[str] = field(default_factory=list)
    trials: list[MixtureResult] = field(default_factory=list)
    flaky: bool = False

    def whole(self, release: str) -> MixtureResult | None:
        """Return the mixture of a release with all dependencies of the other side."""
        names = {change["name"] for change in self.changes}
        return next(
            (one for one in self.trials if one.release == release and set(one.exchanged) == names), None
        )


__all__ = ["CulpritResult", "DependencyAnswer", "Likeness", "MixtureResult", "Outcome", "Tie"]
