"""Tells the changes of a unit apart by installing mixtures against what their packages require: the last resort.

An environment is made from its lock without asking again whether the versions go together, so that one change of a
unit can be executed without the others. Whatever is missing there fails in its own way, which is no evidence. What is
shown in this way is marked with the requirements that it contradicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.search.mixtures import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.blame.failure import KnownFailure
    from harness.blame.mixtures import Mixtures
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
        against: The requirements that the executed mixtures contradict.
    """

    unit: Mixture
    change: int
    against: tuple[str, ...]


def split_units(mixtures: Mixtures, failure: KnownFailure, answer: Answer) -> list[Split]:
    """Return the units of which one change alone makes the job fail, and cures it when it is reverted.

    Args:
        mixtures: Executes.
        failure: Of the bad environment.
        answer: What the search found.

    Raises:
        MachineError: This machine ended an execution.
        KeyboardInterrupt: After every running probe was ended.
    """
    if not answer.conclusion.found:
        return []
    return list(_splits(mixtures, failure, answer))


def _splits(mixtures: Mixtures, failure: KnownFailure, answer: Answer) -> Iterator[Split]:
    for culprits in answer.sets:
        others = frozenset[int]().union(*(one.mixture for one in answer.sets if one is not culprits))
        for unit in culprits.parts:
            if 1 < len(unit) <= MOST:
                change = _told_apart(mixtures, failure, culprits, unit, others - culprits.mixture)
                if change is not None:
                    yield change


def _told_apart(
    mixtures: Mixtures, failure: KnownFailure, culprits: CulpritSet, unit: Mixture, others: Mixture
) -> Split | None:
    beside = culprits.changes - unit
    for change in mixtures.by_suspicion(unit):
        one = frozenset({change})
        applied, reverted = beside | one, mixtures.everything - others - one
        if mixtures.forced(applied, failure) != Outcome.BAD:
            continue
        if mixtures.forced(reverted, failure) == Outcome.GOOD:
            against = dict.fromkeys([*mixtures.against(applied), *mixtures.against(reverted)])
            return Split(unit, change, tuple(against))
    return None
