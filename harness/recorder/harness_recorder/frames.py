"""Every module and parameter of chosen steps, in order of execution: what tells where two releases part.

Forward outputs come from forward hooks and backward gradients from hooks on those outputs, which every torch from
1.13 on has; weights and the optimizer's state are read after its step. This is for special probes alone: ordinary
ones have no hook.
"""

from __future__ import annotations

from typing import Any, Callable

import torch

from .bits import checksums
from .census import parameters_of
from .names import canonical
from .outputs import every

_SAMPLE = 64  # values kept of a tensor, evenly spaced


class Frames:
    """Hooks a model and hands what it sees to `write`, one frame a tensor.

    Where a wrapper and what it wraps share a canonical name, the outermost one that computes is seen.

    Args:
        model: A torch module.
        optimizer: Its state is read after each step.
        steps: Which steps to record, from 1.
        write: Called with the fields of a `frame` event.
    """

    def __init__(self, model: Any, optimizer: Any, steps: list[int], write: Callable[..., None]) -> None:
        self._model = model
        self._optimizer = optimizer
        self._steps = set(steps)
        self._write = write
        self._step = 1
        self._loss: Any = None
        seen = set()
        for raw, module in model.named_modules():
            name = canonical(raw) or "model"
            computes = type(module).forward is not torch.nn.Module.forward
            if computes and name not in seen:
                seen.add(name)
                module.register_forward_hook(self._hook(name, type(module).__name__))

    def loss(self, loss: Any) -> None:
        """Record the loss, which ends the forward pass."""
        if self._step in self._steps and isinstance(loss, torch.Tensor):
            self._record("forward", "loss", "output", "", loss)

    def backward(self) -> None:
        """Record the gradients of all trained parameters, which end the backward pass."""
        for name, parameter in self._trained():
            if parameter.grad is not None:
                self._record("backward", name, "gradient", "", parameter.grad)

    def step(self) -> None:
        """Record the optimizer's state and the weights, which end the step."""
        for name, parameter in self._trained():
            for key, state in sorted(self._optimizer.state.get(parameter, {}).items()):
                if isinstance(state, torch.Tensor) and state.shape == parameter.shape:
                    self._record("optimizer", name, key, "", state)
            self._record("optimizer", name, "weight", "", parameter)
        self._step += 1

    def _trained(self) -> list[tuple[str, Any]]:
        if self._step not in self._steps:
            return []
        parameters = parameters_of(self._model).items()
        return [(name, parameter) for name, (_, parameter) in parameters if parameter.requires_grad]

    def _hook(self, name: str, kind: str) -> Callable[..., None]:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            if self._step not in self._steps:
                return
            tensor = _first_tensor(output)
            if tensor is None:
                return
            self._record("forward", name, "output", kind, tensor)
            if tensor.requires_grad:
                tensor.register_hook(
                    lambda gradient: self._record("backward", name, "output", kind, gradient)
                )

        return hook

    @torch.no_grad()
    def _record(self, phase: str, name: str, what: str, kind: str, tensor: Any) -> None:
        flat = tensor.detach().reshape(-1)
        values = flat.float()
        finite = values[values.isfinite()]
        self._write(
            step=self._step,
            phase=phase,
            name=name,
            what=what,
            module=kind,
            dtype=str(tensor.dtype).replace("torch.", ""),
            shape=list(tensor.shape),
            checksum=checksums(flat),
            nan=int(values.isnan().sum()),
            inf=int(values.isinf().sum()),
            zero=int((values == 0).sum()),
            largest=float(finite.abs().max()) if len(finite) else None,
            sample=values[:: every(flat.numel(), _SAMPLE)].tolist(),
        )


def _first_tensor(output: Any) -> Any:
    """Return the first floating point tensor of a module's output, whatever it is wrapped in."""
    if isinstance(output, torch.Tensor):
        return output if output.is_floating_point() else None
    values = output.values() if hasattr(output, "values") else output
    if isinstance(values, (list, tuple)) or hasattr(output, "values"):
        return next((found for found in map(_first_tensor, values) if found is not None), None)
    return None
