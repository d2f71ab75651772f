"""Tells the changes of a unit apart, which no mixture of both environments separates since requirements bind them.

First by releases between the two lists: while one package of the unit goes from release to release, the others follow
only where they have to, so that the release that does it may be one at which none of them moves. Then, as the last
resort, by installing mixtures against what their packages require: an environment is made from its lock without asking
again whether the versions go together. Whatever is missing there fails in its own way, which is no evidence, and what
is shown in this way is marked with the requirements that it contradicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.blame.comparison import TWICE
from harness.locks.mixture import stated
from harness.search.mixtures import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.blame.comparison import Comparison
    from harness.blame.failure import KnownFailure
    from harness.blame.releases import ReleaseSearch
    from harness.report.blamed import BoundaryInside
    from harness.search.culprits import Answer, CulpritSet
    from harness.search.ties import Mixture

MOST = 4
"""Changes of a unit beyond which it stays one."""


@dataclass(frozen=True, slots=True)
class Split:
    """One change of a unit that does it without the others of the unit.

    Attributes:
        unit: The unit that it was a part of.
        change: Position of the change.
        against: The requirements that the executed mixtures contradict; empty where none was installed against one.
        inside: The boundary at which no other package of the unit moves; None where mixtures told them apart.
    """

    unit: Mixture
    change: int
    against: tuple[str, ...] = ()
    inside: BoundaryInside | None = None


def split_units(
    comparison: Comparison, failure: KnownFailure, answer: Answer, releases: ReleaseSearch
) -> list[Split]:
    """Return the units of which one change does it while the others stay as they are.

    Args:
        comparison: Executes.
        failure: Of the bad environment.
        answer: What the search found.
        releases: Goes from release to release of one package.

    Raises:
        HarnessError: As `bisect` says.
        MachineError: This machine ended an execution.
        KeyboardInterrupt: After every running probe was ended.
    """
    if not answer.conclusion.found:
        return []
    return list(_splits(comparison, failure, answer, releases))


def _splits(
    comparison: Comparison, failure: KnownFailure, answer: Answer, releases: ReleaseSearch
) -> Iterator[Split]:
    for culprits in answer.sets:
        others = answer.others(culprits) - culprits.changes
        for unit in culprits.parts:
            if 1 < len(unit) <= MOST:
                split = _between(comparison, unit, others, releases) or _forced(
                    comparison, failure, culprits, unit, others
                )
                if split is not None:
                    yield split


def _between(comparison: Comparison, unit: Mixture, others: Mixture, releases: ReleaseSearch) -> Split | None:
    """Return the change whose boundary lies between two releases beside which the others of the unit are the same."""
    if not any(releases.between(comparison.changes[change]) for change in unit):
        return None
    lock, refused, _ = comparison.locks.lock(comparison.locks.everything - others)
    for change in [] if refused else _order(comparison, unit):
        move = comparison.changes[change]
        if not (move.before and move.after):
            continue
        mates = {comparison.changes[one].name for one in unit - {change}}
        inside = releases.located(move, "bad", lock, mates)
        if inside is not None and inside.good and inside.confirmed and inside.alone:
            return Split(unit, change, inside=inside)
    return None


def _order(comparison: Comparison, unit: Mixture) -> list[int]:
    """Return the changes of a unit, the most suspected first, then those that require others of the unit."""
    names = {comparison.changes[change].name for change in unit}
    requirements, interpreter = comparison.locks.requirements, comparison.session.interpreter

    def requires(change: int) -> bool:
        move = comparison.changes[change]
        return any(
            tie.name in names - {move.name}
            for version in (move.before, move.after)
            if version
            for tie, _ in stated(move.name, version, requirements, interpreter)
        )

    weights = comparison.weights()
    return sorted(unit, key=lambda change: (-weights[change], not requires(change), change))


def _forced(
    comparison: Comparison, failure: KnownFailure, culprits: CulpritSet, unit: Mixture, others: Mixture
) -> Split | None:
    """Return the change that alone makes the job fail, and cures it when it is reverted, whatever is required."""
    mixtures, locks = comparison.mixtures, comparison.locks
    beside = culprits.changes - unit
    for change in _order(comparison, unit):
        one = frozenset({change})
        applied, reverted = beside | one, locks.everything - others - one
        if mixtures.forced(applied, failure.outcome, TWICE) != Outcome.BAD:
            continue
        if mixtures.forced(reverted, failure.outcome, TWICE) == Outcome.GOOD:
            against = dict.fromkeys([*locks.against(applied), *locks.against(reverted)])
            return Split(unit, change, tuple(against))
    return None
