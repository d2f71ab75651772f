"""Executes a probe in its environment and stores the result at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.failures import Failure, machine_error
from harness.probes.probe import first_line
from harness.traces.trace import read_trace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.environments.environment import Environment
    from harness.probes.launch import Launcher
    from harness.probes.probe import Execution, Probe
    from harness.probes.store import Result, Store


def execute(probe: Probe, environment: Environment, store: Store, launcher: Launcher) -> Result:
    """Return the stored result of `probe`, executed now if there is none.

    A probe that was ended from outside (killed, out of memory, out of time, no disk space) is tried once more, and so is
    one that could not import something: only what fails twice is a property of the release.

    Raises:
        MachineError: The disk is full, so that there is no whole trace.
    """
    stored = store.find(probe.digest, probe.repeat)
    if stored is not None:
        if launcher.isolation.enough(stored.execution.isolation, online=probe.online):
            return stored
        store.discard(stored)  # it was executed where less was shut off than this run demands
    with store.recording(probe) as folder:
        execution, output = launcher.launch(probe, environment, folder)
        _check(execution, output, folder)
        trace = read_trace(folder / "trace.jsonl")
        if execution.ended_from_outside(trace) or (trace.error or {}).get("importing"):
            (folder / "trace.jsonl").unlink(missing_ok=True)
            again, output = launcher.launch(probe, environment, folder)
            _check(again, output, folder)
            execution, trace = replace(again, attempts=2), read_trace(folder / "trace.jsonl")
        if trace.memory_peak is not None:
            execution = replace(execution, memory_peak=trace.memory_peak)
        store.save(folder, probe, execution, output, environment.seconds)
    result = store.find(probe.digest, probe.repeat)
    assert result is not None  # noqa: S101 - it was stored above
    return result


def _check(execution: Execution, output: bytes, folder: Path) -> None:
    """Complain of a job whose error could not be recorded since there was no disk space."""
    recorded = read_trace(folder / "trace.jsonl").error
    if execution.code and recorded is None and _NO_SPACE in output:
        said = first_line(output[output.rindex(_NO_SPACE) :].decode("utf-8", "replace"))
        raise machine_error(Failure.DISK, "a probe was executed", said)


_NO_SPACE = b"[Errno 28]"
