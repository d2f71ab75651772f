"""The workers of a dask cluster as an executor: orders out, results back into the one store."""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.executors.cluster import GPU, Cluster
from harness.executors.executor import NotExecuted
from harness.executors.order import About, Answer, Kind, Order, identity, pack
from harness.verdicts.verdict import SkipKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.locks.lock import Lock
    from harness.probes.probe import Probe
    from harness.probes.store import Result, Store

_LOOK = 1.0
"""Seconds between two looks at whether all was cancelled."""
_COUNT = 5.0
"""Seconds between two looks at whether there are workers."""
_LOST = 60.0
"""Seconds without a scheduler after which it is given up; dask's client reconnects by itself meanwhile."""


class Remote:
    """Sends each probe to a worker that is free.

    A worker that dies in mid-probe loses nothing: the scheduler gives its probes to others. A probe whose workers
    die again and again (dask's `allowed-failures`) is not executed. A worker that can make no environment of the
    run, or has another harness, is told and left out.

    Args:
        cluster: The connection.
        about: What all orders of the run have in common.
        store: Where results go.
        slots: Probes at a time.
        told: Is told at once what goes into the notes.
        warm: Whether warm starts are allowed.
    """

    slots: int | None
    not_isolated = ""  # each worker knows of itself, and its executions tell what held

    def __init__(
        self,
        cluster: Cluster,
        about: About,
        store: Store,
        slots: int,
        told: Callable[[str], None],
        *,
        warm: bool,
    ) -> None:
        self.slots = slots
        self.notes: list[str] = []
        self._cluster = cluster
        self._about = about
        self._warm = warm
        self._store = store
        self._told = told
        self._lock = threading.Lock()
        self._futures: set[Any] = set()
        self._unfit: dict[str, str] = {}
        self._machines: dict[str, str] = {}
        self._cancelled = False
        self._looked = time.monotonic()
        self._alone = False

    def execute(self, probe: Probe, lock: Lock) -> Result | NotExecuted:
        """Have a probe executed by any worker, and take its result into the store."""
        files: bytes | None = None
        workers: list[str] | None = None
        while True:
            answer = self._ask(
                Order(self._about, replace(probe, goes_on=None), lock, self._warm, files), workers
            )
            if isinstance(answer, NotExecuted):
                return answer
            if answer is None:
                workers = None
                continue
            self._hear(answer)
            if answer.kind == Kind.RESULT:
                result = self._store.receive(probe.digest, probe.repeat, answer.files)
                if result is not None:
                    return result
                raise HarnessError(
                    f"worker {answer.worker} sent a result that cannot be read; look into its log"
                )
            if answer.kind == Kind.NOT_EXECUTED:
                return NotExecuted(answer.reason)
            if answer.kind == Kind.CANCELLED:
                raise KeyboardInterrupt
            if answer.kind == Kind.NEEDS_FILES:
                files = pack(self._about.scenario)  # for whichever worker: this one may die meanwhile
            else:
                workers = self._fit()

    def repaired(self) -> bool:
        """Return no: workers look after their own environments."""
        return False

    @property
    def warm(self) -> bool:
        """Whether first executions may start from a warm parent."""
        return self._warm

    def give_up_warm(self, why: str) -> None:
        """Start everything in clean processes from now on."""
        with self._lock:
            if self._warm and why:
                self.notes.append(f"all executions from here on ran in clean processes: {why}")
            self._warm = False

    def host(self) -> dict[str, str]:
        """Return the workers' processors, and who executed."""
        processors = sorted(set(self._machines.values()))
        machines = ", ".join(sorted(self._machines))
        return {"cpu": "; ".join(processors), "executor": f"dask, {machines}"} if processors else {}

    def cancel(self) -> None:
        """Cancel what waits, and end what runs on the workers."""
        from harness.executors import worker  # noqa: PLC0415 - needs dask

        self._cancelled = True
        with self._lock:
            futures = list(self._futures)
        self._cluster.cancel(futures)
        self._cluster.tell(worker.cancel, self._about.run)

    def close(self) -> None:
        """Let the workers go of what they hold for this run."""
        from harness.executors import worker  # noqa: PLC0415 - needs dask

        self._cluster.tell(worker.close, self._about.run)
        if len(set(self._machines.values())) > 1:
            named = "; ".join(f"{host}: {name}" for host, name in sorted(self._machines.items()))
            self.notes.append(f"probes ran on different processors, and traces may differ for that: {named}")

    def _ask(self, order: Order, workers: list[str] | None) -> Answer | NotExecuted | None:
        """Send an order and wait for its answer; None if all workers that it was meant for are gone."""
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        from harness.executors import worker  # noqa: PLC0415 - needs dask

        if self._cancelled:
            raise KeyboardInterrupt
        future = self._cluster.client.submit(
            worker.execute,
            identity(),
            pickle.dumps(order),
            key=f"harness-{order.probe.digest[:12]}-{order.probe.repeat}-{uuid.uuid4().hex[:8]}",
            pure=False,
            resources={GPU: order.probe.ranks} if order.probe.device == "cuda" else None,
            workers=workers,
        )
        with self._lock:
            self._futures.add(future)
        try:
            return self._wait(future, workers)
        except KilledWorker as error:
            died = error.allowed_failures + 1
            return NotExecuted(
                f"{died} workers died of it or with it, the last one {error.last_worker.address}",
                SkipKind.KILLED,
            )
        except CancelledError:
            if self._cancelled:
                raise KeyboardInterrupt from None
            raise HarnessError(self._gone()) from None
        except HarnessError:
            raise
        except Exception as error:
            raise HarnessError(
                f"a worker of {self._cluster.address} cannot take an order ({type(error).__name__}: {error}); "
                f"scheduler and workers need the same training-bisect[dask] as this machine, {identity()}"
            ) from error
        finally:
            with self._lock:
                self._futures.discard(future)
            future.release()

    def _wait(self, future: Any, workers: list[str] | None) -> Answer | None:
        seen = looked = time.monotonic()
        while True:
            try:
                return future.result(timeout=_LOOK)  # type: ignore[no-any-return]
            except TimeoutError:
                if self._cancelled:
                    raise KeyboardInterrupt from None
                if self._cluster.client.status == "running":
                    seen = time.monotonic()
                    self._look_for_workers()
                    if workers and seen - looked > _COUNT:
                        looked = seen
                        if not self._cluster.workers().keys() & set(workers):
                            self._cluster.cancel([future])
                            return None
                elif time.monotonic() - seen > _LOST:
                    raise HarnessError(self._gone()) from None

    def _look_for_workers(self) -> None:
        """Tell when there is no worker any more: what was ordered waits for the next one."""
        with self._lock:
            if time.monotonic() - self._looked < _COUNT:
                return
            self._looked = time.monotonic()
        try:
            alone = not self._cluster.workers()
        except Exception:  # noqa: BLE001 - the scheduler is away, which is seen by the client's status
            return
        if alone and not self._alone:
            self._told(f"warning: no worker of {self._cluster.address} is left, waiting for one")
        self._alone = alone

    def _gone(self) -> str:
        return (
            f"the dask scheduler {self._cluster.address} is gone; what was executed is stored: "
            "start it and its workers again, and the same command goes on"
        )

    def _hear(self, answer: Answer) -> None:
        """Take in what an answer tells of its worker."""
        with self._lock:
            if answer.kind in (Kind.RESULT, Kind.NOT_EXECUTED):
                self._machines[answer.host] = answer.processor
            notes = list(answer.notes)
            if answer.kind == Kind.UNFIT:
                self._unfit[answer.worker] = answer.reason
                notes.append(f"worker {answer.worker} on {answer.host} was left out: {answer.reason}")
            for note in notes:
                if note not in self.notes:
                    self.notes.append(note)
                    self._told(f"warning: {note}")

    def _fit(self) -> list[str]:
        """Return the workers that are not known to be unfit.

        Raises:
            HarnessError: There is none.
        """
        found = [address for address in self._cluster.workers() if address not in self._unfit]
        if not found:
            said = "; ".join(f"{address}: {reason}" for address, reason in self._unfit.items())
            raise HarnessError(f"no worker of {self._cluster.address} can execute a probe: {said}")
        return found
