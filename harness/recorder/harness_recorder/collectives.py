"""Writes down the collectives of a rank, in their order: what differs between ranks is the cause of many a hang.

The functions of `torch.distributed` are wrapped as soon as that module is loaded, before anything can import them by
name. What torch's own C++ code exchanges, as DistributedDataParallel does with its buckets of gradients, does not come
through them.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any, Callable, Sequence

from .imports import when_imported
from .lines import Lines
from .ranks import rank_and_size, trace_path

_MODULE = "torch.distributed.distributed_c10d"
_NAMES = (
    "all_reduce",
    "all_reduce_coalesced",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_coalesced",
    "all_gather_object",
    "all_gather_single",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "gather",
    "gather_object",
    "monitored_barrier",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_single",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
)
_MOST = 5000  # events that are written; a long training repeats itself


def follow_collectives() -> None:
    """Write down the collectives of this process, if it is one of several ranks."""
    path = trace_path()
    if not path or rank_and_size()[1] < 2:
        return
    there = sys.modules.get(_MODULE)
    when_imported(_MODULE, wrap)
    if there is not None:
        public = sys.modules.get("torch.distributed")
        for name in _NAMES:  # which a warm parent has bound there already
            if hasattr(public, name):
                setattr(public, name, getattr(there, name))


def wrap(module: Any) -> None:
    """Wrap the collectives of a module."""
    told = _Told(trace_path())
    for name in _NAMES:
        if hasattr(module, name):
            setattr(module, name, _wrapped(name, getattr(module, name), told))


class _Told:
    """Writes an event for each collective, at its begin; one that another one consists of is left out."""

    def __init__(self, path: Any) -> None:
        self.lines = Lines(path)
        self.process = os.getpid()
        self.count = self.depth = 0

    def begin(self, kind: str, arguments: Sequence[Any]) -> None:
        self.depth += 1
        if self.depth > 1 or self.count >= _MOST or os.getpid() != self.process:
            return
        self.count += 1
        sizes, kinds = [], set()
        for value in arguments:
            for tensor in value if isinstance(value, (list, tuple)) else [value]:
                if hasattr(tensor, "dtype") and hasattr(tensor, "numel"):
                    sizes.append(int(tensor.numel()))
                    kinds.add(str(tensor.dtype).replace("torch.", ""))
        self.lines.write("collective", kind=kind, sizes=sizes, dtype=", ".join(sorted(kinds)))


def _wrapped(name: str, function: Callable[..., Any], told: _Told) -> Callable[..., Any]:
    @functools.wraps(function)
    def collective(*arguments: Any, **named: Any) -> Any:
        told.begin(name, [*arguments, *named.values()])
        try:
            return function(*arguments, **named)
        finally:
            told.depth -= 1

    return collective
