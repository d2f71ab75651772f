"""Which signals of a trace are drawn, under which name, and how each becomes an array."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.traces.trace import Trace

    Array = np.ndarray[Any, np.dtype[np.float64]]

_LAYER = re.compile(r"^(.+)\.weight\.optimizer\.norm$")
_GROUP = re.compile(r"^(.+)\.denominator_zero$")
_GROUP_SIGNALS = (
    ("gradient_norm", "gradient norm", True),
    ("update_ratio", "update / weight", True),
    ("gradient_zero", "share of gradients exactly zero", False),
    ("second_moment_zero", "share of second moments flushed to zero", False),
    ("denominator_zero", "share of Adam denominators exactly zero", False),
    ("gradient_subnormal", "share of gradients that are subnormal", False),
    ("update_lost", "share of weights that stayed what they were despite a gradient", False),
)
_SCALE_SIGNALS = (
    ("loss_scale", "Loss scale", True),
    ("loss_scale.overflow", "share of gradients that overflow (the step is left out)", False),
    ("loss_scale.zero", "share of gradients exactly zero", False),
    ("loss_scale.subnormal", "share of gradients that are subnormal in float16", False),
    ("loss_scale.rescued", "share of gradients that would be zero in float16 without the scale", False),
)
_COMPILER_SIGNALS = (
    ("graphs", "graphs up to this step"),
    ("graph_breaks", "graph breaks up to this step"),
    ("recompiles", "recompilations up to this step"),
)
_FLOAT8 = re.compile(r"^(float8_\w+)\.casts$")
_FLOAT8_SIGNALS = (
    ("amax", "largest |value| before scaling", True),
    ("scale_min", "smallest scale", True),
    ("scale_max", "largest scale", True),
    ("saturated", "share of values at the largest number of the format", False),
    ("flushed", "share of values that became zero", False),
    ("subnormal", "share of values that are subnormal", False),
    ("error", "largest relative error of one conversion", False),
    ("casts", "conversions", False),
)
_QUANTILES = (("p01", 1), ("p10", 10), ("p50", 50), ("p90", 90), ("p99", 99))


@dataclass(frozen=True, slots=True)
class Signal:
    """One quantity over the steps.

    Attributes:
        key: Stable name, for data and links.
        label: For a person.
        family: Signals of one family are listed together.
        parts: Columns of the trace that it is made of.
        how: `plain` (the one column), `sum`, or `absmax` (largest absolute value).
        log: Whether a log axis shows it best.
        difference: Whether it is the absolute difference from the reference release.
        brief: Whether it belongs into the short table of a probe.
    """

    key: str
    label: str
    family: str
    parts: tuple[str, ...]
    how: str = "plain"
    log: bool = False
    difference: bool = False
    brief: bool = False


def layers(columns: Iterable[str]) -> list[str]:
    """Return the watched layers that the columns speak of."""
    return [match[1] for match in map(_LAYER.match, columns) if match]


def groups(columns: Iterable[str]) -> list[str]:
    """Return the groups of parameters that the columns speak of."""
    return [match[1] for match in map(_GROUP.match, columns) if match]


def layer_signals(layer: str) -> list[Signal]:
    """Return the signals of one watched layer: its weights after the step, its gradients after backward."""
    found = []
    for what, phase, label in (
        ("weight", "optimizer", "weights after the step"),
        ("gradient", "backward", "gradients after backward"),
    ):
        base = f"{layer}.{what}.{phase}"
        name = f"{layer} {label}"
        counts = tuple(f"{base}.{kind}" for kind in ("nan", "posinf", "neginf"))
        found += [
            Signal(
                f"{base}.norm", f"{name}: norm", layer, (f"{base}.norm",), log=what == "gradient", brief=True
            ),
            Signal(
                f"{base}.std", f"{name}: standard deviation", layer, (f"{base}.std",), log=what == "gradient"
            ),
            Signal(
                f"{base}.absmax", f"{name}: largest |value|", layer, (f"{base}.min", f"{base}.max"), "absmax"
            ),
            Signal(
                f"{base}.nonfinite",
                f"{name}: NaN and ±∞ (count)",
                layer,
                counts,
                "sum",
                brief=what == "weight",
            ),
        ]
    for what, phase, name in (
        ("weight", "optimizer", "weights after the step"),
        ("gradient", "backward", "gradients after backward"),
    ):
        parts = {share: f"{layer}.{what}.{phase}.{key}" for key, share in _QUANTILES}
        found += [
            Signal(part, f"{layer} {name}: {share}% quantile", layer, (part,))
            for share, part in parts.items()
        ]
    base = f"{layer}.gradient.backward"
    found.append(
        Signal(f"{base}.subnormal", f"{layer} gradients: subnormal (count)", layer, (f"{base}.subnormal",))
    )
    return found


def catalogue(columns: Iterable[str]) -> list[Signal]:
    """Return every signal worth a curve that these columns can give, in reading order."""
    known = list(dict.fromkeys(columns))
    found = [
        Signal(
            "loss.difference",
            "Loss: difference from the reference",
            "Loss",
            ("loss",),
            log=True,
            difference=True,
        ),
        Signal("loss", "Loss", "Loss", ("loss",), brief=True),
    ]
    for layer in layers(known):
        norm = f"{layer}.weight.optimizer.norm"
        label = f"{layer} weight norm: difference from the reference"
        found.append(Signal(f"{norm}.difference", label, layer, (norm,), log=True, difference=True))
        found += layer_signals(layer)
    found += [
        Signal(f"{group}.{key}", f"{group}: {label}", f"Group {group}", (f"{group}.{key}",), log=log)
        for group in groups(known)
        for key, label, log in _GROUP_SIGNALS
    ]
    found += [
        Signal(key, label if key == "loss_scale" else f"Loss scale: {label}", "Loss scale", (key,), log=log)
        for key, label, log in _SCALE_SIGNALS
    ]
    found += [
        Signal(f"{name}.{key}", f"{name}: {label}", name, (f"{name}.{key}",), log=log)
        for name in (match[1] for match in map(_FLOAT8.match, known) if match)
        for key, label, log in _FLOAT8_SIGNALS
    ]
    found += [
        Signal(f"compile.{key}", f"Compiler: {label}", "Compiler", (f"compile.{key}",))
        for key, label in _COMPILER_SIGNALS
    ]
    return [signal for signal in found if all(part in known for part in signal.parts)]


def values(trace: Trace, signal: Signal) -> Array:
    """Return the signal of a trace, one value a step; NaN where nothing was recorded, too.

    Differences are not taken here: see `difference`.
    """
    parts = [np.array(trace.signal(part), dtype=np.float64) for part in signal.parts]
    if not parts or not all(len(part) for part in parts):
        return np.empty(0)
    if signal.how == "sum":
        return np.asarray(np.sum(parts, axis=0))
    if signal.how == "absmax":
        return np.asarray(np.max(np.abs(parts), axis=0))
    return parts[0]


def told(trace: Trace, signal: Signal) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return in which steps a signal was measured: a scenario may ask for statistics of every n-th step only."""
    described = np.array([len(row) > 1 and row[1] is not None for row in trace.rows], dtype=bool)
    if signal.parts == ("loss",) or not described.any():
        return np.ones(len(trace.rows), dtype=bool)
    return described


def measured(trace: Trace, signal: Signal) -> tuple[Array, Array]:
    """Return the steps in which a signal was measured, and its values there."""
    found = values(trace, signal)
    chosen = told(trace, signal)[: len(found)]
    return np.array(trace.steps[: len(found)], dtype=np.float64)[chosen], found[chosen]


def difference(trace: Trace, reference: Trace, signal: Signal) -> tuple[Array, Array]:
    """Return the steps that both traces have, and |trace - reference| there."""
    (mine, own), (theirs, others) = measured(trace, signal), measured(reference, signal)
    steps, left, right = np.intersect1d(mine, theirs, return_indices=True)
    with np.errstate(invalid="ignore"):
        return steps, np.abs(own[left] - others[right])


def onset(trace: Trace) -> tuple[int, str] | None:
    """Return the step of the first non-finite value and what it was, or None.

    A gradient that overflowed under a loss scale which adapted itself, so that later steps are finite, does not count.
    """
    overflow = trace.signal("loss_scale.overflow")
    recovered = bool(overflow) and not overflow[-1]
    found = [event for event in trace.nonfinite if not (recovered and event.get("what") == "gradient")]
    if found:
        first = found[0]
        where = f"{first.get('what', 'value')} {first.get('parameter') or ''}".strip()
        return int(first.get("step") or 1), f"{where} in {first.get('phase', 'training')}"
    loss = np.array(trace.signal("loss"), dtype=np.float64)
    broken = np.flatnonzero(~np.isfinite(loss))
    return (int(trace.steps[broken[0]]), "loss") if broken.size else None
