"""What the rules read out of a trace, and the formats that its numbers are kept in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class Format:
    """A floating point format: its largest number, and the smallest above zero."""

    largest: float
    smallest: float


FORMATS = {
    "float16": Format(65504.0, 2.0**-24),
    "bfloat16": Format(float.fromhex("0x1.fep127"), 2.0**-133),
    "float32": Format(float.fromhex("0x1.fffffep127"), 2.0**-149),
    "float8_e4m3fn": Format(448.0, 2.0**-9),
    "float8_e5m2": Format(57344.0, 2.0**-16),
}


def groups(trace: Trace, signal: str) -> list[str]:
    """Return the groups of parameters that have a signal."""
    return [name.removesuffix(f".{signal}") for name in trace.columns if name.endswith(f".{signal}")]


def shares(trace: Trace, signal: str) -> Iterator[tuple[int, str, float]]:
    """Yield (step, group, share) wherever a share of a group is above zero, step by step, the largest first."""
    names = groups(trace, signal)
    columns = [trace.signal(f"{name}.{signal}") for name in names]
    for index, step in enumerate(trace.steps):
        here = [(column[index], name) for column, name in zip(columns, names, strict=True)]
        for share, name in sorted(((share, name) for share, name in here if share), reverse=True):
            yield step, name, share


def at(trace: Trace, signal: str, step: int) -> float | None:
    """Return a signal at a step, None where there is none."""
    values = trace.signal(signal)
    return values[trace.steps.index(step)] if values and step in trace.steps else None


def nonfinite(
    trace: Trace, what: str, *, at: int | None = None, before: int | None = None
) -> dict[str, Any] | None:
    """Return the first non-finite event of a kind, at a step or before one."""
    found = [one for one in trace.nonfinite if one["what"] == what and (at is None or one["step"] == at)]
    return next((one for one in found if before is None or one["step"] < before), None)


def first_bad_loss(trace: Trace) -> int | None:
    """Return the step of the first loss that is not finite."""
    losses = zip(trace.steps, trace.signal("loss"), strict=False)
    return next((step for step, loss in losses if loss is not None and not math.isfinite(loss)), None)


def parameters(trace: Trace) -> list[dict[str, Any]]:
    """Return the parameters of the census."""
    return list((trace.census or {}).get("parameters", []))


def dtype_of(trace: Trace, group: str) -> str:
    """Return the dtype of a group's parameters, told by their names; of all trained ones where names do not tell."""
    trained = [one for one in parameters(trace) if one["trainable"]]
    named = [one["dtype"] for one in trained if group in one["name"]] or [one["dtype"] for one in trained]
    return max(set(named), key=named.count) if named else "this dtype"


def optimizer_setting(trace: Trace, key: str) -> float:
    """Return a number among the optimizer's settings, NaN where it is none."""
    value = ((trace.census or {}).get("optimizer") or {}).get(key)
    return float(value) if isinstance(value, int | float) else math.nan


def loss_scale(trace: Trace, step: int) -> float:
    """Return the loss scale in force at a step, else what the job's settings tell: a static one, or GradScaler's first."""
    recorded = at(trace, "loss_scale", step)
    if recorded is not None:
        return recorded
    settings = (trace.start or {}).get("settings") or {}
    return 65536.0 if settings.get("scaler") else float(settings.get("loss_scale") or 1.0)


def limit(trace: Trace) -> str:
    """Return the largest float16 number, to be put behind a sentence, where float16 takes part."""
    dtypes = {one["dtype"] for one in parameters(trace)}
    return f" ({FORMATS['float16'].largest:g} in float16)" if "float16" in dtypes else ""


def known(trace: Trace) -> dict[str, Any]:
    """Return the dtypes that take part, as figures."""
    return {"dtypes": sorted({one["dtype"] for one in parameters(trace)})}


def percent(share: float | None) -> str:
    """Return a share in percent."""
    if share is None:
        return "an unknown share"
    return f"{100 * share:.3g}%"
