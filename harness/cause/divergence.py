"""The first tensor that differs between two releases, and the first that is not finite: a ladder of frames.

Frames are matched by step, phase, canonical name and what they are. The distance of two numbers is told in units in
the last place of the coarser of both dtypes: ulp(x) = 2^(max(e, e_min) - p), with e the exponent of x, p the bits
of the fraction and e_min the smallest normal exponent (IEEE 754-2019; Goldberg 1991).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.cause.bench import Bench, Trial
from harness.report.attribution import LadderResult, RungResult
from harness.traces.compare import first_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.cause.transplant import Pair
    from harness.traces.trace import Trace

MOST_RUNGS = 40
"""Rungs shown from the first difference on."""
_BITS = {
    "float64": (52, -1022),
    "float32": (23, -126),
    "float16": (10, -14),
    "bfloat16": (7, -126),
    "float8_e4m3fn": (3, -6),
    "float8_e5m2": (2, -14),
}
"""Bits of the fraction and smallest normal exponent: IEEE 754-2019; of bfloat16 Kalamkar et al. 2019; of the 8-bit formats
Micikevicius et al. 2022, FP8 Formats for Deep Learning, table 1."""
_MARGIN = 2.0
Key = tuple[int, str, str, str]


def diverge(pair: Pair, bench: Bench) -> LadderResult | None:
    """Execute both sides again with frames of the deciding steps and compare them; None if they never differ."""
    steps = deciding_steps(pair.before.seeds()[0].trace, pair.after.seeds()[0].trace)
    if not steps:
        return None
    asked = {"frames": steps}
    repeats = (0, 1) if pair.noise else (0,)
    trials = [
        Trial(pair.arm, position, "frames", instructions=asked, repeat=repeat)
        for repeat in repeats
        for position in (pair.older, pair.newer)
    ]
    traces = [finding.seeds()[0].trace for finding in bench.execute(trials)]
    floor = noise(traces[0], traces[2]) if pair.noise else {}
    return ladder(traces[0], traces[1], floor)


def deciding_steps(before: Trace, after: Trace) -> list[int]:
    """Return the first step in which two traces differ, and the first in which either is not finite."""
    difference = first_difference(before, after)
    if difference is None:
        return []
    events = [event["step"] for trace in (before, after) for event in trace.nonfinite]
    errors = [trace.error["step"] for trace in (before, after) if trace.error and trace.error.get("step")]
    return sorted({difference.step, *sorted([*events, *errors])[:1]})


def ladder(before: Trace, after: Trace, floor: Mapping[Key, float]) -> LadderResult | None:
    """Compare the frames of two sides in order of execution.

    Args:
        before: Trace of the older side, with frames.
        after: Trace of the newer side.
        floor: Relative distance of repeated executions, a frame; empty where they are equal.
    """
    theirs = {_key(frame): frame for frame in before.frames}
    ours = {_key(frame): frame for frame in after.frames}
    rungs = [_rung(theirs[key], frame, floor.get(key)) for key, frame in ours.items() if key in theirs]
    if not rungs:
        return None
    first = next((index for index, rung in enumerate(rungs) if rung.differs), None)
    broken = next((index for index, rung in enumerate(rungs) if any(rung.nonfinite)), None)
    if first is None:
        return LadderResult(len(rungs), 0, [], None, None, repeated=bool(floor))
    shown = rungs[first : first + MOST_RUNGS]
    place = None if broken is None else broken - first
    if broken is not None and broken >= first + MOST_RUNGS:
        shown = [*shown[:-1], rungs[broken]]
        place = len(shown) - 1
    left_out = len(rungs) - first - len(shown)
    return LadderResult(first, left_out, shown, 0, place, repeated=bool(floor))


def noise(one: Trace, other: Trace) -> dict[Key, float]:
    """Return the relative distance of each frame in two executions of one release."""
    again = {_key(frame): frame for frame in other.frames}
    pairs = ((_key(frame), frame, again.get(_key(frame))) for frame in one.frames)
    return {key: distances(frame, twin)[1] or 0.0 for key, frame, twin in pairs if twin}


def distances(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return (largest distance in ulps, relative error) of two frames; None where a value is not finite.

    The relative error is the norm of the difference over the norm of `before`, over the values kept.
    """
    pairs = list(zip(before["sample"], after["sample"], strict=False))
    if not pairs or not all(math.isfinite(one) and math.isfinite(other) for one, other in pairs):
        return None, None
    ulps = max(abs(one - other) / coarser_ulp(one, other, before, after) for one, other in pairs)
    size = math.hypot(*(one for one, _ in pairs))
    error = math.hypot(*(one - other for one, other in pairs))
    return ulps, error / size if size else math.inf if error else 0.0


def coarser_ulp(one: float, other: float, before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """Return the unit in the last place of the larger number, in the coarser dtype."""
    size = max(abs(one), abs(other))
    return max(ulp(size, frame["dtype"]) for frame in (before, after))


def ulp(size: float, dtype: str) -> float:
    """Return the unit in the last place of a number of a dtype; an unknown dtype counts as float32."""
    fraction, smallest = _BITS.get(dtype, _BITS["float32"])
    exponent = math.frexp(size)[1] - 1 if size else smallest
    return math.ldexp(1.0, max(exponent, smallest) - fraction)


def _key(frame: Mapping[str, Any]) -> Key:
    return frame["step"], frame["phase"], frame["name"], frame["what"]


def _rung(before: Mapping[str, Any], after: Mapping[str, Any], floor: float | None) -> RungResult:
    ulps, relative = distances(before, after)
    differs = before["checksum"] != after["checksum"] or before["shape"] != after["shape"]
    if differs and floor and relative is not None:
        differs = relative > _MARGIN * floor
    return RungResult(
        step=after["step"],
        phase=after["phase"],
        name=after["name"],
        what=after["what"],
        module=after["module"],
        dtypes=[before["dtype"], after["dtype"]],
        ulps=ulps,
        relative=relative,
        nonfinite=[_nonfinite(before), _nonfinite(after)],
        differs=differs,
    )


def _nonfinite(frame: Mapping[str, Any]) -> int:
    return int(frame["nan"]) + int(frame["inf"])
