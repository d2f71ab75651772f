"""Groups of trained parameters: their gradients, updates and Adam's second moments over the last few steps."""

from __future__ import annotations

from typing import Any, Sequence

import torch

from .bits import local
from .statistics import compare

_SIGNALS = (
    "gradient_norm",
    "update_ratio",
    "gradient_zero",
    "second_moment_zero",
    "denominator_zero",
    "weight_checksum",
    "gradient_checksum",
    "gradient_subnormal",
    "update_lost",
)


class Groups:
    """Keeps the groups' tensors side by side, as float32 rows, one row a step; an absent gradient counts as zeros.

    Where only every n-th step stays (`every` above 1), the weights before each of them are kept besides.
    """

    def __init__(
        self,
        groups: dict[str, list[torch.Tensor]],
        optimizer: Any,
        depth: int,
        device: Any,
        every: int = 1,
    ) -> None:
        self.columns = [f"{label}.{signal}" for label in groups for signal in _SIGNALS]
        self._members = [parameter for members in groups.values() for parameter in members]
        self._sizes = [sum(local(member).numel() for member in members) for members in groups.values()]
        ends = [sum(self._sizes[: index + 1]) for index in range(len(self._sizes))]
        self._parts = [slice(end - size, end) for end, size in zip(ends, self._sizes)]
        self._adam = optimizer if isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW)) else None
        self._vanishing = self._eps_vanishes(sum(self._sizes), device)
        self._tiny = torch.zeros(sum(self._sizes), device=device)
        for view, member in zip(self._split(self._tiny), self._members):
            view.fill_(torch.finfo(member.dtype).tiny)
        # [weight | gradient | second moment, step, value], and the weights before the first of these steps
        self._kept = torch.zeros(3, depth, sum(self._sizes), dtype=torch.float32, device=device)
        self._views = [[self._split(row) for row in tensor] for tensor in self._kept]
        self._before = torch.zeros_like(self._kept[0, 0])
        for view, member in zip(self._split(self._before), self._members):
            view.copy_(local(member))
        self._befores = torch.zeros_like(self._kept[0]) if every > 1 else None
        self._last = self._before

    def restart(self) -> None:
        """Begin again at position 0, with the weights as the last position has them."""
        self._before.copy_(self._kept[0, -1])

    def take_gradients(self, position: int) -> None:
        """Keep the gradients of step `position`."""
        for view, member in zip(self._views[1][position], self._members):
            if member.grad is None:
                view.zero_()
            else:
                view.copy_(local(member.grad))

    def take_weights(self, position: int) -> None:
        """Keep the weights after step `position`."""
        if self._befores is not None:
            self._befores[position].copy_(self._last)
            self._last = self._kept[0, position]
        for view, member in zip(self._views[0][position], self._members):
            view.copy_(local(member))

    def take_moments(self, position: int) -> None:
        """Keep Adam's second moments after step `position`; with another optimizer, nothing."""
        if self._adam is None:
            return
        for view, member in zip(self._views[2][position], self._members):
            state = self._adam.state.get(member, {})
            second = state.get("max_exp_avg_sq", state.get("exp_avg_sq"))  # the former with amsgrad
            if second is not None:
                view.copy_(local(second))

    def spoiled(self, position: int) -> torch.Tensor:
        """Return float32 [2]: 0 while every weight and every gradient of a step is finite, else NaN."""
        values = self._kept[:2, position]
        return (values - values).sum(1)

    def rows(self, positions: Sequence[int]) -> list[list[float | None]]:
        """Return the values of `columns` at each position; None for what cannot be told.

        All positions are always computed, so that a value never depends on how many were asked for.
        """
        if not self._parts:
            return [[] for _ in positions]
        before = self._befores
        if before is None:
            before = torch.cat([self._before.unsqueeze(0), self._kept[0, :-1]])
        figures = compare(before, self._kept, self._vanishing, self._tiny, self._parts).tolist()
        return [
            [
                value
                for size, group in zip(self._sizes, figures)
                for value in self._signals(size, [figure[position] for figure in group])
            ]
            for position in positions
        ]

    def _signals(self, size: int, figures: list[float]) -> list[float | None]:
        if size == 0:
            return [None] * len(_SIGNALS)
        weight, gradient, update, zero, flushed, denominator, subnormal, lost, weight_sum, gradient_sum = (
            figures
        )
        return [
            gradient,
            update / weight if weight else None,
            zero / size,
            flushed / (size - zero) if self._adam and zero < size else None,
            denominator / size if self._adam else None,
            int(weight_sum),
            int(gradient_sum),
            subnormal / size,
            lost / (size - zero) if zero < size else None,
        ]

    def _split(self, row: torch.Tensor) -> list[torch.Tensor]:
        pieces = row.split([local(member).numel() for member in self._members])
        return [piece.view(local(member).shape) for piece, member in zip(pieces, self._members)]

    def _eps_vanishes(self, length: int, device: Any) -> torch.Tensor:
        """Return bool [length]: where Adam's eps is zero in the dtype that the optimizer computes in.

        Fused implementations compute in float32 whatever the dtype of the parameter.
        """
        mask = torch.zeros(length, dtype=torch.bool, device=device)
        if self._adam is None:
            return mask
        groups = {id(member): group for group in self._adam.param_groups for member in group["params"]}
        for view, member in zip(self._split(mask), self._members):
            group = groups.get(id(member), self._adam.defaults)
            dtype = torch.float32 if group.get("fused") else member.dtype
            view.fill_(not torch.tensor(float(group["eps"])).to(dtype).bool())
        return mask
