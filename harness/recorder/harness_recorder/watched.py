"""One watched parameter: its weight and gradient before backward, after backward and after the optimizer's step."""

from __future__ import annotations

from typing import Any, Sequence

import torch

from .bits import local
from .statistics import DESCRIPTION, QUANTILES, describe, quantiles

PHASES = ("before", "backward", "optimizer")
_TENSORS = ("weight", "gradient")
# Whose distribution is told: the weight that the step leaves behind, and the gradient that it was made from.
_DISTRIBUTED = {"weight.optimizer": (0, 2), "gradient.backward": (1, 1)}


class Watched:
    """Keeps a parameter as it was in each phase of the last few steps, and describes it."""

    def __init__(self, label: str, parameter: torch.Tensor, depth: int) -> None:
        self.columns = [
            f"{label}.{tensor}.{phase}.{figure}"
            for tensor in _TENSORS
            for phase in PHASES
            for figure in DESCRIPTION
        ]
        self.columns += [f"{label}.{place}.{figure}" for place in _DISTRIBUTED for figure in QUANTILES]
        self._parameter = parameter
        shape = (len(_TENSORS), len(PHASES), depth, *local(parameter).shape)
        self._kept = torch.zeros(shape, dtype=torch.float32, device=parameter.device)
        self._views = [[list(phase) for phase in tensor] for tensor in self._kept]
        self._has_gradient = [[False] * depth for _ in PHASES]

    def take(self, phase: int, position: int) -> None:
        """Keep weight and gradient (which may be absent) of one phase as step `position` of the last few."""
        gradient = self._parameter.grad
        self._views[0][phase][position].copy_(local(self._parameter))
        if gradient is not None:
            self._views[1][phase][position].copy_(local(gradient))
        self._has_gradient[phase][position] = gradient is not None

    def rows(self, positions: Sequence[int]) -> list[list[float | None]]:
        """Return the values of `columns` at each position; None where there was no gradient.

        All positions are always computed, so that a value never depends on how many were asked for.
        """
        flat = self._kept.flatten(3).flatten(0, 2)
        figures: list[Any] = describe(flat, self._parameter.dtype).reshape(*self._kept.shape[:3], -1).tolist()
        spread = [quantiles(self._kept[place].flatten(1)).tolist() for place in _DISTRIBUTED.values()]
        absent: list[float | None] = [None] * len(DESCRIPTION)
        weights, gradients = figures
        return [
            [value for phase in weights for value in phase[position]]
            + [
                value
                for phase, has in zip(gradients, self._has_gradient)
                for value in (phase[position] if has[position] else absent)
            ]
            + spread[0][position]
            + (spread[1][position] if self._has_gradient[1][position] else absent[: len(QUANTILES)])
            for position in positions
        ]
