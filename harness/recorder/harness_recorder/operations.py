"""Every operation of one training step, in order of execution: what tells which operation two releases do differently.

The harness asks for it with the instruction `operations` (`instructions.py`): {`step` (from 1), `package` (distribution),
`perturb`: {`first`, `last` (positions of operations), `seed`} or absent}. The operations are those that a TorchDispatchMode sees:
forward, backward and optimizer, below autograd. The job ends with the step. Of each operation are kept: its name, dtypes,
shapes and checksums of the tensors that go in and come out, the other arguments, and the lines of code that called it.
No tensor is kept. A checksum of a tensor beyond 4 million values covers evenly spaced ones.

With `perturb` the floating point inputs of these operations are moved by one unit in the last place: with seed 0 all of
them away from zero, else away from it or towards it by chance. How far the values behind them then move is what rounding
can do (the way of TTrace, arXiv 2506.09280).
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Callable, Iterator

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .bits import checksums
from .callers import Callers
from .census import parameters_of
from .outputs import every
from .watchpoint import described, modules_of

_MOST = 20_000  # operations that are recorded of a step
_LARGEST = 1 << 22  # values of a tensor that a checksum covers
_SAMPLE = 16  # values kept of each tensor that comes out, evenly spaced
_LONGEST = 200  # characters of an argument
_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Operations(TorchDispatchMode):
    """Records the operations of one step.

    Args:
        asked: As the module's docstring says.
        model: Its parameters are called by their canonical names.
        phase: Returns the phase of the step: forward, backward or optimizer.
        write: Called with the fields of an `operation` event.
    """

    def __init__(
        self, asked: dict[str, Any], model: Any, phase: Callable[[], str], write: Callable[..., None]
    ) -> None:
        super().__init__()
        modules = modules_of(str(asked["package"]))
        self._callers = Callers(modules, lambda frame: described(frame, frame.f_lineno))
        self._perturb = asked.get("perturb") or {}
        self._phase = phase
        self._write = write
        self._count = 0
        self._names = (
            {parameter.data_ptr(): name for name, (_, parameter) in parameters_of(model).items()}
            if model is not None
            else {}
        )
        self.step = int(asked["step"])

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Record an operation that the job calls, and hand it on."""
        kwargs = kwargs or {}
        lines = self._callers.of(sys._getframe(1), __name__) if self._count < _MOST else None  # noqa: SLF001
        if lines is None:
            return func(*args, **kwargs)
        position, self._count = self._count, self._count + 1
        if self._perturb.get("first", _MOST) <= position <= self._perturb.get("last", -1):
            args = tuple(self._moved(func, place, value) for place, value in enumerate(args))
        inputs = [self._described(tensor) for tensor in _tensors((args, kwargs))]
        out = func(*args, **kwargs)
        self._write(
            position=position,
            step=self.step,
            phase=self._phase(),
            name=str(func),
            inputs=inputs,
            arguments=[
                *(text for value in args for text in _plain(value)),
                *(f"{key}={text}" for key, value in kwargs.items() for text in _plain(value)),
            ],
            outputs=[self._described(tensor, sampled=True) for tensor in _tensors(out)],
            **lines,
        )
        return out

    def _described(self, tensor: Any, *, sampled: bool = False) -> dict[str, Any]:
        """Return what is known of a tensor; without a checksum where its values cannot be read."""
        told: dict[str, Any] = {
            "dtype": str(tensor.dtype).replace("torch.", ""),
            "shape": list(tensor.shape),
            "checksum": None,
            "parameter": None,
        }
        with contextlib.suppress(RuntimeError):  # without values: meta, sparse, or a layout of its own
            told["parameter"] = self._names.get(tensor.data_ptr()) if tensor.numel() else None
            flat = (torch.view_as_real(tensor) if tensor.is_complex() else tensor).detach().reshape(-1)
            told["checksum"] = checksums(flat[:: every(flat.numel(), _LARGEST)])
            if sampled and flat.is_floating_point():
                told["sample"] = flat[:: every(flat.numel(), _SAMPLE)].double().tolist()
        return told

    def _moved(self, func: Any, place: int, value: Any) -> Any:
        """Return an argument of the operation to perturb: a moved copy, or itself where it is written to."""
        arguments = func._schema.arguments  # noqa: SLF001
        alias = arguments[place].alias_info if place < len(arguments) else None
        if not isinstance(value, torch.Tensor) or not value.is_floating_point() or (alias and alias.is_write):
            return value
        generator = torch.Generator().manual_seed(
            (int(self._perturb["seed"]) * _MOST + self._count) * 100 + place
        )
        whole = _INTEGERS[value.element_size()]
        bits = value.detach().clone(memory_format=torch.contiguous_format).view(whole)
        up = torch.randint(0, 2, bits.shape, generator=generator).to(bits.device, whole) * 2 - 1
        if self._perturb["seed"] == 0:
            up = torch.ones_like(bits)
        usual = (value != 0) & value.isfinite()
        moved: Any = torch.where(usual, bits + up, bits).view(value.dtype)
        return torch.where(moved.isfinite(), moved, value)


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors in nested lists, tuples and dictionaries, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _plain(value: Any) -> Iterator[str]:
    """Yield the arguments that are no tensors, as texts."""
    if isinstance(value, (list, tuple)) and any(True for _ in _tensors(value)):
        for part in value:
            yield from _plain(part)
    elif not isinstance(value, (torch.Tensor, torch.Generator)):
        yield str(value).replace("torch.", "")[:_LONGEST]
