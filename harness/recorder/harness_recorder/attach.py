"""Tells a recorder of every phase of a step by hooks on the optimizer, for loops that place no calls of their own."""

from __future__ import annotations

import functools
import types
from typing import Any, Callable, Protocol

from .misuse import RecorderMisusedError

EVERYTHING = {"trained": "*"}
"""Groups where none are asked for: all trained parameters together."""


class Phases(Protocol):
    """What is told of the phases of a step, in their order: a recorder.

    Attributes:
        steps: How many steps were told.
    """

    steps: int

    def forward(self, loss: Any) -> None:
        """A forward pass gave a loss."""

    def backward(self) -> None:
        """A backward pass is done."""

    def step(self, loss: Any) -> None:
        """The optimizer's step is done; the loss is the step's whole."""


class Term:
    """One loss that a step is made of.

    Attributes:
        loss: As the job told it, detached.
        share: What the loss was multiplied by before the backward pass: a tensor or a number; None where that is
            not known, and the losses of a step are averaged.
    """

    def __init__(self, loss: Any) -> None:
        self.loss = loss.detach() if hasattr(loss, "detach") else loss
        self.share: Any = None


class Attached:
    """Calls `forward`, `backward` and `step` of a recorder at the right moments of an optimizer's steps.

    Args:
        recorder: It has begun already.
        optimizer: A torch optimizer; without one, the owner calls `before_step` and `after_step` itself.
    """

    def __init__(self, recorder: Phases, optimizer: Any = None) -> None:
        self._recorder = recorder
        self._terms: list[Term] = []
        self._backward_told = False
        self._remove = hook_step(optimizer, self.before_step, self.after_step) if optimizer else lambda: None

    def loss(self, loss: Any) -> Term:
        """Take the loss of one forward pass, of which a step may have several: gradients are accumulated."""
        if self._terms:
            self._recorder.backward()
        self._recorder.forward(loss)
        self._terms.append(Term(loss))
        return self._terms[-1]

    def before_step(self) -> None:
        """Say that the optimizer's step is about to be made; with a closure, its backward pass is still to come."""
        if self._terms and not self._backward_told:
            self._recorder.backward()
            self._backward_told = True

    def after_step(self) -> None:
        """Say that the optimizer's step is done.

        Raises:
            RuntimeError: No loss was told.
        """
        if not self._terms:
            raise RecorderMisusedError(
                f"step {self._recorder.steps + 1}: the optimizer's step was made before the recorder was told a "
                "loss; call recorder.loss(loss) between the forward and the backward pass"
            )
        self.before_step()
        terms, self._terms, self._backward_told = self._terms, [], False
        self._recorder.step(_total(terms))

    def finish(self) -> None:
        """End a step whose loss was told and whose optimizer's step was left out, as a loss scaler may do."""
        if self._terms:
            self.after_step()

    def close(self) -> None:
        """Take the hooks off; doing so again does nothing."""
        remove, self._remove = self._remove, lambda: None
        remove()


def hook_step(optimizer: Any, before: Callable[[], None], after: Callable[[], None]) -> Callable[[], None]:
    """Have two functions called around every step of an optimizer; return what takes them off.

    torch has hooks for this since 2.0; an older optimizer's `step` is wrapped.
    """
    if hasattr(optimizer, "register_step_post_hook"):
        handles = [
            optimizer.register_step_pre_hook(lambda *_: before()),
            optimizer.register_step_post_hook(lambda *_: after()),
        ]
        return lambda: [handle.remove() for handle in handles] and None
    step = optimizer.step

    @functools.wraps(step)
    def wrapped(_self: Any, *arguments: Any, **options: Any) -> Any:
        before()
        answer = step(*arguments, **options)
        after()
        return answer

    optimizer.step = types.MethodType(wrapped, optimizer)  # schedulers take a bound method apart

    def remove() -> None:
        optimizer.step = step

    return remove


def _total(terms: list[Term]) -> Any:
    """Return the loss of a step: the only one as it was told, else the sum of what each contributed."""
    if len(terms) == 1 and terms[0].share is None:
        return terms[0].loss
    return sum(_contribution(term, 1.0 / len(terms)) for term in terms)


def _contribution(term: Term, usual: float) -> Any:
    loss = term.loss.double() if hasattr(term.loss, "double") else float(term.loss)
    if term.share is None:
        return loss * usual
    import torch

    share = torch.as_tensor(term.share, dtype=torch.float64, device=loss.device)
    return loss * torch.where(share.isfinite(), share, torch.full_like(share, usual))
