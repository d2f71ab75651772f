"""Records a training by Hugging Face `Trainer`, through one callback.

    from harness_recorder import Recorder
    from harness_recorder.transformers import RecorderCallback

    with Recorder(settings={...}) as recorder:
        model = ...
        expected = recorder.prepare(model, seed=0)   # where causes are to be found
        callback = RecorderCallback(recorder, expected=expected)
        Trainer(model, arguments, train_dataset=..., callbacks=[callback]).train()

Works with transformers 4.36 to 5.x, tried with 4.36.2 (whose `Trainer` needs accelerate below 1), 4.46.3, 4.57.6 and
5.15.0. The step is seen by hooks on the optimizer itself, since the callback events around it came late
(`on_optimizer_step` in 4.42, `on_pre_optimizer_step` in 4.45), and the loss by a hook on the model, since `on_log`
tells rounded averages.

* Gradients are those that the optimizer sees: after unscaling and clipping.
* A step that a loss scaler leaves out counts as a step; before 4.42 its gradients are gone when it is seen.
* The trace ends training early only where a single process trains. Each of several ranks has a trace of its own.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer
from transformers import TrainerCallback

from .ranks import rank_and_size

if TYPE_CHECKING:
    from .attach import Attached
    from .recorder import Recorder


class RecorderCallback(TrainerCallback):
    """Hands a training to a recorder, step by step.

    The loss of a step is the sum of its micro-batches' losses, each times what the trainer multiplied it by before
    the backward pass: their mean where the trainer divides by the number of micro-batches, their sum where the
    model has divided already (by `num_items_in_batch`, from 4.46 on).

    Args:
        recorder: An entered `Recorder`.
        watch, groups, batches, expected: As of `Recorder.attach`.
        own_loss: The loss that is trained on is not the model's output `loss`, because of label smoothing or a
            `compute_loss` of your own: call `callback.loss(loss)` in `compute_loss`.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        watch: dict[str, str] | None = None,
        groups: dict[str, str] | None = None,
        batches: Any = None,
        expected: str | None = None,
        own_loss: bool = False,
    ) -> None:
        self._recorder = recorder
        self._start = {"watch": watch, "groups": groups, "batches": batches, "expected": expected}
        self._own_loss = own_loss
        self._attached: Attached | None = None
        self._hook: Any = None
        self._scaler: Any = None

    def loss(self, loss: Any) -> None:
        """Take a loss that is about to be trained on; only with `own_loss`."""
        if self._attached is None or not getattr(loss, "requires_grad", False):
            return  # an evaluation
        term = self._attached.loss(loss)
        scale = self._scaler.get_scale() if self._scaler is not None else 1.0

        def learn(gradient: Any) -> None:
            term.share = gradient.detach() / scale

        loss.register_hook(learn)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Record what training starts from, and attach."""
        if args.n_gpu > 1:
            raise RuntimeError(
                f"the recorder cannot follow a model copied to {args.n_gpu} GPUs: set CUDA_VISIBLE_DEVICES to one"
            )
        if rank_and_size()[1] == 1 and not state.is_world_process_zero:
            return  # several processes without a rank share one trace
        model = kwargs["model"]
        optimizer = kwargs["optimizer"] or _optimizer_of(model)
        self._scaler = getattr(optimizer, "scaler", None)
        while hasattr(optimizer, "optimizer"):  # accelerate's wrapper
            optimizer = optimizer.optimizer
        self._attached = self._recorder.attach(model, optimizer, **self._start)
        if not self._own_loss:
            self._hook = model.register_forward_hook(self._on_output)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """End a step that a loss scaler left out, while its gradients are there."""
        if self._attached is not None:
            self._attached.finish()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """End a step that nothing else ended, and the training where the recorder asks for that."""
        if self._attached is not None:
            self._attached.finish()
        if self._recorder.stopped and args.world_size == 1:
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Let go of model and optimizer."""
        if self._attached is not None:
            self._attached.close()
        if self._hook is not None:
            self._hook.remove()

    def _on_output(self, model: Any, _inputs: Any, output: Any) -> None:
        if model.training:
            self.loss(output.get("loss") if isinstance(output, dict) else output[0])


def _optimizer_of(model: Any) -> Any:
    """Return the optimizer of a model's parameters: transformers 4.49.0 hands none to callbacks."""
    trained = {id(parameter) for parameter in model.parameters()}
    # `isinstance` asks some objects for their class, and a module that is loaded on demand would be loaded.
    optimizers = [thing for thing in gc.get_objects() if issubclass(type(thing), Optimizer)]
    of_model = [
        optimizer
        for optimizer in optimizers
        if any(id(parameter) in trained for group in optimizer.param_groups for parameter in group["params"])
    ]
    return max(
        of_model, key=lambda optimizer: hasattr(optimizer, "optimizer")
    )  # accelerate's wrapper, if there is one
