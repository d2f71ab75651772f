"""Two ways to start a probe: a clean interpreter of its own, or a child of a warm parent."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from harness.environments.environment import LINK_TO_BASE
from harness.failures import check_space
from harness.probes import ranks, sandbox
from harness.probes.answering import answering
from harness.probes.answering import variables as listens
from harness.probes.devices import Devices
from harness.probes.isolation import confined
from harness.probes.parent import Parent, ParentGoneError
from harness.probes.probe import HASH_SEED
from harness.probes.process import collecting, how_it_ended
from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.environments.environment import Environment
    from harness.probes.isolation import Isolation
    from harness.probes.probe import Execution, Probe
    from harness.probes.process import Processes

_LOOKED_AT_ONLY = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
"""Lets a library ask torch, as it is loaded, whether there is a GPU, without initialising CUDA in the warm parent."""

_OF_TESTS = {"PYTEST_PLUGINS": "harness_recorder.tests", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
"""Let pytest tell of each test, and write no cache into a folder in which other probes run too."""

_TRACE = "trace.jsonl"

_OWN_LINKS = (LINK_TO_BASE, "_virtualenv.pth")
"""Files of every layer: the harness's own, and that of the virtual environment."""


class Launcher(Protocol):
    """Runs one probe to its end.

    Attributes:
        isolation: What is shut off of it.
    """

    @property
    def isolation(self) -> Isolation: ...  # noqa: D102 - an attribute

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

    @property
    def isolation(self) -> Isolation:
        """What is shut off of a probe."""
        return self.processes.isolation

    def launch(self, probe: Probe, environment: Environment, folder: Path) -> tuple[Execution, bytes]:
        """Run the job with the environment's own interpreter.

        A job that ends the parent that started it is killed with it.
        """
        started = time.monotonic()
        parent = self.processes.clean_parent()
        with self.devices.lease(probe.ranks) as device:
            words = probe.command_line(environment.python)
            request = {"command": ranks.command(words, probe, environment.python)}
            try:
                return _run(parent, self.processes, probe, environment, folder, request, device)
            except ParentGoneError:
                seconds = time.monotonic() - started
                killed = how_it_ended(signal.SIGKILL, late=False, seconds=seconds, memory_peak=None)
                return replace(killed, isolation=self.isolation.of(online=probe.online)), b""


class WarmLauncher:
    """Forks every probe from one process that has loaded what all environments share.

    It serves environments that differ from its own in the layer alone; `harness_warm` tells how.

    Args:
        host: An environment on the common base; its release's modules are never imported by the parent.
        job: Script whose import statements say what to load.
        threads: CPU threads, pinned before anything is loaded.
        processes: Knows the children.
        devices: Lends one to each child.
        variables: Environment variables that every child gets besides: what is loaded may read them at once, and
            Python reads its hash seed as it starts.
        online: Whether the children may use the network.

    Raises:
        ParentGoneError: It does not get ready.
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
        online: bool = False,
    ) -> None:
        self.processes = processes
        self.devices = devices or Devices()
        layer = site_packages(host.folder)
        command = [str(host.python), str(RECORDER / "harness_warm.py")]
        if processes.isolation.holds:
            network = "machine" if online else "own"
            command = [sys.executable, "-I", "-S", str(RECORDER / "harness_secluded.py"), network, *command]
        self._parent = Parent(
            "the warm parent",
            command,
            [str(int(bool(processes.isolation.holds))), job, layer, *modules(layer)],
            lambda home: {
                **sandbox.variables(home, threads=threads, trace=None),
                **_LOOKED_AT_ONLY,
                **(variables or {}),
            },
        )
        self.seconds = self._parent.seconds

    @property
    def isolation(self) -> Isolation:
        """What is shut off of a probe."""
        return self.processes.isolation

    def close(self) -> None:
        """End the parent and what it forked."""
        self._parent.close()

    def launch(self, probe: Probe, environment: Environment, folder: Path) -> tuple[Execution, bytes]:
        """Run the job in a forked child.

        Raises:
            ParentGoneError: The parent refuses, or is gone.
        """
        request = {
            "layer": str(site_packages(environment.folder)),
            "python": str(environment.python),
            "prefix": str(environment.folder),
            "arguments": probe.arguments(),
        }
        with self.devices.lease(probe.ranks) as device:
            execution, output = _run(
                self._parent, self.processes, probe, environment, folder, request, device
            )
        return replace(execution, start="warm"), output


def _run(  # noqa: PLR0917 - each is of another type
    parent: Parent,
    processes: Processes,
    probe: Probe,
    environment: Environment,
    folder: Path,
    request: Mapping[str, Any],
    device: Mapping[str, str],
) -> tuple[Execution, bytes]:
    """Have a parent run a probe to its end; `request` says what its kind of parent wants besides."""
    isolation = processes.isolation
    pipe = folder / "output.fifo"
    with contextlib.suppress(FileNotFoundError):
        pipe.unlink()
    os.mkfifo(pipe)
    if "tests" in probe.instructions:  # pytest may end before its plugin is loaded
        (folder / _TRACE).write_text('{"event": "pytest", "status": null}\n', encoding="utf-8")
    with scratch(folder) as home:
        confinement = confined(probe, environment, folder, isolation)
        variables = {
            **_variables(probe, environment, home, folder),
            **ranks.variables(probe, folder, confinement["holds"]),
            **listens(probe),
            **device,
        }
        if "files" in confinement["holds"]:
            variables.pop("TMPDIR", None)  # the probe has a /tmp of its own
        asked = {
            **request,
            "variables": variables,
            "folder": str(probe.folder or home),
            "output": str(pipe),
            "confined": confinement,
        }
        started = time.monotonic()
        with (
            collecting(lambda: _readable(pipe)) as output,
            _released(pipe),
            answering(probe, folder / _TRACE),
            processes.limited(parent, asked, probe.timeout) as (number, late),
        ):
            end = parent.wait(number)
        seconds = time.monotonic() - started
        ranks.merge(folder)
        _keep_trace_alone(folder)
    execution = how_it_ended(
        end["status"], late=late.is_set(), seconds=seconds, memory_peak=end["memory_peak"]
    )
    return replace(execution, isolation=tuple(confinement["holds"])), output.content()


def _keep_trace_alone(folder: Path) -> None:
    """Remove what a job put into the folder of its result besides the trace, and a trace that leads elsewhere."""
    for path in folder.iterdir():
        if path.name == "scratch" or (
            path.name == "trace.jsonl" and path.is_file() and not path.is_symlink()
        ):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield a folder that is a probe's home and working folder; what lies in `scratch` is removed afterwards.

    Raises:
        MachineError: The disk is full at the end, so that the trace may be cut off.
    """
    own = folder / "scratch"
    home = own / "home"
    home.mkdir(parents=True)
    try:
        yield home
        check_space(folder)  # before the scratch folder goes: what filled the disk may lie in it
    finally:
        with contextlib.suppress(OSError):
            (own / "written" / "work" / "work").chmod(0o700)  # the kernel's own, which nobody may look into
        shutil.rmtree(own, ignore_errors=True)


def site_packages(folder: Path) -> Path:
    """Return the folder of a virtual environment that its packages are in."""
    return next((folder / "lib").glob("python*/site-packages"))


def runs_at_start(layer: Path) -> bool:
    """Tell whether a package in a layer has Python run code as it starts, which a forked child never does."""
    return any(
        (path.suffix == ".pth" and path.name not in _OWN_LINKS)
        or path.name.partition(".")[0] in {"sitecustomize", "usercustomize"}
        for path in layer.iterdir()
    )


def modules(layer: Path) -> list[str]:
    """Return the top-level modules that a layer brings."""
    entries = (path for path in layer.iterdir() if not path.name.startswith("_"))
    names = {
        path.name.partition(".")[0] for path in entries if path.is_dir() or path.suffix in {".py", ".so"}
    }
    return sorted(name for name in names if name.isidentifier())


def _variables(probe: Probe, environment: Environment, home: Path, folder: Path) -> dict[str, str]:
    trace = folder / _TRACE
    variables = sandbox.variables(
        home, threads=probe.threads, trace=trace, instructions=probe.instructions, online=probe.online
    )
    programs = [str(environment.python.parent), *filter(None, [variables.get("PATH")])]
    return {
        **variables,
        "PATH": os.pathsep.join(programs),
        "VIRTUAL_ENV": str(environment.python.parent.parent),
        **(_OF_TESTS if "tests" in probe.instructions else {}),
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
