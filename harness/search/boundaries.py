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
    CHANGED = "changed"
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
        skipped: Positions between them that have no value: they cannot be tested.
        untested: Positions between them that nobody probed; with any, the boundary is not final.
        confirmed: Whether both sides were executed again, and the change lies between exactly these two with the
            confidence that was asked.
        failure: What the bad side (of two, the newer one) fails with, where that is known.
        chance: Probability that the change lies between exactly these two, in this direction; None if not weighed.
    """

    before: int
    after: int
    kind: str
    skipped: tuple[int, ...] = ()
    untested: tuple[int, ...] = ()
    confirmed: bool = False
    failure: Fingerprint | None = None
    chance: float | None = None


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


def conclude(verdicts: Sequence[Verdict], boundaries: Sequence[Boundary] | None = None) -> Conclusion:
    """Return the conclusion that verdicts in order allow.

    A single boundary whose sides are not neighbours, because skipped releases lie between them, is an
    `untestable-gap`: any of those, or the first one after them, may be the culprit. So is a range whose testable
    releases are all alike while its oldest or its newest one cannot be tested. If a release at an end or between the
    sides was never probed the search stopped too early, and the conclusion is `inconclusive`.

    Args:
        verdicts: Of all releases.
        boundaries: Those found; by default every change between good and bad.
    """
    found = verdict_changes(verdicts) if boundaries is None else boundaries
    testable: set[Verdict] = {Verdict.GOOD, Verdict.BAD} & set(verdicts)
    if not testable:
        return Conclusion.INCONCLUSIVE
    if not found:
        return _without_change(testable, {verdicts[0], verdicts[-1]})
    if any(boundary.untested for boundary in found):
        return Conclusion.INCONCLUSIVE
    if len(found) > 1:
        return Conclusion.NON_MONOTONE
    if found[0].skipped:
        return Conclusion.UNTESTABLE_GAP
    kinds = {"regressed": Conclusion.REGRESSED, "fixed": Conclusion.FIXED, "changed": Conclusion.CHANGED}
    return kinds[found[0].kind]


def _without_change(testable: set[Verdict], ends: set[Verdict]) -> Conclusion:
    if Verdict.UNTESTED in ends or len(testable) > 1:
        return Conclusion.INCONCLUSIVE
    if Verdict.SKIP in ends:
        return Conclusion.UNTESTABLE_GAP
    return Conclusion.ALWAYS_GOOD if testable == {Verdict.GOOD} else Conclusion.NEVER_GOOD
