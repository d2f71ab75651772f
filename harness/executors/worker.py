"""What runs on a worker of the cluster: environments, jobs and probes in the worker's own state directory.

The state directory is `$HARNESS_HOME` of the worker's process, else a folder in its local directory, which goes with it.
"""

from __future__ import annotations

import functools
import os
import pickle
import platform
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import get_worker

from harness.environments.environment import Environments, NotInstallable
from harness.environments.evict import evict
from harness.errors import HarnessError, ToolMissingError
from harness.executors.launchers import Launchers
from harness.executors.order import About, Answer, Kind, Order, identity, unpack
from harness.files import whole_folder
from harness.locks.interpreter import find_interpreter
from harness.locks.torch import choose_torch
from harness.machine import processor
from harness.probes.devices import Devices, visible
from harness.probes.isolation import choose_isolation
from harness.probes.store import FILES, Store
from harness.releases.settings import read_settings
from harness.state import State
from harness.uv import Uv

if TYPE_CHECKING:
    from harness.locks.interpreter import Interpreter
    from harness.locks.lock import Lock
    from harness.locks.torch import TorchSource
    from harness.scenario import Scenario

_IDLE = 300.0
"""Seconds without an order after which a run's warm parent is ended: its client may have been killed."""


class Bench:
    """What a worker holds for one run.

    Raises:
        HarnessError: This worker can execute nothing of the run.
    """

    def __init__(self, order: Order, state: State, scenario: Scenario) -> None:
        about, settings = order.about, read_settings()
        uv = Uv(settings.uv_environment, confined=about.isolation != "none")
        torch = _torch(about, state)
        interpreter = (
            torch.host.interpreter if torch.host else find_interpreter(f"=={order.lock.python}.*", uv)
        )
        _check(order.lock, interpreter, torch)
        self.state = state
        self.scenario = scenario
        self.environments = Environments(
            about.package, interpreter, torch, uv, state, settings=settings, shared=[about.base]
        )
        self.launchers = Launchers(
            scenario,
            about.package,
            about.reference,
            self.environments,
            warm=order.warm,
            devices=_devices() if order.probe.device == "cuda" else Devices(),
            isolation=choose_isolation(about.isolation, about.memory),
        )
        self._cap = about.cap
        self._lock = threading.Lock()
        self._busy = 0
        self._idle: threading.Timer | None = None

    def execute(self, order: Order) -> tuple[Kind, str, dict[str, bytes]]:
        """Execute an order; return what became of it, why, and the result's files."""
        folder = self.scenario.folder if order.probe.folder else None
        probe = replace(order.probe, job=self.scenario.job, folder=folder)
        if not order.warm:
            self.launchers.give_up("another worker's warm start showed")
        with self._lock:
            self._busy += 1
        try:
            made = self.environments.ensure(order.lock)
            if isinstance(made, NotInstallable):
                return Kind.NOT_EXECUTED, f"cannot be installed: {made.reason}", {}
            with tempfile.TemporaryDirectory(prefix="results-", dir=self.state.root) as state:
                result = self.launchers.execute(probe, order.lock, made, Store(State(Path(state))))
                paths = (result.folder / name for name in FILES)
                return Kind.RESULT, "", {path.name: path.read_bytes() for path in paths if path.exists()}
        finally:
            self._rest(order.about.run)

    def close(self) -> None:
        """End the warm parent, and remove the environments that are too many."""
        if self._idle is not None:
            self._idle.cancel()
        self.launchers.close()
        if self.environments.made:
            evict(self.state.environments, cap=self._cap)

    def _rest(self, run: str) -> None:
        with self._lock:
            self._busy -= 1
            if self._idle is not None:
                self._idle.cancel()
            self._idle = threading.Timer(_IDLE, self._tidy, (run,))
            self._idle.daemon = True
            self._idle.start()

    def _tidy(self, run: str) -> None:
        if not self._busy:
            close(run)


_benches: dict[str, Bench] = {}
_cancelled: set[str] = set()
_making = threading.Lock()


def execute(asked_by: str, packed: bytes) -> Answer:
    """Execute an order.

    Args:
        asked_by: What `identity` is where the order comes from.
        packed: The order; it is opened only if this is the same harness.
    """
    answer = Answer(Kind.UNFIT, get_worker().address, host=platform.node(), processor=processor())
    if asked_by != identity():
        return replace(answer, reason=f"it has harness {identity()}, and the run is asked by {asked_by}")
    order: Order = pickle.loads(packed)  # noqa: S301 - dask itself lets its clients run any code
    if order.about.run in _cancelled:
        return replace(answer, kind=Kind.CANCELLED)
    try:
        bench = _bench(order)
        if bench is None:
            return replace(answer, kind=Kind.NEEDS_FILES)
        kind, reason, files = bench.execute(order)
    except KeyboardInterrupt:  # from `cancel`; an executor's thread must not die of it
        return replace(answer, kind=Kind.CANCELLED)
    except (HarnessError, OSError) as error:
        return replace(answer, reason=str(error))
    notes = tuple(f"worker {answer.worker}: {note}" for note in bench.launchers.notes if order.warm)
    return replace(answer, kind=kind, reason=reason, files=files, notes=notes)


def cancel(run: str) -> None:
    """End every running probe of a run, and let none start any more."""
    _cancelled.add(run)
    bench = _benches.get(run)
    if bench is not None:
        bench.launchers.processes.cancel()


def close(run: str) -> None:
    """Let go of what is held for a run; another order of it begins anew."""
    with _making:
        bench = _benches.pop(run, None)
    if bench is not None:
        bench.close()


def _bench(order: Order) -> Bench | None:
    """Return what is held for the order's run, made if it is not there; None without the job's files."""
    with _making:
        if order.about.run in _benches:
            return _benches[order.about.run]
        root = os.environ.get("HARNESS_HOME") or Path(get_worker().local_directory) / "harness"
        state = State(Path(root).absolute())
        folder = state.jobs / order.probe.job_digest
        if not folder.is_dir():
            if order.files is None:
                return None
            with whole_folder(folder) as new:
                unpack(order.files, new)
        scenario = order.about.scenario
        job = folder / scenario.job.relative_to(scenario.folder) if scenario.job else None
        bench = Bench(order, state, replace(scenario, folder=folder, job=job))
        _benches[order.about.run] = bench
        return bench


@functools.cache
def _devices() -> Devices:
    """Return this worker's GPUs, lent to the probes of all runs: those of its CUDA_VISIBLE_DEVICES, else all."""
    return Devices(visible())


def _torch(about: About, state: State) -> TorchSource:
    """Return where torch comes from; a host's torch is this worker's own, and must be of the same version."""
    if about.torch.host is None:
        return about.torch
    own = choose_torch("host", read_settings(), state)
    wanted, here = about.torch.host.version, own.host.version if own.host else None
    if here != wanted:
        raise ToolMissingError(f"its own torch is {here}, and the locks are made for {wanted}")
    return own


def _check(lock: Lock, interpreter: Interpreter, torch: TorchSource) -> None:
    wanted, here = (lock.python, lock.platform), (interpreter.minor, interpreter.platform)
    if wanted != here:
        raise ToolMissingError(
            f"the locks are made for Python {wanted[0]} on {wanted[1]}, and it has Python {here[0]} on {here[1]}"
            + (", which its torch is installed for" if torch.host else "")
        )
