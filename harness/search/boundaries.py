"""From verdicts in order to boundaries and one conclusion: pure, no clock, no process.

A boundary joins two neighbouring *testable* releases; what lies between them without a verdict is named and is
never itself the culprit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from harness.verdicts.verdict import Fingerprint


class Conclusion(StrEnum):
    """The answer to a run, as the contract names it."""

    REGRESSED = "regressed"
    FIXED = "fixed"
    NON_MONOTONE = "non-monotone"
    ALWAYS_GOOD = "always-good"
    NEVER_GOOD = "never-good"
    UNTESTABLE_GAP = "untestable-gap"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Boundary:
    """Two neighbouring testable releases that differ in one signal.

    Attributes:
        before: Position (from 0) of the older one.
        after: Position of the newer one.
        kind: `regressed`, `fixed` or `changed`.
        skipped: Positions between them that have no value: skipped, or broken by another failure.
        untested: Positions between them that nobody probed; with any, the boundary is not final.
        confirmed: Whether both sides were probed again and gave the same.
        failure: What the bad side fails with, where that is known.
    """

    before: int
    after: int
    kind: str
    skipped: tuple[int, ...] = ()
    untested: tuple[int, ...] = ()
    confirmed: bool = False
    failure: Fingerprint | None = None


def changes(
    values: Sequence[Hashable | None],
    kind: Callable[[Hashable, Hashable], str] = lambda _before, _after: "changed",
) -> list[Boundary]:
    """Return every place where a signal differs between neighbours that have one.

    Args:
        values: The signal a position; None where there is none (skipped, not measured).
        kind: Names the change from the value before and after.
    """
    known = [position for position, value in enumerate(values) if value is not None]
    found = []
    for before, after in pairwise(known):
        old, new = values[before], values[after]
        if old is not None and new is not None and old != new:
            found.append(Boundary(before, after, kind(old, new), tuple(range(before + 1, after))))
    return found


def verdict_changes(verdicts: Sequence[Verdict]) -> list[Boundary]:
    """Return every boundary between good and bad; skip and untested carry no value and are kept apart."""
    values = [verdict if verdict in (Verdict.GOOD, Verdict.BAD) else None for verdict in verdicts]
    return [
        replace(
            boundary,
            skipped=tuple(p for p in boundary.skipped if verdicts[p] != Verdict.UNTESTED),
            untested=tuple(p for p in boundary.skipped if verdicts[p] == Verdict.UNTESTED),
        )
        for boundary in changes(values, lambda _old, new: "regressed" if new == Verdict.BAD else "fixed")
    ]


def conclude(verdicts: Sequence[Verdict]) -> Conclusion:
    """Return the conclusion that verdicts in order allow.

    A single boundary whose sides are not neighbours, because skipped releases lie between them, is an
    `untestable-gap`: any of those, or the first one after them, may be the culprit. If a release between them
    was never probed the search stopped too early, and the conclusion is `inconclusive`.
    """
    boundaries = verdict_changes(verdicts)
    testable = {verdict for verdict in verdicts if verdict in (Verdict.GOOD, Verdict.BAD)}
    if not testable:
        return Conclusion.INCONCLUSIVE
    if not boundaries:
        return Conclusion.ALWAYS_GOOD if testable == {Verdict.GOOD} else Conclusion.NEVER_GOOD
    if len(boundaries) > 1:
        return Conclusion.NON_MONOTONE
    if boundaries[0].untested:
        return Conclusion.INCONCLUSIVE
    if boundaries[0].skipped:
        return Conclusion.UNTESTABLE_GAP
    return Conclusion.REGRESSED if boundaries[0].kind == "regressed" else Conclusion.FIXED
