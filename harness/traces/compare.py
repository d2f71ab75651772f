"""Two traces compared: equal bit for bit, or where they first differ, or how far apart they are.

On a deterministic device identical jobs give identical traces, so releases fall into classes of equal traces and
a boundary between classes is exact. Elsewhere two executions of one release differ too; then only a distance
beyond that noise counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.trace import Trace

_MARGIN = 2.0
"""A distance counts beyond this multiple of the largest one seen among executions of one release."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two traces first differ.

    Attributes:
        step: From 1.
        signal: The first one that differs in this step, in order of happening.
        before, after: Its values.
        others: How many further signals differ in the same step.
    """

    step: int
    signal: str
    before: float | None
    after: float | None
    others: int = 0

    def __str__(self) -> str:
        """Say it in one line."""
        more = f", and {self.others} more signals" if self.others else ""
        if self.signal.endswith("checksum"):
            return f"first differs at step {self.step}: {self.signal.removesuffix('_checksum')} values{more}"
        return f"first differs at step {self.step}: {self.signal} {_say(self.before)} -> {_say(self.after)}{more}"


def first_difference(before: Trace, after: Trace) -> Difference | None:
    """Return the first step and signal that differ; None if one is the same as the other, as far as both go."""
    theirs = {name: position for position, name in enumerate(after.columns)}
    shared = [
        (name, position, theirs[name]) for position, name in enumerate(before.columns) if name in theirs
    ]
    for step, row, other in zip(before.steps, before.rows, after.rows, strict=False):
        differing = [
            (name, row[mine], other[its])
            for name, mine, its in shared
            if mine < len(row) and its < len(other) and not _same(row[mine], other[its])
        ]
        if differing:
            name, old, new = min(differing, key=lambda item: _order(item[0]))
            return Difference(step, name, old, new, len(differing) - 1)
    if len(before.steps) != len(after.steps):
        last = min(len(before.steps), len(after.steps))
        return Difference(last + 1, "number of steps", float(len(before.steps)), float(len(after.steps)))
    return None


def noise_floor(*releases: Sequence[Trace]) -> dict[str, float]:
    """Return, per signal, the largest distance between two executions of the same release with the same seed.

    Args:
        releases: The executions of each.
    """
    floor: dict[str, float] = {}
    for executions in releases:
        for one, other in combinations(executions, 2):
            for name, value in distances(one, other).items():
                floor[name] = max(value, floor.get(name, 0.0))
    return floor


def beyond(before: Trace, after: Trace, floor: Mapping[str, float]) -> bool:
    """Tell whether two traces lie further apart than the noise floor explains."""
    return any(value > _MARGIN * floor.get(name, 0.0) for name, value in distances(before, after).items())


def distances(before: Trace, after: Trace) -> dict[str, float]:
    """Return, a signal, the largest relative difference over all steps: |a - b| / max(|a|, |b|), in [0, 2].

    Checksums have no distance. A value that is finite on one side only is infinitely far.
    """
    result = {}
    for name in before.columns:
        if name.endswith("checksum") or name not in after.columns:
            continue
        pairs = zip(before.signal(name), after.signal(name), strict=False)
        result[name] = max((_distance(one, other) for one, other in pairs), default=0.0)
    return result


def _distance(one: float | None, other: float | None) -> float:
    if _same(one, other):
        return 0.0
    if one is None or other is None or not (math.isfinite(one) and math.isfinite(other)):
        return math.inf
    return abs(one - other) / max(abs(one), abs(other))


def _same(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and math.isnan(one) and math.isnan(other))


def _order(signal: str) -> int:
    """Place a signal in the course of a step: forward, backward, optimizer."""
    if signal == "loss" or ".before." in signal:
        return 0
    return 1 if "gradient" in signal or ".backward." in signal else 2


def _say(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"
