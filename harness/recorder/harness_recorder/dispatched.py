"""Every operation that torch dispatches, with the line that called it: how many, how long, and what they allocate.

What the recorder itself computes is left out. On CUDA each operation waits for the device when it is timed: else its time
would be that of whatever waits next.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .callers import Callers
from .watchpoint import modules_of

Place = Optional[Tuple[Any, int]]
"""Code and line of the innermost function of the package under test, else of the job, else outside of torch."""


class Dispatched(TorchDispatchMode):
    """Tells of every operation from the time it is entered until it is left.

    Args:
        package: The distribution under test.
        take: Called with place, name of the operation, seconds and the storages that it allocated.
        timed: Whether to wait for the device.
    """

    def __init__(self, package: str, take: Callable[[Place, str, float, Any], None], *, timed: bool) -> None:
        super().__init__()
        self._callers = Callers(modules_of(package), lambda frame: (frame.f_code, frame.f_lineno))
        self._take = take
        self._timed = timed

    def begin(self) -> None:
        """Enter, and let torch load what it needs for that (its compiler), which is nothing of the job's."""
        self.__enter__()
        torch.empty(1)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Tuple[Any, ...] = (), kwargs: Dict[str, Any] | None = None
    ) -> Any:
        """Take an operation that the job calls, and hand it on."""
        kwargs = kwargs or {}
        lines = self._callers.of(sys._getframe(1), __name__)  # noqa: SLF001
        if lines is None:
            return func(*args, **kwargs)
        given = {key for key, _ in storages((args, kwargs))}
        waits = self._timed and torch.cuda.is_available() and torch.cuda.is_initialized()
        if waits:
            torch.cuda.synchronize()
        began = time.perf_counter()
        out = func(*args, **kwargs)
        if waits:
            torch.cuda.synchronize()
        took = time.perf_counter() - began
        made = [storage for key, storage in storages(out) if key not in given]
        self._take(lines["own"] or lines["script"] or lines["line"], str(func), took, made)
        return out


def storages(value: Any) -> Iterator[Tuple[int, Any]]:
    """Yield (address of what holds the values, storage) of the tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, torch.Tensor):
        try:
            storage = value.untyped_storage() if hasattr(value, "untyped_storage") else value.storage()
            yield storage._cdata, storage  # noqa: SLF001
        except (RuntimeError, NotImplementedError, AttributeError):
            return  # a layout of its own: sparse, or a wrapper
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from storages(part)
    elif isinstance(value, dict):
        yield from storages(list(value.values()))


def lasting() -> bool:
    """Tell whether a storage can be followed to its end: its Python object stays as long as the values do."""
    import weakref

    tensor = torch.empty(1)
    try:
        reference = weakref.ref(tensor.untyped_storage())
    except (AttributeError, TypeError):
        return False
    return reference() is not None and tensor.numel() == 1
