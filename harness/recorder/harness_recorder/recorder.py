"""The recorder: what a job tells it becomes the events of a trace.

`harness/traces/trace.py` describes the events.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Sequence

from . import compiler, host, profiled, watchpoint
from .attach import EVERYTHING, Attached
from .census import census
from .clock import Clock
from .instructions import Transplants, instructions
from .lines import Lines
from .misuse import RecorderMisusedError
from .prefix import goes_on
from .ranks import rank_and_size, trace_path
from .script import describe_error, leave
from .start import digest, inject, start_digest

if TYPE_CHECKING:
    from types import TracebackType

VERSION = "1"
_IMPORTED = time.time()
_LONGEST_WAIT = 1.0  # seconds that a step may wait to be written: what a killed job can lose
_PHASE_OF = {"loss": "forward", "gradient": "backward", "weight": "optimizer"}
# What may be in progress when a phase is said to be done. Several forward and backward passes may make one step.
_IN_PROGRESS = {"forward": ("forward", "optimizer"), "backward": ("backward",), "optimizer": ("optimizer",)}
_NEXT = {"forward": "backward", "backward": "optimizer", "optimizer": "forward"}


class Recorder:
    """Writes the trace of one job; a context manager around everything that the job does.

    An exception that leaves the block is recorded with its step and phase, and goes on. After a non-finite loss
    or weight `stopped` tells why the job should end; non-finite gradients are recorded only, since loss scaling
    has them now and then.

    Args:
        settings: The job's settings, recorded as they are.
        device: A torch.device, or its name.
        stop_early: Whether to ask for an early end at all.
    """

    def __init__(
        self, *, settings: dict[str, Any] | None = None, device: Any = "cpu", stop_early: bool = True
    ) -> None:
        profiled.reached("recorder")
        self.stopped: str | None = None
        self.steps = 0
        self._settings = settings or {}
        self._device = device
        self._stop_early = stop_early
        self._lines = Lines(trace_path())
        asked = instructions()
        self._transplants = Transplants(asked.get("transplant", []))
        self._frame_steps = asked.get("frames", [])
        self._every = asked.get("statistics_every", 1)
        self._prefix = asked.get("prefix", 0)
        self._frames: Any = None
        self._asked_operations: dict[str, Any] | None = asked.get("operations")
        self._operations: Any = None
        self._configs: list[dict[str, Any]] = []
        self._own_start = False
        self._import_seconds = time.time() - float(os.environ.get("HARNESS_STARTED", _IMPORTED))
        self._training_since: float | None = None
        self._phase = "forward"
        self._loss: Any = None
        self._meter: Any = None
        self._seen: set[str] = set()
        self._columns: list[str] = []
        self._waiting: list[tuple[int, Any, dict[str, float], float]] = []
        self._clock = Clock()
        self._flushed = time.monotonic()
        self._attached: Attached | None = None
        self._replicas: Any = None
        self._casts: Any = None
        self._compared = bool(asked.get("replicas")) or rank_and_size()[1] > 1

    def __enter__(self) -> Recorder:  # noqa: PYI034 - typing.Self needs Python 3.11
        self._lines.write(
            "start",
            recorder=VERSION,
            settings=self._settings,
            seconds=self._import_seconds,
            **host.describe(self._device),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        profiled.reached("trained")
        if self._casts is not None:
            self._casts.__exit__(kind, error, traceback)
        if self._attached is not None:
            self._attached.close()
        if self._replicas is not None:
            self._replicas.close(failed=error is not None)
        try:
            self._flush()
        except Exception:
            if error is None:  # else the device may be broken, and the first error is the one to tell
                raise
        if isinstance(error, Exception):
            self._write_error(error)
        if error is None or isinstance(error, Exception):
            self._write_end(error)
        self._lines.close()

    def config(self, config: Any) -> Any:
        """Record a configuration that a model is going to be made from, and return it.

        Args:
            config: A dictionary, or an object with `to_dict` or attributes. What is no plain value is left out.
        """
        self._transplants.on_config(config)
        watchpoint.take_config(config)
        values = config.to_dict() if hasattr(config, "to_dict") else config
        values = values if isinstance(values, dict) else vars(values)
        kept = {key: _plain(value) for key, value in values.items() if _plain(value) is not None}
        self._configs.append({"name": type(config).__name__, "values": kept})
        return config

    def prepare(self, model: Any, seed: int | None = None, *, names: Sequence[str] = ("*",)) -> str | None:
        """Make a model ready to be trained: call it before the optimizer is made.

        It gives the model the start values that are the same in every release, and then the properties of
        another release that the harness asks for.

        Args:
            model: A torch module.
            seed: As of `inject`; None keeps the release's own start values, which makes them a part of what is
                compared.
            names: As of `inject`.

        Returns:
            The digest to expect; None without a seed.
        """
        self._own_start = seed is None
        expected = None if seed is None else inject(model, seed, names=names)
        self._transplants.on_model(model)
        return expected

    def begin(
        self,
        model: Any = None,
        optimizer: Any = None,
        *,
        watch: dict[str, str] | None = None,
        groups: dict[str, str] | None = None,
        batches: Any = None,
        expected: str | None = None,
        scaler: Any = None,
        float8: bool = False,
    ) -> None:
        """Record what training starts from; from here on an error belongs to the training.

        Args:
            model: A torch module, or None where only numbers are recorded.
            optimizer: What trains it.
            watch: Label to canonical name of a parameter to describe in every phase.
            groups: Label to pattern of canonical names whose trained parameters are measured together.
            batches: All batches, in order, as a list; for their digest.
            expected: What `prepare` or `inject` returned.
            scaler: A loss scale that adapts itself, such as torch.amp.GradScaler: what has `get_scale()`. Call
                `backward` before its `unscale_`.
            float8: Record what conversions into 8-bit floating point numbers lose. Every operation takes longer then.
        """
        watchpoint.finish(model, self._lines.write)
        if model is not None:
            from .meter import Meter

            if optimizer is not None:
                self._transplants.on_optimizer(optimizer)
            counted = census(model, optimizer, own_start=self._own_start)
            self._lines.write("census", **counted, configs=self._configs)
            self._meter = Meter(model, optimizer, watch or {}, groups or {}, every=self._every, scaler=scaler)
            if self._compared:
                from .replicas import Replicas

                self._replicas = Replicas(model, self._lines.write)
            if self._frame_steps:
                from .frames import Frames

                self._frames = Frames(
                    model, optimizer, self._frame_steps, partial(self._lines.write, "frame")
                )
        if self._asked_operations is not None:
            from .operations import Operations

            write = partial(self._lines.write, "operation")
            self._operations = Operations(self._asked_operations, model, lambda: self._phase, write)
        self._lines.write(
            "identity",
            start=start_digest(model) if model is not None and not self._own_start else None,
            batches=digest(batches) if batches is not None else None,
            expected=expected,
        )
        self._lines.write("training")
        self._training_since = self._flushed = time.monotonic()
        on_gpu = str(next(model.parameters()).device if model is not None else self._device).startswith(
            "cuda"
        )
        self._clock.restart(whole=on_gpu)
        if float8:
            from .casts import Casts

            self._casts = Casts()
            self._casts.__enter__()
        self._follow_operations()
        profiled.reached("training")

    def attach(
        self,
        model: Any,
        optimizer: Any,
        *,
        groups: dict[str, str] | None = None,
        **start: Any,
    ) -> Attached:
        """Begin, and follow the optimizer: in place of `begin`, `forward`, `backward` and `step`.

        The job calls `loss` alone. The trace is the one of the explicit calls, where these stand right before and
        after `optimizer.step()`: gradients are then as after unscaling and clipping. What a GradScaler leaves out
        is not seen to be a step; under one, use the explicit calls.

        Args:
            model: A torch module.
            optimizer: What trains it.
            groups: As of `begin`; by default all trained parameters together, as `trained`. Of each group five
                copies in float32 are kept; `{}` keeps none.
            **start: `watch`, `batches` and `expected`, as of `begin`.

        Raises:
            RecorderMisusedError: A second training; a recorder records one. Or a `scaler`, whose steps are not all seen.
        """
        if start.get("scaler") is not None:
            raise RecorderMisusedError(
                "attach does not see what a GradScaler leaves out: call begin, forward, backward, step"
            )
        if self._training_since is not None:
            raise RecorderMisusedError("this recorder has begun already: it records one training")
        self.begin(model, optimizer, groups=EVERYTHING if groups is None else groups, **start)
        self._attached = Attached(self, optimizer)
        return self._attached

    def loss(self, loss: Any) -> None:
        """Say that a forward pass is done, and its raw loss, after `attach`.

        Where several make one step of the optimizer, their mean is its loss.
        """
        if self._attached is None:
            raise RecorderMisusedError(
                "recorder.loss(loss) needs recorder.attach(model, optimizer) before it"
            )
        self._attached.loss(loss)

    def output(self, name: str, value: Any) -> None:
        """Record a value that another release is expected to give as well; the oracle `output` compares them.

        Args:
            name: As `logits`. Under the same name again, it is another output, compared in order.
            value: A tensor, an array, a number, a text, or lists and dictionaries of them.

        Raises:
            TypeError: Something else is in it.
        """
        from .outputs import leaves

        with self._clock:
            for leaf in leaves(str(name), value):
                self._lines.write("output", **leaf)

    def forward(self, loss: Any) -> None:
        """Say that the forward pass is done, and its raw loss: a tensor or a number, before any scaling."""
        with self._clock:
            self._leave("forward")
            self._loss = loss.detach() if hasattr(loss, "detach") else loss
            if self._frames is not None:
                self._frames.loss(loss)
            if self._meter is not None:
                self._meter.forward()

    def backward(self) -> None:
        """Say that the backward pass is done."""
        with self._clock:
            self._leave("backward")
            if self._frames is not None:
                self._frames.backward()
            if self._meter is not None:
                self._meter.backward()

    def step(self, loss: Any = None, **signals: float) -> None:
        """Say that the optimizer's step is done, and with it the whole step.

        Args:
            loss: For jobs that do not call `forward`.
            **signals: Further numbers to record with this step; `tokens` makes `tokens_per_second` a metric.
        """
        with self._clock:
            casts = self._casts.step() if self._casts is not None else {}
            self._step(loss, {**casts, **compiler.counted(), **signals})
        self._follow_operations()

    def _follow_operations(self) -> None:
        """Record the operations of the next step, if it is the one that is asked about.

        Raises:
            SystemExit: Its operations are recorded: nothing is left to be learnt from the job.
        """
        if self._operations is None:
            return
        if self.steps == self._operations.step:
            self._operations.__exit__(None, None, None)
            raise SystemExit(0)
        if self.steps == self._operations.step - 1:
            self._operations.__enter__()

    def _step(self, loss: Any, signals: dict[str, float]) -> None:
        if self._meter is not None:
            self._leave("optimizer")
        if self._frames is not None:
            self._frames.step()
        self._phase = "forward"
        self.steps += 1
        if self._replicas is not None:
            self._replicas.step(self.steps)
        loss, self._loss = self._loss if loss is None else loss, None
        spoiled: list[str] = []
        if self._meter is not None:
            loss, spoiled = self._meter.step(loss)
        elif loss is not None:
            loss = float(loss)
        if loss is not None and not math.isfinite(loss):
            spoiled = ["loss", *spoiled]
        numbers = {name: float(value) for name, value in signals.items()}
        self._waiting.append((self.steps, loss, numbers, self._clock.step()))
        news = [what for what in spoiled if what not in self._seen]
        if (
            news
            or self._meter is None
            or self._meter.full
            or time.monotonic() - self._flushed > _LONGEST_WAIT
        ):
            self._flush()
        for what in news:
            self._report(what)
        # A job that is about to end by itself is let do so: it has been executed as a whole.
        if self.steps == self._prefix and self.stopped is None:
            self._end_of_prefix()

    def _end_of_prefix(self) -> None:
        """End the process after its first steps, unless the harness wants more of it."""
        self._flush()
        if not goes_on():
            self._write_end(None, prefix=self.steps)
            self._lines.close()
            leave()

    def _leave(self, phase: str) -> None:
        if self._phase not in _IN_PROGRESS[phase]:
            raise RecorderMisusedError(
                f"step {self.steps + 1}: the recorder was told of the end of {phase} during {self._phase}; "
                "call forward(loss), backward() and step() in this order"
            )
        self._phase = _NEXT[phase]

    def _flush(self) -> None:
        """Write the steps that wait to be written."""
        measured = self._meter.columns if self._meter is not None else []
        rows = self._meter.rows() if self._meter is not None else [[] for _ in self._waiting]
        for (step, loss, signals, seconds), row in zip(self._waiting, rows):
            columns = self._columns or ["loss", *measured]
            columns = columns + [name for name in signals if name not in columns]
            if columns != self._columns:
                self._columns = columns
                self._lines.write("columns", names=columns)
            extra = [signals.get(name) for name in columns[1 + len(measured) :]]
            self._lines.write("step", step=step, values=[loss, *row, *extra], seconds=seconds)
        self._waiting.clear()
        self._flushed = time.monotonic()

    def _report(self, what: str) -> None:
        """Write the first non-finite loss, gradient or weight."""
        self._seen.add(what)
        where = (
            {"parameter": None, "count": 1, "of": 1} if what == "loss" else self._meter.first_nonfinite(what)
        )
        self._lines.write("nonfinite", step=self.steps, phase=_PHASE_OF[what], what=what, **where)
        if self._stop_early and what != "gradient" and self.stopped is None:
            self.stopped = f"non-finite {what} at step {self.steps}"

    def _write_error(self, error: Exception) -> None:
        training = self._training_since is not None
        self._lines.write(
            "error",
            step=self.steps + 1 if training else None,
            phase=self._phase if training else None,
            **describe_error(error),
        )
        with contextlib.suppress(AttributeError):  # an exception may forbid new attributes
            error._harness_told = True  # type: ignore[attr-defined] # noqa: SLF001 - our own mark on it

    def _write_end(self, error: Exception | None, **more: Any) -> None:
        since = self._training_since
        reason = f"stopped: {self.stopped}" if self.stopped else "finished"
        reason = f"stopped: {more['prefix']} steps were asked for" if more else reason
        self._lines.write(
            "end",
            reason=f"failed: {type(error).__name__}" if error is not None else reason,
            **more,
            steps=self.steps,
            seconds={
                "import": self._import_seconds,
                "training": time.monotonic() - since if since is not None else None,
            },
            **host.memory_peak(),
        )


def _plain(value: Any) -> Any:
    """Return a number, a switch, a text or a list of them; None for anything else."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (set, frozenset)):
        value = sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return list(value) if all(isinstance(item, (bool, int, float, str)) for item in value) else None
    return value if isinstance(value, (bool, int, float, str)) else None
