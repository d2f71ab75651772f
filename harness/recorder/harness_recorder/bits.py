"""Exact fingerprints of tensors: integers that change when one bit of one value does, in any dtype, on any device."""

from __future__ import annotations

import functools
import math

import torch

_GOLDEN = -7046029254386353131  # 2^64 divided by the golden ratio, made odd, as a signed integer
_PART = 1 << 22  # values hashed at once: bounds the extra memory


@functools.lru_cache(maxsize=8)
def _coefficients(length: int, device: torch.device) -> torch.Tensor:
    """Return int64 [length]: one odd factor a position, so that values which trade places are noticed."""
    return (torch.arange(1, length + 1, device=device) * _GOLDEN) | 1


def hashed(values: torch.Tensor) -> torch.Tensor:
    """Return int64 of the same shape: terms of which `total` makes a checksum of any slice of the last dimension.

    Args:
        values: float32 [..., n]. A NaN counts as NaN, whatever its payload.
    """
    one_nan = torch.nan_to_num(values, nan=math.nan, posinf=math.inf, neginf=-math.inf)
    return one_nan.view(torch.int32).to(torch.int64).mul_(_coefficients(values.shape[-1], values.device))


def total(terms: torch.Tensor) -> torch.Tensor:
    """Return int64 [...]: the upper 53 bits of the sum over the last dimension, modulo 2^64.

    Integer sums do not depend on their order, and 53 bits are exact in JSON.
    """
    return (terms.sum(-1) >> 11) & ((1 << 53) - 1)


def checksums(tensor: torch.Tensor) -> list[int]:
    """Return one checksum for each 4 million values: of floating point numbers as float32, of integers as such."""
    flat = tensor.detach().reshape(-1)
    if flat.is_floating_point():
        return [int(total(hashed(part.float()))) for part in flat.split(_PART)]
    return [int(total(part.long() * _coefficients(len(part), part.device))) for part in flat.split(_PART)]
