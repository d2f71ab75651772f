"""Reductions of a few steps at once: every statistic of a trace, computed where the tensors are.

Sums are taken in float64, so that the square of no float32 overflows or vanishes. Whether a value is zero is
asked by `bool()`, which takes a fifth of the time of a comparison.
"""

from __future__ import annotations

import torch

from .bits import hashed, total

DESCRIPTION = (
    "min",
    "max",
    "mean",
    "std",
    "norm",
    "nan",
    "posinf",
    "neginf",
    "zero",
    "subnormal",
    "saturated",
)

QUANTILES = ("p01", "p10", "p50", "p90", "p99")
_SHARES = (0.01, 0.10, 0.50, 0.90, 0.99)


def describe(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return float64 [rows, 11]: the figures of DESCRIPTION for each row; the standard deviation is divided by n.

    Args:
        values: float32 [rows, n]. One NaN makes min, max, mean, std and norm of its row NaN.
        dtype: What the values are kept as: it decides what is subnormal, and what is saturated, the largest number.
    """
    limits = torch.finfo(dtype)
    wide = values.double()
    size = wide.abs()
    low, high = torch.aminmax(wide, dim=1)
    deviation, mean = torch.std_mean(wide, dim=1, unbiased=False)
    kinds = (
        wide.isnan(),
        wide.isposinf(),
        wide.isneginf(),
        ~wide.bool(),
        wide.bool() & (size < limits.tiny),
        size == limits.max,
    )
    counts = torch.stack(kinds).sum(2).double()
    return torch.stack([low, high, mean, deviation, _norm(wide), *counts], dim=1)


def quantiles(values: torch.Tensor) -> torch.Tensor:
    """Return float32 [rows, 5]: the values of nearest rank at the shares of QUANTILES; a row with NaN gives NaN.

    Args:
        values: float32 [rows, n].
    """
    ordered = values.sort(dim=1).values  # NaN comes last
    last = values.shape[1] - 1
    chosen = ordered[:, [round(share * last) for share in _SHARES]]
    return torch.where(ordered[:, -1:].isnan(), ordered[:, -1:], chosen)


def compare(
    before: torch.Tensor,
    kept: torch.Tensor,
    vanishing: torch.Tensor,
    tiny: torch.Tensor,
    parts: list[slice],
) -> torch.Tensor:
    """Return float64 [parts, 10, steps]: ten figures of each group at each step.

    They are the norms of weight, gradient and update; the counts of zero gradients, of second moments that are zero
    where the gradient is not, of denominators that are zero, of subnormal gradients, and of weights that stayed
    what they were although their gradient is not zero; the checksums of weight and gradient.

    Args:
        before: float32 [steps, n], the weights before each step.
        kept: float32 [3, steps, n]: weights after each step, gradients, Adam's second moments.
        vanishing: bool [n], where Adam's eps rounds to zero. The denominator sqrt(second / correction) + eps
            (torch/optim/adam.py) is zero there exactly if the second moment is: the root of the smallest subnormal
            is far from zero in every dtype, and the correction, at most 1, only enlarges it.
        tiny: float32 [n], the smallest normal number of the parameter's dtype.
        parts: The groups, as slices of n.
    """
    measured, after = kept[:2], kept[0]
    update = after - before
    has_gradient, has_second = kept[1:].bool()
    kinds = torch.stack(
        [
            ~has_gradient,
            has_gradient & ~has_second,
            vanishing & ~has_second,
            has_gradient & (kept[1].abs() < tiny),
            has_gradient & ~update.bool(),
        ]
    )
    bits = hashed(measured)
    return torch.stack(
        [
            torch.cat(
                [
                    _norm(measured[..., part]),
                    _norm(update[:, part]).unsqueeze(0),
                    kinds[..., part].sum(-1).double(),
                    total(bits[..., part]).double(),
                ]
            )
            for part in parts
        ]
    )


def _norm(values: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(values, dim=-1, dtype=torch.float64)
