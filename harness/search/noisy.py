"""The noisy strategy: probe where a run tells most about the boundary for its cost, until one is sure enough.

It first tests whether the job is deterministic. If two runs of one release leave the same trace, plain
bisection takes over; without traces the noise model's exact part serves the same end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness.search.boundaries import verdict_changes
from harness.search.flakiness import Posterior, posterior, rates
from harness.search.stages import MOST_REPEATS, MOST_VOTES, again, ends, first_unfinished, idle, samples
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from harness.search.knowledge import Knowledge

CHEAP = 0.8
"""Cost of a probe whose environment is stored, in units of one whose environment must be made."""

ESTABLISHED = 4
"""Votes by which a verdict must lead to be held for a fact that splits the range in two."""

LOOKAHEAD = 5
"""Probes under way whose outcomes are weighed; the work doubles with each."""

LEAST_BITS = 0.02
"""Information below which a probe is not worth starting while others are under way."""

Extra = tuple[tuple[int, bool], ...]


class Stretch(NamedTuple):
    """Releases, both positions among them, that hold a single boundary at most; a repair where expected."""

    first: int
    last: int
    find_fix: bool


def noisy(known: Knowledge, slots: int) -> list[int] | None:
    """Return the positions to probe next; none while waiting, None when done."""
    return first_unfinished((ends, _determinism, _established, _between_alike, _most_telling), known, slots)


def stretches(known: Knowledge) -> list[Stretch]:
    """Return the stretches that each hold a single boundary at most.

    That is the whole range, unless both ends are established to be alike and a release between them to differ:
    then it is split there.
    """
    last, alike = known.options.count - 1, _alike(known)
    differing = [p for p in known.testable() if known.signal(p) != alike and _is_established(known, p)]
    if alike is None or not differing:
        return [Stretch(0, last, known.options.find_fix)]
    middle = max(differing, key=known.lead)
    return [Stretch(0, middle, alike == Verdict.BAD), Stretch(middle, last, alike == Verdict.GOOD)]


def weigh(known: Knowledge, stretch: Stretch, extra: Extra = ()) -> Posterior:
    """Return the posterior over one stretch, as if the runs in `extra` (position, bad) had been seen too."""
    positions = [p for p in range(stretch.first, stretch.last + 1) if known.verdict(p) != Verdict.SKIP]
    counts = {p: known.counts(p) for p in positions}
    for position, bad in extra:
        seen_bad, seen = counts[position]
        counts[position] = (seen_bad + bad, seen + 1)
    assumed = {p: verdict == Verdict.BAD for p, verdict in known.options.assume.items() if p in counts}
    exact = known.deterministic()
    return posterior(positions, counts, assumed, find_fix=stretch.find_fix, exact=exact)


def several_boundaries(known: Knowledge) -> bool:
    """Tell whether the boundaries as voted explain the runs better than noise around a single one.

    Compares the evidence, each boundary with a prior of one in the number of gaps.
    """
    verdicts = known.verdicts()
    found = verdict_changes(verdicts)
    if len(found) < 2:
        return False
    sides = {Verdict.GOOD: (0, 0), Verdict.BAD: (0, 0)}
    for position in known.testable():
        verdict, (bad, runs) = verdicts[position], known.counts(position)
        errors, seen = sides[verdict]
        sides[verdict] = errors + (bad if verdict == Verdict.GOOD else runs - bad), seen + runs
    gaps = known.options.count - 1
    voted = rates(sides[Verdict.GOOD], sides[Verdict.BAD], exact=False).likelihood / float(gaps) ** len(found)
    whole = weigh(known, Stretch(0, gaps, known.options.find_fix))
    return voted > whole.evidence / gaps


def smoothed(known: Knowledge) -> list[Verdict]:
    """Return the verdict of every position as the most probable boundaries have it."""
    verdicts = known.verdicts()
    for stretch in stretches(known):
        found = weigh(known, stretch)
        for position in found.positions if found.weights else ():
            if verdicts[position] != Verdict.UNTESTED:
                verdicts[position] = Verdict.BAD if found.says_bad(position) else Verdict.GOOD
    return verdicts


def sure(known: Knowledge) -> bool:
    """Tell whether the boundary of every stretch has reached the confidence asked for, sides run twice."""
    found = [weigh(known, stretch) for stretch in stretches(known)]
    return all(_is_sure(known, one) and not _weak_sides(known, one) for one in found)


def _is_sure(known: Knowledge, found: Posterior) -> bool:
    """Compare with the confidence asked for.

    The risk is divided by one and half the number of contrary runs: where noise is seen, part of the risk is
    kept for what it hid before it was seen (the share is set by simulation, see `nox -s bench-search`).
    """
    if not found.weights:
        return False
    contrary = 0
    for position in found.positions:
        bad, runs = known.counts(position)
        contrary += runs - bad if found.says_bad(position) else bad
    return found.chance >= 1 - (1 - known.options.confidence) / (1 + contrary / 2)


def _weak_sides(known: Knowledge, found: Posterior) -> list[int]:
    """Return the sides of the most probable boundary that were not run twice."""
    return [
        p
        for p in found.sides()
        if known.runs(p) < 2 and known.told(p) < MOST_REPEATS and p not in known.options.assume
    ]


def _is_established(known: Knowledge, position: int) -> bool:
    return position in known.options.assume or known.lead(position) >= ESTABLISHED


def _alike(known: Knowledge) -> Verdict | None:
    """Return the verdict of both ends if it is established and the same."""
    both = [known.end(newest=newest) for newest in (False, True)]
    signals = {known.signal(p) if p is not None and _is_established(known, p) else None for p in both}
    signal = signals.pop()
    return signal if isinstance(signal, Verdict) and not signals else None


def _determinism(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat the oldest release with a verdict: a wrong run there would turn the direction of the boundary."""
    own = [p for p in known.testable() if known.runs(p)]
    if not own or any(known.told(p) > 1 for p in own):
        return None
    return again(known, own[0])


def _established(known: Knowledge, _slots: int) -> list[int] | None:
    """Repeat what the question of one boundary or two hangs on.

    Those are ends that first went against what was asked for and then not, ends that are alike, and what
    differs between these.
    """
    oldest, newest = known.end(newest=False), known.end(newest=True)
    if oldest is None or newest is None:
        return None
    both, alike = dict.fromkeys((oldest, newest)), _alike(known)
    bad_end = oldest if known.options.find_fix else newest
    surprising = [p for p in both if (known.signal(p) == Verdict.BAD) != (p == bad_end)]
    doubtful = [p for p in surprising if known.contested(p) and not known.lead(p)]
    if alike is not None:
        doubtful = [
            p for p in known.testable() if known.disagrees(p, alike) and not _is_established(known, p)
        ]
    elif not doubtful and known.signal(oldest) == known.signal(newest):
        doubtful = [p for p in both if not _is_established(known, p)]
    doubtful = [p for p in doubtful if known.told(p) < MOST_VOTES]
    return idle(known, doubtful) if doubtful else None


def _between_alike(known: Knowledge, slots: int) -> list[int] | None:
    return samples(known, slots) if _alike(known) is not None else None


def _most_telling(known: Knowledge, slots: int) -> list[int] | None:
    """Choose by information for cost in every stretch that is not sure yet, then repeat the boundary's sides."""
    chosen: list[int] = []
    unsure = False
    for stretch in stretches(known):
        found = weigh(known, stretch)
        if not found.weights:
            known.say("the assumed verdicts contradict a single boundary: the noise model cannot weigh them")
        elif not _is_sure(known, found):
            unsure = True
            chosen += _choose(known, stretch, slots - len(chosen))
        elif weak := _weak_sides(known, found):
            unsure = True
            chosen += [p for p in idle(known, weak) if p not in chosen]
    return chosen if unsure else None


def _choose(known: Knowledge, stretch: Stretch, slots: int) -> list[int]:
    """Choose one after the other, each as if the outcomes of those before it were weighed already."""
    ahead = [r.position for r in sorted(known.pending) if stretch.first <= r.position <= stretch.last]
    chosen: list[int] = []
    while len(chosen) < slots:
        told = _information(known, stretch, tuple([*ahead, *chosen][-LOOKAHEAD:]))
        worth = {p: bits / _cost(known, p) for p, bits in told.items() if p not in known.options.assume}
        if not worth:
            break
        best = max(worth, key=lambda p: worth[p])
        if (ahead or chosen) and told[best] < LEAST_BITS:
            break
        chosen.append(best)
    return chosen


def _information(
    known: Knowledge, stretch: Stretch, ahead: tuple[int, ...], extra: Extra = ()
) -> dict[int, float]:
    """Return the bits a run of each position tells, on average over the outcomes of the runs ahead of it."""
    found = weigh(known, stretch, extra)
    forecasts = dict(zip(found.positions, found.forecasts(), strict=True))
    ahead = tuple(p for p in ahead if p in forecasts)
    if not ahead:
        return {position: bits for position, (_, bits) in forecasts.items()}
    chance = forecasts[ahead[0]][0]
    told = dict.fromkeys(forecasts, 0.0)
    for bad, weight in ((True, chance), (False, 1 - chance)):
        if weight > 0:
            branch = _information(known, stretch, ahead[1:], (*extra, (ahead[0], bad)))
            for position, bits in branch.items():
                told[position] += weight * bits
    return told


def _cost(known: Knowledge, position: int) -> float:
    return CHEAP if position in known.options.cheap or known.tested(position) else 1.0
