"""The connection to a dask cluster, and how many probes fit into it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, ToolMissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONNECT = 10.0
"""Seconds in which a scheduler must answer."""
_FAREWELL = 10.0
"""Seconds that telling all workers something may take."""
GPU = "GPU"
"""Name of the workers' resource that stands for a GPU slot."""


class Cluster:
    """A cluster's scheduler, and the workers that it knows.

    Args:
        address: As `tcp://host:8786`, or a scheduler's file.

    Raises:
        ToolMissingError: dask is not installed.
        HarnessError: The scheduler does not answer in time.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client  # noqa: PLC0415 - an extra
        except ImportError:
            raise ToolMissingError(
                '--executor dask: dask is not installed: python -m pip install "training-bisect[dask]"'
            ) from None
        for name in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what a user must know is told by the harness
        where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
        try:
            self.client = Client(**where, timeout=CONNECT, set_as_default=False, name="harness")
        except (OSError, ValueError, TypeError) as error:
            raise HarnessError(
                f"--scheduler {address}: no dask scheduler answers there ({str(error) or type(error).__name__}); "
                "start one with `dask scheduler`, or correct the address"
            ) from None
        self.address = address

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return {address: facts} of the workers there are now."""
        return dict(self.client.scheduler_info()["workers"])

    def wait(self, told: Callable[[str], None]) -> None:
        """Wait until there is a worker: a batch system may take its time."""
        if not self.workers():
            told(f"waiting for the first worker of {self.address}")
        while not self.workers():
            time.sleep(0.5)

    def device(self, wanted: str) -> str:
        """Return `cuda` if that is wanted, or workers have GPUs and nothing is; else `cpu`.

        Raises:
            UsageError: It is wanted and no worker has a GPU.
        """
        if wanted == "cuda" and not self._gpus():
            raise UsageError(
                f"--device cuda: no worker of {self.address} has a GPU; start them with --resources {GPU}=1"
            )
        return "cuda" if wanted != "cpu" and self._gpus() else "cpu"

    def slots(self, device: str, threads: int, ranks: int = 1) -> int:
        """Return how many probes run at a time: one rank a GPU, else as many as the workers' threads allow."""
        if device == "cuda":
            return max(1, sum(gpus // ranks for gpus in self._gpus_of_workers()))
        return sum(max(1, facts["nthreads"] // (threads * ranks)) for facts in self.workers().values())

    def tell(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function on all workers; those that do not answer in time are left alone."""

        def call() -> None:
            with contextlib.suppress(Exception):
                self.client.run(function, *arguments, on_error="ignore")

        _in_time(call)

    def cancel(self, futures: Sequence[Any]) -> None:
        """Cancel what waits or runs."""

        def call() -> None:
            with contextlib.suppress(Exception):
                self.client.cancel(futures, force=True)

        _in_time(call)

    def close(self) -> None:
        """Let go of the connection."""
        _in_time(lambda: self.client.close(timeout=_FAREWELL))

    def _gpus(self) -> int:
        return sum(self._gpus_of_workers())

    def _gpus_of_workers(self) -> list[int]:
        return [int(facts["resources"].get(GPU, 0)) for facts in self.workers().values()]


def _in_time(call: Callable[[], object]) -> None:
    """Call in a thread of its own, which is left behind should the cluster not answer."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(_FAREWELL)
