"""What each rank's copy of a trained parameter does in each step, in figures small enough to compare all ranks by.

Of each trained parameter and step: exact checksums of its weight and of its gradient as the optimizer gets it, and three
projections. A projection is the sum of all values times fixed factors, in float64. It is linear, so the projection of a
mean is the mean of projections: the gradient that all ranks agreed upon can be held against those that each rank computed
by itself, without sending a gradient anywhere. Of a parameter in shards (DTensor) a rank's own shard counts, and the whole
at both ends.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

import torch

from .bits import checksums, hashed, local, total_of_parts, whole
from .census import parameters_of

_GOLDEN = 2.399963229728653  # the golden angle: no two near factors are alike


class Replicas:
    """Follows the trained parameters of one model.

    Args:
        model: Its canonical names are those of the census.
        write: Writes an event.
    """

    @torch.no_grad()
    def __init__(self, model: Any, write: Callable[..., None]) -> None:
        trained = {
            name: parameter
            for name, (_, parameter) in parameters_of(model).items()
            if parameter.requires_grad
        }
        self._write = write
        self._parameters = list(trained.values())
        self._sharded = [hasattr(parameter, "to_local") for parameter in self._parameters]
        sizes = [local(parameter).numel() for parameter in self._parameters]
        device = local(self._parameters[0]).device if self._parameters else None
        self._sizes, count = sizes, sum(sizes)
        self._owner = torch.repeat_interleave(
            torch.arange(len(sizes), device=device), torch.tensor(sizes, device=device)
        )
        self._factors = torch.cos(torch.arange(count, dtype=torch.float64, device=device) * _GOLDEN)
        self._local = torch.zeros(count, device=device)
        self._reduced = torch.zeros(count, device=device)
        self._views = [self._local[begin : begin + size] for begin, size in zip(_begins(sizes), sizes)]
        self._fresh = [True] * len(sizes)
        self._queued = False  # the end of the backward pass that runs is waited for
        self._taken = False  # `_reduced` is of this step
        self._handles = [
            parameter.register_hook(partial(self._take, index))
            for index, parameter in enumerate(self._parameters)
            if not self._sharded[index]
        ]
        write(
            "replicas",
            names=list(trained),
            sharded=self._sharded,
            averaged=_averaged(model),
            start=self._checksums(self._flat(self._parameters)),
        )
        self._tell_whole("start")

    def close(self, failed: bool) -> None:
        """Take the hooks off; with shards, tell the whole of each parameter unless something failed."""
        for handle in self._handles:
            handle.remove()
        if not failed:
            self._tell_whole("end")

    @torch.no_grad()
    def step(self, number: int) -> None:
        """Tell of a step that is done."""
        if not self._taken:  # no gradient came through a hook: all are in shards
            self._end_of_backward()
        weights = self._flat(self._parameters)
        rows = torch.stack([self._local, self._reduced, weights]).double() * self._factors
        sums = torch.zeros(3, len(self._sizes), dtype=torch.float64, device=rows.device)
        own, reduced, values = sums.index_add_(1, self._owner, rows).tolist()
        self._write(
            "replica",
            step=number,
            weights=self._checksums(weights),
            gradients=self._checksums(self._reduced),
            own=own,
            reduced=reduced,
            values=values,
        )
        self._local.zero_()
        self._fresh = [True] * len(self._sizes)
        self._taken = False

    def _take(self, index: int, gradient: Any) -> None:
        """Add what one backward pass of this rank gives a parameter, before anything is exchanged."""
        with torch.no_grad():
            if not self._queued:
                self._queued = True
                _queue(self._exchanged)
            parameter = self._parameters[index]
            if self._fresh[index]:
                self._fresh[index] = False
                if parameter.grad is not None:  # nobody has set it to zero since the last step
                    self._views[index].copy_(parameter.grad.reshape(-1))
            self._views[index].add_(gradient.reshape(-1))

    def _exchanged(self) -> None:
        """Wait behind what the exchange of gradients itself queued for the end of the backward pass."""
        _queue(self._end_of_backward)

    @torch.no_grad()
    def _end_of_backward(self) -> None:
        """Take what a backward pass leaves; of several that make one step the last one counts."""
        self._queued = False
        self._reduced = self._flat([parameter.grad for parameter in self._parameters])
        self._taken = True

    def _flat(self, tensors: list[Any]) -> torch.Tensor:
        """Return float32 of all values this rank holds, one tensor behind the other; None counts as zeros."""
        if not tensors:
            return self._local
        device = self._factors.device
        return torch.cat(
            [
                torch.zeros(size, device=device) if tensor is None else local(tensor).reshape(-1).float()
                for tensor, size in zip(tensors, self._sizes)
            ]
        )

    def _checksums(self, flat: torch.Tensor) -> list[int]:
        return total_of_parts(hashed(flat), self._owner, len(self._sizes))

    def _tell_whole(self, when: str) -> None:
        if any(self._sharded):
            digests = [checksums(whole(parameter)) for parameter in self._parameters]
            self._write("whole", when=when, digests=digests)


def _begins(sizes: list[int]) -> list[int]:
    return [sum(sizes[:index]) for index in range(len(sizes))]


def _queue(function: Callable[[], None]) -> None:
    torch.autograd.Variable._execution_engine.queue_callback(function)  # noqa: SLF001 - as FSDP does it


def _averaged(model: Any) -> bool:
    """Tell whether a module in this model, or around it, averages gradients over all ranks by torch's own means."""
    parallel = torch.nn.parallel.DistributedDataParallel
    return any(isinstance(module, parallel) for module in model.modules())
