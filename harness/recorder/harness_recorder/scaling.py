"""A loss scale that adapts itself: its path, and what it does to the gradients of each step.

Loss scaling is for float16, whose smallest number is 2^-24 (Micikevicius et al. 2018, Mixed Precision Training, section
3.2). So underflow is judged by float16, also where float32 parameters get gradients that were computed under autocast.
"""

from __future__ import annotations

from typing import Any, Sequence

import torch

from .bits import local

_SIGNALS = ("overflow", "zero", "subnormal", "rescued")
_HALF = torch.finfo(torch.float16)
_LOST = _HALF.tiny * _HALF.eps / 2  # half of the smallest number above 0: what is not larger is rounded to 0
_PART = 1 << 22  # values looked at at once: bounds the extra memory


class LossScale:
    """Counts, over all trained gradients of a step, what the loss scale in force loses and saves.

    Args:
        scaler: What has `get_scale()`, as torch.amp.GradScaler does; None: there are no columns.
        parameters: The trained ones.
        depth: Steps that are kept.
        device: Where the counts are kept.
    """

    def __init__(self, scaler: Any, parameters: Sequence[Any], depth: int, device: Any) -> None:
        self.columns = ["loss_scale", *(f"loss_scale.{name}" for name in _SIGNALS)] if scaler else []
        self._scaler = scaler
        self._parameters = list(parameters)
        self._scales = [0.0] * depth
        self._shares = torch.zeros(depth, len(_SIGNALS), dtype=torch.float64, device=device)

    def take(self, position: int) -> None:
        """Look at the gradients of step `position` after the backward pass, still multiplied by the scale."""
        if self._scaler is None:
            return
        scale = float(self._scaler.get_scale())
        self._scales[position] = scale
        counts = torch.zeros(len(_SIGNALS), dtype=torch.float64, device=self._shares.device)
        size = 0
        for gradient in (parameter.grad for parameter in self._parameters):
            if gradient is not None:
                for values in local(gradient).detach().reshape(-1).split(_PART):
                    counts += _kinds(values, scale).to(counts.device)
                    size += len(values)
        self._shares[position] = counts / max(size, 1)

    def rows(self, positions: Sequence[int]) -> list[list[float | None]]:
        """Return the values of `columns` at each position."""
        if self._scaler is None:
            return [[] for _ in positions]
        shares = self._shares.tolist()
        return [[self._scales[position], *shares[position]] for position in positions]


def _kinds(values: torch.Tensor, scale: float) -> torch.Tensor:
    """Return float64 [4]: how many values of `_SIGNALS` there are."""
    size = values.abs()
    moving = size.bool()
    kinds = (
        ~values.isfinite(),
        ~moving,
        moving & (size < _HALF.tiny),
        moving & (size.float() <= _LOST * scale),
    )
    return torch.stack(kinds).sum(1).double()
