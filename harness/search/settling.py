"""Executions that make stated boundaries sure: the sides again, and from the first disagreement on where they tell most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.search.decision import decide, weigh
from harness.search.knowledge import THRICE, TWICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.search.boundaries import Boundary
    from harness.search.knowledge import Knowledge

DOUBT = 0.1
"""Probability that a release's verdict is wrong, up to which noise is left alone. Unlike a boundary, which is sure."""

MOST_AGREEING = 6
"""Executions of a side, all alike, after which it is not repeated any more."""

MOST_SKIPS = 3
"""Executions without a verdict after which a release is not repeated any more."""

CHEAP = 0.8
"""Cost of a probe whose environment is stored, in units of one whose environment must be made."""

LOOKAHEAD = 3
"""Probes under way whose outcomes are weighed; the work doubles with each."""

LEAST_BITS = 0.02
"""Information below which a probe is not worth starting while others are under way."""


def settle(known: Knowledge, slots: int, *, anywhere: bool) -> list[int] | None:
    """Return the positions to execute next; none while waiting, None when done.

    Args:
        known: Everything observed.
        slots: How many at the most.
        anywhere: Search by the noise model from the start, releases without a result among its candidates.
    """
    decision = decide(known)
    if known.deterministic():
        return _again(known, _sides(known, decision.stated(), most=TWICE))
    unsure = [boundary for boundary in decision.stated() if not boundary.confirmed]
    if not decision.noisy and not (anywhere and any(boundary.untested for boundary in unsure)):
        if not unsure:
            return None
        return _again(known, _sides(known, unsure, most=MOST_AGREEING))
    if decision.noisy:
        known.say(
            f"executions of {known.name(_first_noisy(known))} disagree: the noise model decides from here on"
        )
        known.say("more executions of each release make the answer surer: --seeds N")
        if not unsure and decision.doubt <= DOUBT:
            return None
    likely = [one for one in unsure if not one.untested and (one.chance or 0.0) > 0.5]
    if (few := _sides(known, likely, most=THRICE)) and not any(known.under_way(p) for p in few):
        return few
    chosen = _choose(known, slots, anywhere=True)
    return chosen if chosen or known.pending else None


def _first_noisy(known: Knowledge) -> int:
    return next(p for p in known.disputed() if 0 < known.counts(p)[0] < known.counts(p)[1])


def _sides(known: Knowledge, boundaries: Sequence[Boundary], *, most: int) -> list[int]:
    """Return the sides to repeat: of each boundary the one that was executed less often, or both."""
    wanted: dict[int, None] = {}
    for boundary in boundaries:
        sides = [
            p for p in (boundary.before, boundary.after) if _repeatable(known, p) and known.runs(p) < most
        ]
        least = min((known.runs(p) for p in sides), default=0)
        wanted |= dict.fromkeys(p for p in sides if known.runs(p) == least)
    return list(wanted)


def _again(known: Knowledge, sides: Sequence[int]) -> list[int] | None:
    if not sides:
        return None
    known.say(f"what the boundaries rest on is executed again: {', '.join(known.name(p) for p in sides)}")
    return [p for p in sides if not known.under_way(p)]


def _repeatable(known: Knowledge, position: int) -> bool:
    return position not in known.options.assume and known.skips(position) < MOST_SKIPS


def _choose(known: Knowledge, slots: int, *, anywhere: bool) -> list[int]:
    """Choose one after the other, each as if the outcomes of those before it were weighed already."""
    ahead = [request.position for request in sorted(known.pending)]
    chosen: list[int] = []
    while len(chosen) < slots:
        bits = _information(known, tuple([*ahead, *chosen][-LOOKAHEAD:]), (), anywhere=anywhere)
        worth = {p: told / _cost(known, p) for p, told in bits.items() if _repeatable(known, p)}
        if not worth:
            break
        best = max(worth, key=lambda p: worth[p])
        if (ahead or chosen) and bits[best] < LEAST_BITS:
            break
        chosen.append(best)
    return chosen


def _information(
    known: Knowledge, ahead: tuple[int, ...], seen: tuple[tuple[int, bool], ...], *, anywhere: bool
) -> dict[int, float]:
    """Return the bits an execution of each release tells, on average over the outcomes of those ahead of it."""
    weighed = weigh(known, anywhere=anywhere, ahead=seen)
    ahead = tuple(p for p in ahead if p in weighed.index)
    if not ahead:
        return dict(zip(weighed.index, weighed.posterior.telling.tolist(), strict=True))
    chance = float(weighed.posterior.forecast[weighed.index[ahead[0]]])
    bits: dict[int, float] = {}
    for failed, weight in ((True, chance), (False, 1 - chance)):
        if weight > 0:
            branch = _information(known, ahead[1:], (*seen, (ahead[0], failed)), anywhere=anywhere)
            for position, told in branch.items():
                bits[position] = bits.get(position, 0.0) + weight * told
    return bits


def _cost(known: Knowledge, position: int) -> float:
    return CHEAP if position in known.options.cheap or known.tested(position) else 1.0
