"""Measures a model step by step: cheap copies at every phase, reductions for a few steps at once.

A step costs one copy a tensor and phase and one synchronisation with the device; whether a value stopped being
finite is known at once, everything else once `DEPTH` steps are there. Where the statistics are asked for every n-th
step only, those are the first step, every n-th after it, and any in which a value is not finite.
"""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import Any

import torch

from .bits import local
from .census import parameters_of
from .groups import Groups
from .scaling import LossScale
from .watched import Watched

DEPTH = 16  # steps reduced at once
_VALUES = 1 << 20  # most values kept of one kind: larger models keep fewer steps


class Meter:
    """Watches the parameters of one model through the phases of each step.

    Args:
        model: Its parameters are found by canonical name.
        optimizer: Adam's second moments are measured; of others only what they do to the weights.
        watch: Label to canonical name of a parameter to describe in full.
        groups: Label to pattern (as of `fnmatch`) of canonical names; trained parameters only.
        every: Of how many steps one has statistics; the others have their loss, and are watched for what is not
            finite.
        scaler: A loss scale that adapts itself, as of `LossScale`.

    Raises:
        ValueError: A watched name is not that of a parameter.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: Any,
        optimizer: Any,
        watch: dict[str, str],
        groups: dict[str, str],
        *,
        every: int = 1,
        scaler: Any = None,
    ) -> None:
        named = {name: parameter for name, (_, parameter) in parameters_of(model).items()}
        self._trained = {name: parameter for name, parameter in named.items() if parameter.requires_grad}
        members = {
            label: [parameter for name, parameter in self._trained.items() if fnmatchcase(name, pattern)]
            for label, pattern in groups.items()
        }
        grouped = {id(parameter) for group in members.values() for parameter in group}
        self._others = [parameter for parameter in self._trained.values() if id(parameter) not in grouped]
        self._device = next(iter(named.values())).device
        count = sum(parameter.numel() for group in members.values() for parameter in group)
        self._depth = max(1, min(DEPTH, _VALUES // max(count, 1)))
        self._every = every
        self._groups = Groups(members, optimizer, self._depth, self._device, every)
        self._watched = [Watched(label, _find(named, name), self._depth) for label, name in watch.items()]
        self._scale = LossScale(scaler, list(self._trained.values()), self._depth, self._device)
        self._parts = (*self._watched, self._groups, self._scale)
        self._position = 0
        self._steps = 0
        self._waiting: list[int | None] = []  # a position a step, None for one without statistics
        self.columns = [column for part in self._parts for column in part.columns]

    @property
    def full(self) -> bool:
        """Whether `rows` must be called before the next step."""
        return self._position == self._depth

    @torch.no_grad()
    def forward(self) -> None:
        """Take what there is between forward and backward."""
        if self.full:
            self._groups.restart()
            self._position = 0
        self._watch(0)

    @torch.no_grad()
    def backward(self) -> None:
        """Take what there is between backward and the optimizer's step."""
        self._groups.take_gradients(self._position)
        self._scale.take(self._position)
        self._watch(1)

    @torch.no_grad()
    def step(self, loss: Any) -> tuple[float, list[str]]:
        """Take what there is after the optimizer's step, which ends this one.

        Returns:
            The loss, and which of `weight` and `gradient` hold a value that is not finite.
        """
        self._groups.take_weights(self._position)
        self._groups.take_moments(self._position)
        self._watch(2)
        loss = torch.as_tensor(loss, dtype=torch.float64, device=self._device).reshape(1)
        spoiled = self._groups.spoiled(self._position)
        if self._others:
            spoiled = spoiled + _spoiled(self._others)
        value, *sums = torch.cat([loss, spoiled.double()]).tolist()
        described = self._steps % self._every == 0 or not math.isfinite(sum(sums, value))
        self._waiting.append(self._position if described else None)
        self._position += described  # else the next step takes this one's place
        self._steps += 1
        return value, [what for what, spoiled in zip(("weight", "gradient"), sums) if spoiled != 0]

    @torch.no_grad()
    def rows(self) -> list[list[float | None]]:
        """Return the values of `columns` for each step since the last call."""
        waiting, self._waiting = self._waiting, []
        positions = [position for position in waiting if position is not None]
        parts = [part.rows(positions) for part in self._parts] if positions else []
        rows = iter([[value for part in step for value in part] for step in zip(*parts)])
        nothing: list[float | None] = [None] * len(self.columns)
        return [nothing if position is None else next(rows) for position in waiting]

    @torch.no_grad()
    def first_nonfinite(self, what: str) -> dict[str, Any]:
        """Return parameter, count and of: the first by canonical name with a non-finite `weight` or `gradient`."""
        for name, parameter in self._trained.items():
            tensor = local(parameter if what == "weight" else parameter.grad)
            count = 0 if tensor is None else int((~tensor.float().isfinite()).sum())
            if count:
                return {"parameter": name, "count": count, "of": parameter.numel()}
        return {"parameter": None, "count": 0, "of": 0}

    def _watch(self, phase: int) -> None:
        for watched in self._watched:
            watched.take(phase, self._position)


def _spoiled(parameters: list[Any]) -> torch.Tensor:
    """Return float32 [2]: 0 while every weight and every gradient of the parameters is finite, else NaN."""
    spoiled = torch.zeros(2, device=parameters[0].device)
    for parameter in parameters:
        for index, tensor in enumerate((parameter, parameter.grad)):
            if tensor is not None:
                values = local(tensor).float()
                spoiled[index] += (values - values).sum()
    return spoiled


def _find(named: dict[str, Any], name: str) -> Any:
    if name not in named:
        raise ValueError(f"no parameter {name!r} to watch; there are: {', '.join(named)}")
    return named[name]
