"""The outputs of two releases compared: equal bit for bit, within a tolerance, or how far apart, and where."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_STEP = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2.0**-23,
    "float64": 2.0**-52,
    "float": 2.0**-52,
}
"""Relative spacing of a dtype's values; what is not here is exact, or has the spacing of float32."""
_EXACT = ("int", "uint", "bool", "text", "bytes", "rest")
_ULPS = 4
_MARGIN = 2.0
_EXCERPT = 60

Output = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two values may lie apart: `absolute` + `relative` · |value of the reference|."""

    absolute: float
    relative: float

    def __str__(self) -> str:
        """Say it, leaving out what is 0."""
        parts = [f"{self.absolute:.3g}"] if self.absolute or not self.relative else []
        parts += [f"{self.relative:.3g} of the value"] if self.relative else []
        return " + ".join(parts)


@dataclass(frozen=True, slots=True)
class Distance:
    """How far an output lies from the reference's.

    Attributes:
        largest: Absolute difference where the tolerance is exceeded most; infinite where one is not finite.
        excess: What of it is beyond the relative tolerance.
        where: As `at [0, 3]: 1.5 -> 1.7`; empty where nothing differs.
    """

    largest: float
    excess: float
    where: str = ""


def named(outputs: Iterable[Output]) -> dict[str, Output]:
    """Return {name: output}; further ones of the same name have a number behind it."""
    seen: Counter[str] = Counter()
    found = {}
    for one in outputs:
        seen[one["name"]] += 1
        count = seen[one["name"]]
        found[one["name"] if count == 1 else f"{one['name']} ({count})"] = one
    return found


def changed_kind(reference: Output, other: Output) -> str:
    """Return how dtype or shape differ, or which text does; empty where numbers are left to be compared."""
    if reference["dtype"] != other["dtype"]:
        return f"dtype {reference['dtype']} -> {other['dtype']}"
    if reference["dtype"] == "text" and reference["digest"] != other["digest"]:
        return _changed_text(reference["text"], other["text"])
    if reference["shape"] != other["shape"]:
        return f"shape {reference['shape']} -> {other['shape']}"
    if not reference["values"] and reference["digest"] != other["digest"]:
        return "the bytes differ"
    return ""


def distance(reference: Output, other: Output, relative: float = 0.0) -> Distance:
    """Compare two outputs of the same dtype and shape by all that was kept of them.

    Of a large one the values between those that were kept count by its figures alone: how many are not finite,
    least, largest and mean.
    """
    if reference["digest"] == other["digest"]:
        return Distance(0.0, -math.inf)
    worst = Distance(0.0, 0.0)
    for place, (one, its) in enumerate(zip(reference["values"], other["values"], strict=True)):
        excess = apart(one, its) - relative * (abs(one) if math.isfinite(one) else 0.0)
        if excess > worst.excess:
            said = f"{_index(reference, place)}{_number(one)} -> {_number(its)}"
            worst = Distance(apart(one, its), excess, said)
    if reference["every"] == 1:
        return worst
    for figure in ("nan", "inf", "min", "max", "mean"):
        one, its = (math.nan if side[figure] is None else float(side[figure]) for side in (reference, other))
        far = math.inf if figure in {"nan", "inf"} and one != its else apart(one, its)
        excess = far - relative * (abs(one) if math.isfinite(one) else 0.0)
        if excess > worst.excess:
            worst = Distance(far, excess, f"in the {_FIGURES[figure]}: {_number(one)} -> {_number(its)}")
    return worst


_FIGURES = {
    "nan": "number of NaN",
    "inf": "number of infinities",
    "min": "least value",
    "max": "largest value",
    "mean": "mean",
}


def learnt(runs: Sequence[Output]) -> Tolerance:
    """Return the tolerance that executions of the reference teach.

    That is twice what they differ by, and never less than four units in the last place of the largest value: another
    order of the same sums is no change.

    Args:
        runs: The same output of each execution.
    """
    noise = max((distance(runs[0], one).largest for one in runs[1:]), default=0.0)
    return Tolerance(_MARGIN * noise + rounding(runs[0]), 0.0)


def rounding(output: Output) -> float:
    """Return four units in the last place of an output's largest value; 0 for what is exact."""
    dtype = output["dtype"]
    if dtype.startswith(_EXACT) or not output["values"]:
        return 0.0
    step = _STEP.get(dtype, _STEP["float64" if dtype == "complex128" else "float32"])
    ends = [abs(float(output[name])) for name in ("min", "max") if output[name] is not None]
    return _ULPS * step * max(ends, default=0.0)


def unequal_names(reference: Mapping[str, Output], other: Mapping[str, Output]) -> list[tuple[str, str]]:
    """Return (name, what) of each output that one side alone has."""
    gone = [(name, "is missing") for name in reference if name not in other]
    return gone + [(name, "is new") for name in other if name not in reference]


def apart(one: float, other: float) -> float:
    """Return how far two values lie apart: 0 for two NaN, infinite where one alone is not finite."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    gap = abs(one - other)
    return math.inf if math.isnan(gap) else gap


def _index(output: Output, place: int) -> str:
    """Return where the place-th kept value stands in the tensor; nothing where there is one place."""
    left = place * output["every"]
    left //= 2 if output["dtype"].startswith("complex") else 1
    index: list[int] = []
    for size in reversed(output["shape"]):
        left, here = divmod(left, size)
        index.insert(0, here)
    return f"at {index}: " if index else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def _changed_text(before: str, after: str) -> str:
    for line, (old, new) in enumerate(zip_longest(before.splitlines(), after.splitlines()), start=1):
        if old != new:
            start = _common(old or "", new or "")
            return f"line {line}: {_excerpt(old, start)} -> {_excerpt(new, start)}"
    return f"the texts differ behind their first {len(before)} characters"


def _common(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = zip_longest(one, other)
    return next((place for place, (mine, its) in enumerate(pairs) if mine != its), 0)


def _excerpt(line: str | None, start: int) -> str:
    """Return what stands around a place of a line, in quotes."""
    if line is None:
        return "nothing"
    first = max(0, start - _EXCERPT // 2)
    cut = line[first : first + _EXCERPT]
    return repr(("…" if first else "") + cut + ("…" if first + _EXCERPT < len(line) else ""))
