"""Exact fingerprints of tensors: integers that change when one bit of one value does, in any dtype, on any device."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

_GOLDEN = -7046029254386353131  # 2^64 divided by the golden ratio, made odd, as a signed integer
_KEPT = (1 << 53) - 1  # bits of a checksum, which JSON holds exactly
_PART = 1 << 22  # values hashed at once: bounds the extra memory


def local(tensor: Any) -> Any:
    """Return what this rank holds of a tensor: its shard, or all of it."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def whole(tensor: Any) -> Any:
    """Return all of a tensor; of one in shards every rank must ask at the same time."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


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
    return (terms.sum(-1) >> 11) & _KEPT


def total_of_parts(terms: torch.Tensor, owner: torch.Tensor, count: int) -> list[int]:
    """Return the checksum of each of `count` parts of a vector.

    Args:
        terms: int64 [n], as `hashed` returns them.
        owner: int64 [n], the part that each value belongs to.
        count: How many parts there are.
    """
    sums = torch.zeros(count, dtype=torch.int64, device=terms.device).index_add_(0, owner, terms)
    return ((sums >> 11) & _KEPT).tolist()  # type: ignore[no-any-return]


def checksums(tensor: torch.Tensor) -> list[int]:
    """Return one checksum for each 4 million values: of floating point numbers as float32, of integers as such."""
    flat = whole(tensor.detach()).reshape(-1)
    if flat.is_floating_point():
        return [int(total(hashed(part.float()))) for part in flat.split(_PART)]
    return [int(total(part.long() * _coefficients(len(part), part.device))) for part in flat.split(_PART)]
