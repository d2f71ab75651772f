"""Records a training by Lightning's `Trainer`, through one callback.

    from harness_recorder import Recorder
    from harness_recorder.lightning import RecorderCallback

    with Recorder(settings={...}) as recorder:
        module = ...
        expected = recorder.prepare(module.model, seed=0)   # where causes are to be found
        callback = RecorderCallback(recorder, model=module.model, expected=expected)
        Trainer(..., callbacks=[callback]).fit(module, batches)

Serves `lightning.pytorch` and `pytorch_lightning` 2.x, whichever the job has imported, else whichever is installed.
Automatic and manual optimization, one optimizer. Gradients are unscaled, but not clipped yet: Lightning clips after
the last of its events. Each of several ranks has a trace of its own, and none ends early.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recorder import Recorder

if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
    from pytorch_lightning import Callback
else:
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback

from .attach import EVERYTHING, Attached
from .ranks import rank_and_size


class RecorderCallback(Callback):
    """Hands a training to a recorder, step by step.

    The loss of a step is what is trained on: the mean over accumulated batches, before any loss scaling.

    Args:
        recorder: An entered `Recorder`.
        model: The part of the module to record, under whose own names parameters are told; None: all of it.
        watch, groups, batches, expected: As of `Recorder.attach`.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        model: Any = None,
        watch: dict[str, str] | None = None,
        groups: dict[str, str] | None = None,
        batches: Any = None,
        expected: str | None = None,
    ) -> None:
        self._recorder = recorder
        self._model = model
        self._start = {"watch": watch, "batches": batches, "expected": expected}
        self._start["groups"] = EVERYTHING if groups is None else groups
        self._attached: Attached | None = None
        self._stepping = False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Record what training starts from."""
        if len(trainer.optimizers) != 1:
            raise ValueError(f"the recorder follows one optimizer, and there are {len(trainer.optimizers)}")
        if rank_and_size()[1] == 1 and not trainer.is_global_zero:
            return  # several processes without a rank share one trace
        model = pl_module if self._model is None else self._model
        self._recorder.begin(model, trainer.optimizers[0], **self._start)
        self._attached = Attached(self._recorder)

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:  # noqa: ARG002
        """Take the loss, which Lightning has divided by the number of accumulated batches, and scaled."""
        if self._attached is None:
            return
        self._finish()
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        term = self._attached.loss(loss if scaler is None else loss / scaler.get_scale())
        term.share = 1.0

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:  # noqa: ARG002
        """Take the gradients."""
        if self._attached is not None:
            self._attached.before_step()
            self._stepping = True

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Take the weights, where the optimizer's step was made, and end the training where that is asked for."""
        self._finish()
        if self._recorder.stopped and trainer.world_size == 1:
            trainer.should_stop = True

    def _finish(self) -> None:
        if self._attached is not None and self._stepping:
            self._stepping = False
            self._attached.after_step()
