"""Conversions into 8-bit floating point numbers: what their scales are, and what they lose, step by step.

torch's dispatcher tells of each conversion, whoever makes it and wherever its scale is kept, in the forward and in the
backward pass. What one kernel does inside is not seen, and neither are tensors that are no plain ones (of DTensor, say).
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FORMATS = {
    getattr(torch, name): name
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
    if hasattr(torch, name)
}
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_CASTS = ("aten::_to_copy", "aten::copy_")
_KEEPS_SCALE = ("aten::clamp", "aten::_to_copy", "aten::clone")


class Casts(TorchDispatchMode):
    """Measures every conversion of a plain tensor into an 8-bit format while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self._measured: dict[str, list[torch.Tensor]] = {}
        # The last multiplications, since a scale is known by what it did: (result, what was multiplied, (factor, whether it
        # divided)). What was multiplied is kept, for it may be gone otherwise: `x.float() * scale`.
        self._scaled: deque[tuple[Any, Any, Any]] = deque(maxlen=4)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Execute an operation, and look at it."""
        result = func(*args, **(kwargs or {}))
        if type(result) not in _PLAIN or not result.numel():
            return result
        name = func._schema.name  # noqa: SLF001 - what torch.ops prints, too
        if name in _CASTS and result.dtype in FORMATS:
            self._look(args[1] if name == "aten::copy_" else args[0], result)
        elif name in {"aten::mul", "aten::div"} and len(args) == 2 and not kwargs:
            self._remember(result, *args, divided=name == "aten::div")
        elif name in _KEEPS_SCALE:
            unscaled, factor = self._scale_of(args[0])
            if unscaled is not None:
                self._scaled.append((weakref.ref(result), unscaled, factor))
        return result

    def step(self) -> dict[str, float]:
        """Return the figures of this step, {format.figure: value}, and begin the next one."""
        figures: dict[str, float] = {}
        for name, measured in sorted(self._measured.items()):
            rows = torch.stack(measured)
            size, moving, saturated, flushed, subnormal = rows[:, :5].sum(0).tolist()
            amax, error, largest = rows[:, 5:8].max(0).values.tolist()
            smallest = float(rows[:, 8].min())
            figures[f"{name}.casts"] = len(measured)
            figures[f"{name}.amax"] = amax
            if largest > 0:  # the factor of at least one conversion was seen
                figures[f"{name}.scale_min"], figures[f"{name}.scale_max"] = smallest, largest
            figures[f"{name}.saturated"] = saturated / size
            figures[f"{name}.flushed"] = flushed / max(moving, 1)
            figures[f"{name}.subnormal"] = subnormal / size
            figures[f"{name}.error"] = error
        self._measured = {}
        self._scaled.clear()
        return figures

    def _look(self, source: Any, result: torch.Tensor) -> None:
        """Measure a conversion, unless it is one between 8-bit formats."""
        if type(source) in _PLAIN and source.is_floating_point() and source.dtype not in FORMATS:
            unscaled, factor = self._scale_of(source)
            figures = _measure(source if unscaled is None else unscaled, factor, result)
            self._measured.setdefault(FORMATS[result.dtype], []).append(figures)

    def _remember(self, result: torch.Tensor, tensor: Any, factor: Any, *, divided: bool) -> None:
        """Keep a multiplication of a tensor by one with fewer values, or by a number."""
        if not divided and _count(tensor) < _count(factor):
            tensor, factor = factor, tensor
        if type(tensor) not in _PLAIN or _count(factor) >= tensor.numel() or not result.is_floating_point():
            return
        self._scaled.append((weakref.ref(result), tensor, (factor, divided)))

    def _scale_of(self, tensor: Any) -> tuple[Any, Any]:
        """Return what a tensor was before it was multiplied, and the factor; None where that is not known."""
        for result, unscaled, factor in reversed(self._scaled):
            if result() is tensor:
                return unscaled, factor
        return None, None


def _count(value: Any) -> int:
    return value.numel() if isinstance(value, torch.Tensor) else 1


def _measure(unscaled: torch.Tensor, factor: Any, result: torch.Tensor) -> torch.Tensor:
    """Return float64 [9] of one conversion; `factor` is (factor, whether it divided), None where it is not known.

    They are the counts of values, of those not zero before, saturated, flushed to zero, and subnormal; the largest
    absolute value before scaling; the relative error by norm; the largest and the smallest factor, 0 and infinity where
    none is known.
    """
    limits = torch.finfo(result.dtype)
    wide, after = unscaled.detach().double(), result.detach().double()
    if factor is not None:
        known = torch.as_tensor(factor[0], dtype=torch.float64, device=wide.device).detach()
        factor = 1 / known if factor[1] else known
    before = wide if factor is None else wide * factor
    moving, size = before.bool(), after.abs()
    counts = (
        torch.ones_like(moving),
        moving,
        (size == limits.max) | ~after.isfinite(),
        moving & ~after.bool(),
        after.bool() & (size < limits.tiny),
    )
    norm = torch.linalg.vector_norm(before).clamp(min=torch.finfo(torch.float64).tiny)
    known = torch.zeros_like(norm) if factor is None else factor
    extremes = [wide.abs().max(), torch.linalg.vector_norm(after - before) / norm, known.max()]
    smallest = torch.full_like(norm, math.inf) if factor is None else known.min()
    return torch.stack([*(kind.sum().double() for kind in counts), *extremes, smallest])
