"""One arm held against another one of the same release: several ranks must train as one process does with the same batch.

Compared are, step by step and in the order in which they arise, the loss (of several ranks their mean), the gradient of
each trained parameter after the exchange, and its weight; of the latter two the projections (`harness_recorder.replicas`).
The order of additions differs between one process and several, so a relative difference up to `rtol` does not count, and
neither does one that two executions of one arm show as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.verdicts.verdict import Effect, Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.traces.trace import Trace

KIND = "same-as"
_MARGIN = 2.0
"""A difference counts beyond this multiple of the largest one between two executions of one arm."""
_SHARE = 1e-3
"""A projection is compared with this share of the step's largest one at least: a smaller one may be all rounding."""
_WHAT = {"forward": "the loss", "backward": "the gradient of ", "optimizer": "the weight of "}


@dataclass(frozen=True, slots=True)
class Apart:
    """One figure of one step in which two traces differ.

    Attributes:
        phase: `forward`, `backward` or `optimizer`.
        parameter: None for the loss.
        own, other: The figures.
        distance: Relative.
    """

    step: int
    phase: str
    parameter: str | None
    own: float
    other: float
    distance: float


def judge_same(
    own: Trace, other: Trace, settings: Mapping[str, Any], floor: float | None = None
) -> Judgement:
    """Return the verdict of an execution beside the other arm's.

    Args:
        own: Of the arm that is judged.
        other: Of the arm that it must be the same as.
        settings: Of the oracle, with their defaults.
        floor: The largest distance between two executions of one arm; None while there is one of each.
    """
    arm, rtol = settings["arm"], float(settings["rtol"])
    figures = list(_figures(own, other, int(settings["steps"])))
    if not figures:
        said = f"nothing that arm {arm} recorded can be compared: no step, or parameters of other names"
        return Judgement(Verdict.SKIP, said, skip_kind=SkipKind.NOT_COMPARABLE)
    bound = max(rtol, _MARGIN * (floor or 0.0))
    steps = figures[-1].step
    largest = max(figure.distance for figure in figures)
    effect = Effect(f"largest relative difference from arm {arm}", largest, bound)
    first = next((figure for figure in figures if not figure.distance <= bound), None)
    if first is None:
        said = f"as arm {arm} in {steps} steps, up to {largest:.2g} (allowed {bound:.2g})"
        return Judgement(Verdict.GOOD, said, effect=effect)
    factor = first.own / first.other if first.other else math.inf
    what = f"{_WHAT[first.phase]}{first.parameter or ''}"
    said = (
        f"differs from arm {arm} first at step {first.step}, {first.phase}: {what} is {first.own:.5g} in place of "
        f"{first.other:.5g}, {factor:.4g} times as much"
    )
    if floor is not None:
        said += f"; two executions of one arm differ by {floor:.2g} at most"
    found = Fingerprint(f"differs from arm {arm}", first.step, first.phase, first.parameter)
    return Judgement(Verdict.BAD, said, found, effect)


def floor_of(one: Trace, other: Trace, settings: Mapping[str, Any]) -> float:
    """Return the largest distance between two executions of one arm."""
    return max((figure.distance for figure in _figures(one, other, int(settings["steps"]))), default=0.0)


def _figures(own: Trace, other: Trace, steps: int) -> Iterator[Apart]:
    """Yield all figures that both have, in the order in which they arise; alike ones with a distance of 0."""
    losses = _losses(own), _losses(other)
    names = _whole_names(own)
    alike = bool(names) and names == _whole_names(other)
    count = min(len(own.steps), len(other.steps), steps)
    for place in range(count):
        mine, its = losses[0][place], losses[1][place]
        if mine is not None and its is not None:
            yield Apart(place + 1, "forward", None, mine, its, _distance(mine, its, 0.0))
        if alike and place < min(len(own.replica), len(other.replica)):
            for phase, key in (("backward", "reduced"), ("optimizer", "values")):
                sides = own.replica[place][key], other.replica[place][key]
                yield from _apart(place + 1, phase, names, sides)


def _apart(
    step: int, phase: str, names: Sequence[str], sides: tuple[Sequence[float], Sequence[float]]
) -> Iterator[Apart]:
    known = [abs(value) for side in sides for value in side if math.isfinite(value)]
    least = _SHARE * max(known, default=0.0)
    for name, mine, its in zip(names, *sides, strict=True):
        yield Apart(step, phase, name, mine, its, _distance(mine, its, least))


def _whole_names(trace: Trace) -> list[str]:
    """Return the names of the trained parameters; none where some are in shards, whose figures are those of a part."""
    facts = trace.replicas or {}
    return [] if any(facts.get("sharded", ())) else list(facts.get("names", ()))


def _losses(trace: Trace) -> list[float | None]:
    """Return the loss of each step: of several ranks the mean, where all have one."""
    ranks = [rank.trace.signal("loss") for rank in trace.ranks] or [trace.signal("loss")]
    found: list[float | None] = []
    for column in zip(*ranks, strict=False):
        known = [value for value in column if value is not None]
        found.append(math.fsum(known) / len(known) if len(known) == len(column) else None)
    return found + [None] * (len(trace.steps) - len(found))


def _distance(one: float, other: float, least: float) -> float:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    if not (math.isfinite(one) and math.isfinite(other)):
        return math.inf
    return abs(one - other) / max(abs(one), abs(other), least)
