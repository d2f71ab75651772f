"""The stages that the strategies are put together from.

A stage is handed what is known and the number of free slots. It returns the positions it wants probed (none
while it waits for probes under way), or None once it has nothing more to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.search.boundaries import verdict_changes
from harness.search.narrowing import cut, differing_gaps, gaps
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.search.knowledge import Knowledge

Stage: TypeAlias = "Callable[[Knowledge, int], list[int] | None]"

MOST_VOTES = 15
"""Runs of one release after which two verdicts as frequent as each other are left undecided."""

MOST_REPEATS = 4
"""Runs of one release, skips among them, after which a confirmation is given up."""


def first_unfinished(stages: Iterable[Stage], known: Knowledge, slots: int) -> list[int] | None:
    """Return what the first stage with something left to ask wants; None if all are done."""
    for stage in stages:
        wanted = stage(known, slots)
        if wanted is not None:
            return wanted[:slots]
    return None


def votes(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat a release whose runs disagree until one verdict leads by two."""
    split = [p for p in known.disputed() if not known.repeated(p) and known.told(p) < MOST_VOTES]
    for position in split:
        known.say(f"runs of {known.name(position)} disagree: it is repeated until one verdict leads by two")
    return idle(known, split) if split else None


def ends(known: Knowledge, slots: int) -> list[int] | None:
    """Verify both ends, moving inwards past skips; without a stated first one, step back to find it."""
    newest = known.end(newest=True)
    if newest is None:
        wanted = _inwards(known, newest=True)
        if known.options.from_given:
            wanted += [p for p in _inwards(known, newest=False) if p not in wanted]
        return idle(known, wanted) if wanted else None
    sought, opposite = Verdict.GOOD, Verdict.BAD
    if known.options.find_fix:
        sought, opposite = opposite, sought
    if not known.options.from_given and known.signal(newest) == opposite:
        if sought in known.verdicts():
            return None
        known.say(f"{known.name(newest)} is {opposite}: stepping back to find one that is {sought}")
        back = [newest - 2**i for i in range(newest.bit_length())]
        untried = [p for p in back if not known.tested(p)]
        if untried:
            return idle(known, untried[:slots])
    wanted = _inwards(known, newest=False)
    return idle(known, wanted) if wanted else None


def samples(known: Knowledge, slots: int) -> list[int] | None:
    """Look between two ends that are alike, widest gap first, until one differs or the budget is spent."""
    anchors = [p for p in range(known.options.count) if known.signal(p) is not None]
    open_gaps = gaps(known, anchors)
    if not open_gaps or verdict_changes(known.verdicts()):
        return None
    budget, looked_at = known.options.sample_budget(), len(anchors) - 2
    if looked_at >= budget:
        known.say(f"{looked_at} releases between the ends are alike: the budget for looking is spent")
        return None
    known.say(f"no two differ so far: looking between the ends, widest gap first, at up to {budget} releases")
    under_way = {request.position for request in known.pending}
    left = budget - looked_at - len(under_way)
    return cut((gap.candidates for gap in open_gaps), under_way, min(_planned(known, slots), left))


def narrowing(known: Knowledge, slots: int) -> list[int] | None:
    """Cut every gap between neighbouring releases that differ, until none holds an untested release."""
    found = verdict_changes(known.verdicts())
    if len(found) > 1:
        known.say("the verdicts contradict a single boundary: every boundary met is mapped")
    open_gaps = differing_gaps(known)
    if not open_gaps:
        return None
    under_way = {request.position for request in known.pending}
    return cut((gap.candidates for gap in open_gaps), under_way, _planned(known, slots))


def everything(known: Knowledge, _slots: int) -> list[int] | None:
    """Probe every release once."""
    untested = known.untested()
    return idle(known, untested) if untested else None


def confirmation(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat both sides of every boundary until two runs agree.

    If the oldest boundary goes the way that was not asked for, the oldest end made it look so, and is repeated
    as well: nothing else would notice that its one run was wrong.
    """
    found = verdict_changes(known.verdicts())
    sides = [side for boundary in found for side in (boundary.before, boundary.after)]
    expected = "fixed" if known.options.find_fix else "regressed"
    if found and found[0].kind != expected and (oldest := known.end(newest=False)) is not None:
        sides.insert(0, oldest)
    weak = [
        side
        for side in dict.fromkeys(sides)
        if not known.repeated(side) and known.told(side) < MOST_REPEATS and not known.contested(side)
    ]
    if weak:
        named = ", ".join(known.name(side) for side in dict.fromkeys(sides))
        known.say(f"what the boundaries rest on is probed again: {named}")
    return idle(known, weak) if weak else None


def determinism(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat one good release (any testable one if none is good), unless one was repeated already."""
    own = [p for p in known.testable() if known.runs(p)]
    choice = [p for p in own if known.signal(p) == Verdict.GOOD] or own
    if not choice or any(known.told(p) > 1 for p in choice):
        return None
    return again(known, choice[0])


def again(known: Knowledge, position: int) -> list[int]:
    """Repeat one release to see whether the job is deterministic."""
    known.say(f"{known.name(position)} is probed again to see whether the job is deterministic")
    return idle(known, [position])


def idle(known: Knowledge, positions: Sequence[int]) -> list[int]:
    """Leave out the positions being probed already."""
    return [p for p in positions if not known.under_way(p)]


def _planned(known: Knowledge, slots: int) -> int:
    """Return the probes to plan for: the cuts are even also where slots are filled one after the other."""
    return max(slots, known.options.jobs - len(known.pending))


def _inwards(known: Knowledge, *, newest: bool) -> list[int]:
    """Return the outermost untested position if all further out are skipped; nothing if the end is found."""
    order = range(known.options.count)
    for position in reversed(order) if newest else order:
        if not known.tested(position):
            return [position]
        if known.signal(position) is not None:
            return []
    return []
