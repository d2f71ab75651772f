"""Fewer points for the same picture: the extremes of every stretch and every change from or to NaN stay.

Nothing is averaged or smoothed: each point that remains is a point that was measured.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from harness.report.signals import Array


def kept(values: Array, limit: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the ascending positions to draw, about `limit` of them at most.

    Kept: the first and the last value, the smallest and the largest of each of `limit / 2` stretches, and both
    sides of every change between finite and non-finite (of each stretch at least one). Inside a run of equal
    values, positions are left out without loss.
    """
    count = len(values)
    if count == 0:
        return np.empty(0, dtype=np.intp)
    wanted = np.arange(count, dtype=np.intp) if count <= limit else _extremes(values, limit)
    chosen = values[wanted]
    same = (chosen[1:] == chosen[:-1]) | (np.isnan(chosen[1:]) & np.isnan(chosen[:-1]))
    inner = (
        np.concatenate(([False], same[:-1] & same[1:], [False]))
        if len(chosen) > 2
        else np.zeros(len(chosen), bool)
    )
    return wanted[~inner]


def _extremes(values: Array, limit: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    count = len(values)
    finite = np.isfinite(values)
    edges = np.unique(np.linspace(0, count, max(limit // 2, 1) + 1).astype(np.intp)[:-1])
    stretch = np.repeat(np.arange(len(edges)), np.diff(np.append(edges, count)))
    rank = np.lexsort((np.where(finite, values, np.inf), stretch))
    low = rank[edges]
    rank = np.lexsort((np.where(finite, values, -np.inf), stretch))
    high = rank[np.append(edges[1:], count) - 1]
    turns = np.flatnonzero(finite[1:] != finite[:-1])
    if len(turns) > limit // 4:
        turns = turns[:: len(turns) // (limit // 4) + 1]
    ends = np.array([0, count - 1], dtype=np.intp)
    return np.unique(np.concatenate((low, high, turns, turns + 1, ends)))


def encoded(steps: Array, values: Array, limit: int) -> dict[str, str | int]:
    """Return one series for the page: little-endian, base64.

    Returns:
        {`v`: float32 values, `first`: the first step, `d`: uint32 differences of the following steps; left out
        where every difference is 1}; an empty series is {}.
    """
    positions = kept(values, limit)
    if not len(positions):
        return {}
    with np.errstate(over="ignore"):
        chosen = values[positions].astype("<f4")
    gaps = np.diff(steps[positions]).astype("<u4")
    series: dict[str, str | int] = {"v": _base64(chosen.tobytes()), "first": int(steps[positions[0]])}
    if gaps.size and (gaps != 1).any():
        wide = bool(gaps.max() > 0xFFFF)
        series["d"] = _base64((gaps if wide else gaps.astype("<u2")).tobytes())
        series["w"] = 4 if wide else 2
    return series


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
