"""A real dask scheduler and real workers, processes of their own on the loopback interface."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path


class LoopbackCluster:
    """A scheduler and its workers; every worker has a state directory of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen] = {}

    def __enter__(self):
        self.folder.mkdir(parents=True)
        facts = self.folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--scheduler-file", str(facts))
        deadline = time.monotonic() + 60
        while not facts.exists() or not facts.read_text().strip():
            assert time.monotonic() < deadline
            assert self.processes["scheduler"].poll() is None
            time.sleep(0.05)
        self.address = json.loads(facts.read_text())["address"]
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()

    def worker(self, name: str, *options: str, **variables: str) -> None:
        """Start a worker with one slot; it is there when this returns."""
        state = {"HARNESS_HOME": str(self.state(name)), **variables}
        words = (self.address, "--no-nanny", "--nthreads", "1", "--name", name, "--memory-limit", "0")
        folder = ("--local-directory", str(self.folder / name))
        self._start("worker", *words, *folder, *options, name=name, variables=state)
        deadline, log = time.monotonic() + 60, self.folder / f"{name}.log"
        while "Registered to" not in log.read_text(encoding="utf-8", errors="replace"):
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.05)

    def state(self, name: str) -> Path:
        return self.folder / f"home-{name}"

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def busy(self, names) -> str:
        """Wait until one of the workers is in the middle of a probe that has begun to record, and return its name."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            for name in names:
                with contextlib.suppress(OSError):
                    for trace in self.state(name).glob("results-*/probes/*/.*/trace.jsonl"):
                        if trace.stat().st_size:
                            return name
            time.sleep(0.02)
        raise AssertionError("no worker ever executed a probe")

    def _start(self, kind, *words, name=None, variables=None):
        log = (self.folder / f"{name or kind}.log").open("wb")
        with log:
            self.processes[name or kind] = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *words, "--host", "127.0.0.1", "--no-dashboard"],
                stdout=log,
                stderr=log,
                env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1", **(variables or {})},
            )


def probes_left(cluster, worker=""):
    """Return the processes that name the state directory of a worker, or of any."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(cluster.state(worker)) in word for word in process.info["cmdline"] or ())
    ]
