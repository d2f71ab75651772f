"""Two ways to start a probe: a clean interpreter of its own, or a child of a warm parent."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.failures import check_space
from harness.probes import sandbox
from harness.probes.devices import Devices
from harness.probes.probe import HASH_SEED
from harness.probes.process import collecting, how_it_ended
from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.environments.environment import Environment
    from harness.probes.probe import Execution, Probe
    from harness.probes.process import Processes

_LOOKED_AT_ONLY = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
"""Lets a library ask torch, as it is loaded, whether there is a GPU, without initialising CUDA in the warm parent."""

_READY_WITHIN = 300.0
"""Seconds that loading the shared libraries may take."""


class Launcher(Protocol):
    """Runs one probe to its end."""

    def launch(self, probe: Probe, environment: Environment, folder: Path) -> tuple[Execution, bytes]:
        """Run `probe`; its trace goes to `folder`/trace.jsonl. Returns how it ended, and its output."""


class CleanLauncher:
    """Starts every probe in a fresh interpreter.

    Args:
        processes: Knows them.
        devices: Lends one to each.
    """

    def __init__(self, processes: Processes, devices: Devices | None = None) -> None:
        self.processes = processes
        self.devices = devices or Devices()

    def launch(self, probe: Probe, environment: Environment, folder: Path) -> tuple[Execution, bytes]:
        """Run the job with the environment's own interpreter."""
        with scratch(folder) as home, self.devices.lease() as device:
            return self.processes.run(
                probe.command_line(environment.python),
                timeout=probe.timeout,
                folder=probe.folder or home,
                environment={**_variables(probe, environment, home, folder), **device},
            )


class WarmParentGoneError(Exception):
    """The warm parent cannot serve a probe; carries why."""


class WarmLauncher:
    """Forks every probe from one process that has loaded what all environments share.

    It serves environments that differ from its own in the layer alone; `harness_warm` tells the protocol.

    Args:
        host: An environment on the common base; its release's modules are never imported by the parent.
        job: Script whose import statements say what to load.
        threads: CPU threads, pinned before anything is loaded.
        processes: Knows the children.
        devices: Lends one to each child.
        variables: Environment variables that every child gets besides: what is loaded may read them at once, and
            Python reads its hash seed as it starts.
    """

    def __init__(
        self,
        host: Environment,
        job: Path,
        threads: int,
        processes: Processes,
        devices: Devices | None = None,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.processes = processes
        self.devices = devices or Devices()
        self._folder = Path(tempfile.mkdtemp(prefix="harness-warm-"))
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {0: queue.Queue()}
        self._lock = threading.Lock()
        self._count = 0
        reading, writing = os.pipe()
        layer = site_packages(host.folder)
        with (self._folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [host.python, RECORDER / "harness_warm.py", str(writing), job, layer, *modules(layer)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={
                    **sandbox.variables(self._folder, threads=threads, trace=None),
                    **_LOOKED_AT_ONLY,
                    **(variables or {}),
                },
                pass_fds=(writing,),
                start_new_session=True,
            )
        os.close(writing)
        threading.Thread(target=self._listen, args=(reading,), daemon=True).start()
        ready = self._answer(0, timeout=_READY_WITHIN)
        self.seconds = float(ready["ready"])

    def close(self) -> None:
        """End the parent and what it forked."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def launch(self, probe: Probe, environment: Environment, folder: Path) -> tuple[Execution, bytes]:
        """Run the job in a forked child.

        Raises:
            WarmParentGoneError: The parent refuses, or is gone.
        """
        pipe = folder / "output.fifo"
        os.mkfifo(pipe)
        with scratch(folder) as home, self.devices.lease() as device:
            request = {
                "layer": str(site_packages(environment.folder)),
                "python": str(environment.python),
                "prefix": str(environment.folder),
                "arguments": probe.arguments(),
                "variables": {**_variables(probe, environment, home, folder), **device},
                "folder": str(probe.folder or home),
                "output": str(pipe),
            }
            started = time.monotonic()
            number = self._next_number()
            with (
                collecting(lambda: _readable(pipe)) as output,
                _released(pipe),
                self.processes.limited(lambda: self._fork(number, request), probe.timeout) as late,
            ):
                end = self._answer(number)
        pipe.unlink()
        seconds = time.monotonic() - started
        execution = how_it_ended(
            end["status"], late=late.is_set(), seconds=seconds, memory_peak=end["memory_peak"], start="warm"
        )
        return execution, output.content()

    def _next_number(self) -> int:
        with self._lock:
            self._count += 1
            self._answers[self._count] = queue.Queue()
            return self._count

    def _fork(self, number: int, request: dict[str, Any]) -> int:
        line = json.dumps({"id": number, **request}) + "\n"
        try:
            assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
            with self._lock:
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
        except OSError as error:
            raise WarmParentGoneError(f"the warm parent is gone ({error})") from error
        answer = self._answer(number)
        if "refused" in answer:
            raise WarmParentGoneError(f"the warm parent refuses: {answer['refused']}")
        return int(answer["pid"])

    def _answer(self, number: int, timeout: float | None = None) -> dict[str, Any]:
        try:
            answer = self._answers[number].get(timeout=timeout)
        except queue.Empty:
            answer = {"gone": f"not ready after {timeout:.0f} s"}
        if "gone" in answer:
            raise WarmParentGoneError(f"the warm parent is gone: {answer['gone']}")
        return answer

    def _listen(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8") as answers:
            for line in answers:
                answer = json.loads(line)
                self._answers[answer.get("id", 0)].put(answer)
        try:
            log = (self._folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # `close` was quicker, and nobody waits any more
            log = ""
        said = log.splitlines()[-1] if log else "it said nothing"
        with self._lock:
            for waiting in self._answers.values():
                waiting.put({"gone": said})


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield a scratch folder that is a probe's home and working folder, and remove it afterwards.

    Raises:
        MachineError: The disk is full at the end, so that the trace may be cut off.
    """
    home = folder / "scratch"
    home.mkdir()
    try:
        yield home
        check_space(folder)  # before the scratch folder goes: what filled the disk may lie in it
    finally:
        shutil.rmtree(home, ignore_errors=True)


def site_packages(folder: Path) -> Path:
    """Return the folder of a virtual environment that its packages are in."""
    return next((folder / "lib").glob("python*/site-packages"))


def modules(layer: Path) -> list[str]:
    """Return the top-level modules that a layer brings."""
    entries = (path for path in layer.iterdir() if not path.name.startswith("_"))
    names = {
        path.name.partition(".")[0] for path in entries if path.is_dir() or path.suffix in {".py", ".so"}
    }
    return sorted(name for name in names if name.isidentifier())


def _variables(probe: Probe, environment: Environment, home: Path, folder: Path) -> dict[str, str]:
    trace = folder / "trace.jsonl"
    variables = sandbox.variables(
        home, threads=probe.threads, trace=trace, instructions=probe.instructions, online=probe.online
    )
    programs = [str(environment.python.parent), *filter(None, [variables.get("PATH")])]
    return {
        **variables,
        "PATH": os.pathsep.join(programs),
        "VIRTUAL_ENV": str(environment.python.parent.parent),
        "HARNESS_SEED": str(probe.seed),
        "HARNESS_DEVICE": probe.device,
        **probe.variables,
        HASH_SEED: probe.hash_seed,
    }


def _readable(pipe: Path) -> int:
    """Open a child's output; one that was cancelled before its reader came to it leaves none."""
    try:
        return os.open(pipe, os.O_RDONLY)
    except FileNotFoundError:
        return os.open(os.devnull, os.O_RDONLY)


@contextlib.contextmanager
def _released(pipe: Path) -> Iterator[None]:
    """Let go a reader that still waits for a writer: a child may die before it opens its output."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
