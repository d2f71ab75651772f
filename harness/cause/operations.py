"""The first operation that two releases do differently: both sides execute one step again with every operation recorded.

Operations are aligned in order of execution by name, phase and shapes of what comes out. Two ways to the same values
are no difference. The first difference is one of `DIFFERENCES`.

How much of a difference rounding explains is measured: the older release executes the step again, and the inputs of
the operations from the difference on are moved by one unit in the last place, as another order of additions would. The
floor is how far the values move that the difference is measured by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from harness.cause.bench import Trial
from harness.cause.divergence import distances, ulp
from harness.cause.lines import code_line
from harness.report.attribution import OperationResult, OperationsResult, TensorResult
from harness.traces.compare import first_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cause.bench import Bench
    from harness.cause.transplant import Pair
    from harness.traces.trace import Trace

    Event = Mapping[str, Any]

ROUNDED = frozenset({"other values", "other operations"})
"""Kinds of differences that may be nothing but rounding."""
SEEDS = (0, 1, 2)
"""Of the perturbed executions."""
MOST_SHOWN = 8
"""Operations shown of each side."""
_MARGIN = 2.0
"""A difference up to this multiple of what rounding does is called rounding."""
_WINDOW = 300
"""Operations of each side in which the sides are sought to meet again."""


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two sequences of operations part.

    Attributes:
        kind: One of `harness.report.attribution.DIFFERENCES`.
        older, newer: [first, behind the last) position of what differs, on each side.
        meet: Positions of the first operation from there on that both sides execute and that gives other values; None
            where there is none before the sides part again.
        equal: Operations before it that both sides execute with equal values.
    """

    kind: str
    older: tuple[int, int]
    newer: tuple[int, int]
    meet: tuple[int, int] | None
    equal: int


def first_operation(pair: Pair, bench: Bench) -> OperationsResult | None:
    """Execute the first differing step of both sides with its operations recorded; None where nothing can be told.

    Nothing can be told where repeated executions of one release are not equal, and where no step differs.
    """
    difference = first_difference(pair.before.seeds()[0].trace, pair.after.seeds()[0].trace)
    if difference is None or pair.noise:
        return None
    asked = {"step": difference.step, "package": bench.session.asked.package}
    bench.watcher.note(f"step {difference.step} of both sides is executed again, to find the operation")
    older, newer = bench.traces([_trial(pair, place, asked) for place in (pair.older, pair.newer)])
    parting = part(older.operations, newer.operations)
    if parting is None:
        return None
    floor = None
    if parting.meet is not None and parting.kind in ROUNDED:
        moved = [{**asked, "perturb": perturbation(parting, seed)} for seed in SEEDS]
        again = bench.traces([_trial(pair, pair.older, one) for one in moved])
        floor = floor_of(older, again, parting.meet[0])
    return result(older.operations, newer.operations, parting, floor)


def part(older: Sequence[Event], newer: Sequence[Event]) -> Parting | None:
    """Return where two sequences of operations part; None where they are equal, or one is empty.

    Operations that one side alone executes are passed over, until another one gets what they gave: else both sides
    have two ways to the same values.
    """
    here = there = equal = 0
    passed: list[Parting] = []
    while here < len(older) and there < len(newer):
        mine, its = older[here], newer[there]
        if _key(mine) != _key(its):
            mine_end, its_end = _meet(older, newer, here, there)
            passed.append(Parting("other operations", (here, mine_end), (there, its_end), None, equal))
            here, there = mine_end, its_end
            continue
        if _values(mine["inputs"]) != _values(its["inputs"]):
            origin = _origin(older, newer, passed, mine, its)
            if origin is not None:
                return replace(origin, meet=_first_other(older, newer, here, there))
            return Parting("other inputs", (here, here + 1), (there, there + 1), (here, there), equal)
        if _values(mine["outputs"]) != _values(its["outputs"]):
            kind = "other values" if mine["arguments"] == its["arguments"] else "other arguments"
            return Parting(kind, (here, here + 1), (there, there + 1), (here, there), equal)
        here, there, equal = here + 1, there + 1, equal + 1
    return None


def _origin(
    older: Sequence[Event], newer: Sequence[Event], passed: Sequence[Parting], mine: Event, its: Event
) -> Parting | None:
    """Return the newest of the passed places that gave what one operation gets on one side alone."""
    pairs = list(zip(mine["inputs"], its["inputs"], strict=False))
    if any(one["parameter"] and one["checksum"] != other["checksum"] for one, other in pairs):
        return None
    differing = [(one, other) for one, other in pairs if _values([one]) != _values([other])]
    got = {_sum(told) for pair in differing for told in pair}
    for place in reversed(passed):
        events = (*older[slice(*place.older)], *newer[slice(*place.newer)])
        if any(_sum(told) in got for event in events for told in event["outputs"]):
            return place
    return None


def _first_other(
    older: Sequence[Event], newer: Sequence[Event], here: int, there: int
) -> tuple[int, int] | None:
    """Return the first operation from a place on that both sides execute with other values coming out."""
    for offset, (mine, its) in enumerate(zip(older[here:], newer[there:], strict=False)):
        if _key(mine) != _key(its):
            return None
        if [told["checksum"] for told in mine["outputs"]] != [told["checksum"] for told in its["outputs"]]:
            return here + offset, there + offset
    return None


def _meet(older: Sequence[Event], newer: Sequence[Event], here: int, there: int) -> tuple[int, int]:
    """Return the positions behind what one side alone executes, or both do differently."""
    mine = [_key(event) for event in older[here : here + _WINDOW]]
    its = [_key(event) for event in newer[there : there + _WINDOW]]
    blocks = SequenceMatcher(None, mine, its, autojunk=False).get_matching_blocks()
    block = next((one for one in blocks if one.size and (one.a or one.b)), None)
    if block is None:
        return len(older), len(newer)
    return here + block.a, there + block.b


def _key(event: Event) -> tuple[Any, ...]:
    return event["phase"], event["name"], tuple(tuple(told["shape"]) for told in event["outputs"])


def _values(several: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [(told["dtype"], tuple(told["shape"]), _sum(told)) for told in several]


def _sum(told: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(told["checksum"] or ())


def perturbation(parting: Parting, seed: int) -> dict[str, int]:
    """Return which operations of the older side get moved inputs: from the difference to what is measured."""
    last = parting.older[0] if parting.meet is None else parting.meet[0]
    return {"first": parting.older[0], "last": last, "seed": seed}


def floor_of(older: Trace, moved: Sequence[Trace], position: int) -> float | None:
    """Return the largest relative distance that perturbed inputs make in what an operation gives.

    It is one unit in the last place of these values at least; None where there are no values.
    """
    at = older.operations[position]
    found = [
        relative
        for trace in moved
        if len(trace.operations) > position
        for relative in [_distance(at, trace.operations[position])[1]]
        if relative is not None
    ]
    units = [_unit(told) for told in at["outputs"] if told.get("sample")]
    return max([*found, *units], default=None) if found else None


def _unit(told: Mapping[str, Any]) -> float:
    """Return the size of the units in the last place of a tensor's values, relative to the values."""
    values = [value for value in told["sample"] if math.isfinite(value)]
    size = math.hypot(*values)
    return math.hypot(*(ulp(abs(value), told["dtype"]) for value in values)) / size if size else 0.0


def _distance(mine: Event, its: Event) -> tuple[float | None, float | None]:
    """Return (ulps, relative) of the farthest tensor that comes out of both; None where there is no number."""
    pairs = zip(mine["outputs"], its["outputs"], strict=False)
    found = [distances(one, other) for one, other in pairs if one.get("sample") and other.get("sample")]
    known = [(ulps, relative) for ulps, relative in found if ulps is not None and relative is not None]
    return max(known, key=lambda one: one[1], default=(None, None))


def result(
    older: Sequence[Event], newer: Sequence[Event], parting: Parting, floor: float | None
) -> OperationsResult:
    """Return what a report keeps of the place where two releases part."""
    mine, its = older[slice(*parting.older)], newer[slice(*parting.newer)]
    at = (mine or its)[0]
    ulps, relative = None, None
    if parting.meet is not None:
        ulps, relative = _distance(older[parting.meet[0]], newer[parting.meet[1]])
    rounding = relative <= _MARGIN * floor if relative is not None and floor else None
    return OperationsResult(
        step=at["step"],
        phase=at["phase"],
        kind=parting.kind,
        equal_before=parting.equal,
        before=[_operation(event) for event in mine[:MOST_SHOWN]],
        after=[_operation(event) for event in its[:MOST_SHOWN]],
        left_out=[max(0, len(mine) - MOST_SHOWN), max(0, len(its) - MOST_SHOWN)],
        ulps=ulps,
        relative=relative,
        floor=floor,
        rounding=rounding,
    )


def _operation(event: Event) -> OperationResult:
    return OperationResult(
        name=event["name"],
        inputs=[TensorResult(told["dtype"], told["shape"], told["parameter"]) for told in event["inputs"]],
        arguments=list(event["arguments"]),
        outputs=[TensorResult(told["dtype"], told["shape"], told["parameter"]) for told in event["outputs"]],
        line=code_line(event["line"]) if event["line"] else None,
        own=code_line(event["own"]) if event["own"] else None,
        script=code_line(event["script"]) if event["script"] else None,
    )


def _trial(pair: Pair, position: int, asked: Mapping[str, Any]) -> Trial:
    return Trial(pair.arm, position, "operations", instructions={"operations": dict(asked)})
