"""The stages that the strategies are put together from.

A stage is handed what is known and the number of free slots. It returns the positions it wants probed (none
while it waits for probes under way), or None once it has nothing more to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness.search.classes import runs
from harness.search.narrowing import cut, differing_gaps, gaps, splitting_gaps
from harness.search.settling import settle
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.search.knowledge import Knowledge

Stage: TypeAlias = "Callable[[Knowledge, int], list[int] | None]"

MOST_SKIPS = 3
"""Executions without a verdict after which a release is not repeated any more."""


def first_unfinished(stages: Iterable[Stage], known: Knowledge, slots: int) -> list[int] | None:
    """Return what the first stage with something left to ask wants; None if all are done."""
    for stage in stages:
        wanted = stage(known, slots)
        if wanted is not None:
            return wanted[:slots]
    return None


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
    if not known.options.from_given and known.verdict(newest) == opposite:
        if any(known.verdict(p) == sought for p in known.testable()):
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
    anchors = known.testable()
    if len({known.verdict(p) for p in anchors}) > 1:
        return None
    open_gaps = gaps(known, anchors)
    if not open_gaps:
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
    """Cut every gap between neighbouring releases that differ, until none holds an untested release.

    The gap between a good release and the failure of the newest bad one comes first. Once executions disagree, gaps
    are not cut any more: `settle` chooses where an execution tells most.
    """
    if known.noisy():
        return None
    open_gaps = differing_gaps(known)
    if not open_gaps:
        return None
    if len(open_gaps) > 1:
        known.say("the verdicts contradict a single boundary: every boundary met is mapped")
    under_way = {request.position for request in known.pending}
    return cut((gap.candidates for gap in open_gaps), under_way, _planned(known, slots))


def class_ends(known: Knowledge, slots: int) -> list[int] | None:
    """Execute both ends of every run of releases whose first steps are equal; further inwards past those without a verdict."""
    wanted: dict[int, None] = {}
    options = known.options
    found = runs(options.count, options.classes, lambda position: known.signal(position) is not None)
    for run in found:
        for order in (run, run[::-1]):
            wanted |= dict.fromkeys(_first_untested(known, order))
    if not wanted:
        return None
    known.say(
        f"{len(options.classes)} releases fall into {len(found)} runs of equal first steps: both ends of each are executed"
    )
    return idle(known, sorted(wanted))[:slots]


def splitting(known: Knowledge, slots: int) -> list[int] | None:
    """Split a run whose executed releases differ: by halves, in verdict, failure and trace."""
    if known.noisy():
        return None
    open_gaps = splitting_gaps(known)
    if not open_gaps:
        return None
    before, after = (known.name(side) for side in open_gaps[0][:2])
    known.say(f"{before} and {after} begin equal and differ in full: what lies between them is searched")
    under_way = {request.position for request in known.pending}
    return cut((gap.candidates for gap in open_gaps), under_way, _planned(known, slots))


def class_middles(known: Knowledge, slots: int) -> list[int] | None:
    """Look into the runs, widest gap first, as far as the budget for full executions says."""
    open_gaps = gaps(known, known.testable())
    left = known.options.most_full() - known.full()
    if not open_gaps:
        return None
    if left <= 0:
        known.say(
            f"{known.full()} full executions; the budget lets up to {known.options.most_full()} look between the ends of runs"
        )
        return None
    under_way = {request.position for request in known.pending}
    return cut((gap.candidates for gap in open_gaps), under_way, min(_planned(known, slots), left))


def everything(known: Knowledge, slots: int) -> list[int] | None:
    """Probe every release once."""
    return known.fresh(slots) if known.left else None


def confirmation(known: Knowledge, slots: int) -> list[int] | None:
    """Execute until every stated boundary is as sure as was asked."""
    return settle(known, slots, anywhere=False)


def search_anywhere(known: Knowledge, slots: int) -> list[int] | None:
    """Execute where it tells most, releases without a result too, until every stated boundary is as sure as asked."""
    return settle(known, slots, anywhere=True)


def determinism(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat one good release of a job with traces (any testable one if none is good), unless one was repeated."""
    if not known.traced:
        return None
    own = [p for p in known.testable() if known.runs(p)]
    choice = [p for p in own if known.verdict(p) == Verdict.GOOD] or own
    if not choice or any(known.told(p) > 1 for p in choice):
        return None
    return _again(known, choice[:1])


def oldest_again(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat the oldest release with a verdict: a wrong execution there would turn the direction of the boundary."""
    own = [p for p in known.testable() if known.runs(p)]
    if not own or any(known.told(p) > 1 for p in own):
        return None
    return _again(known, own[:1])


def ends_again(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat both ends of a job without traces, whose verdict may depend on what differs between two executions.

    Nothing else tells whether such a job is deterministic. Where nothing was seen to change and executions are cheap,
    the newest end is repeated twice.
    """
    if known.traced:
        return None
    own = [p for p in known.testable() if known.runs(p)]
    if not own:
        return None
    alike = len({known.verdict(p) for p in own}) == 1
    cheap = len(known.options.cheap) + len(known.options.assume) >= known.options.count
    wanted = {own[0]: 2, own[-1]: 3 if alike and cheap else 2}
    few = [p for p, runs in wanted.items() if known.runs(p) < runs and not exhausted(known, p)]
    return _again(known, few) if few else None


def exhausted(known: Knowledge, position: int) -> bool:
    """Tell whether a release gave no verdict so often that it is not repeated any more."""
    return known.skips(position) >= MOST_SKIPS


def _again(known: Knowledge, positions: Sequence[int]) -> list[int]:
    named = ", ".join(known.name(p) for p in positions)
    known.say(f"{named}: executed again to see whether the job is deterministic")
    return idle(known, positions)


def idle(known: Knowledge, positions: Sequence[int]) -> list[int]:
    """Leave out the positions being probed already."""
    return [p for p in positions if not known.under_way(p)]


def _planned(known: Knowledge, slots: int) -> int:
    """Return the probes to plan for: the cuts are even also where slots are filled one after the other."""
    return max(slots, known.options.jobs - len(known.pending))


def _inwards(known: Knowledge, *, newest: bool) -> list[int]:
    """Return the outermost untested position if all further out are skipped; nothing if the end is found."""
    order = range(known.options.count)
    return _first_untested(known, reversed(order) if newest else order)


def _first_untested(known: Knowledge, order: Iterable[int]) -> list[int]:
    """Return the first untested position if all before it are skipped; nothing if one before it has a verdict."""
    for position in order:
        if not known.tested(position):
            return [position]
        if known.signal(position) is not None:
            return []
    return []
