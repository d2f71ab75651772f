"""Executes a probe in its environment and stores the result at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.failures import Failure, machine_error
from harness.probes.probe import first_line
from harness.probes.ranks import end_of
from harness.traces.rank import unsure
from harness.traces.read import read_trace

if TYPE_CHECKING:
    from harness.environments.environment import Environment
    from harness.probes.launch import Launcher
    from harness.probes.probe import Execution, Probe
    from harness.probes.store import Result, Store
    from harness.traces.trace import Trace


def execute(probe: Probe, environment: Environment, store: Store, launcher: Launcher) -> Result:
    """Return the stored result of `probe`, executed now if there is none.

    A probe that was ended from outside (killed, out of memory, out of time, no disk space) is tried once more, and so is
    one that could not import something, or whose ranks hang: only what fails twice is a property of the release.

    Raises:
        MachineError: The disk is full, so that there is no whole trace.
        UsageError: The job opens a file of this machine that the question does not name.
    """
    stored = store.find(probe.digest, probe.repeat)
    if stored is not None:
        if launcher.isolation.enough(stored.execution.isolation, online=probe.online):
            return stored
        store.discard(stored)  # it was executed where less was shut off than this run demands
    with store.recording(probe) as folder:
        execution, output, trace = _attempt(probe, environment, folder, launcher)
        importing = (trace.error or {}).get("importing")
        if execution.ended_from_outside(trace) or importing or unsure(trace):
            (folder / "trace.jsonl").unlink(missing_ok=True)
            again, output, trace = _attempt(probe, environment, folder, launcher)
            execution = replace(again, attempts=2)
        _check_files(execution, (trace.error or {}).get("missing_file", ""))
        if trace.memory_peak is not None:
            execution = replace(execution, memory_peak=trace.memory_peak)
        store.save(folder, probe, execution, output, environment.seconds)
    result = store.find(probe.digest, probe.repeat)
    assert result is not None  # noqa: S101 - it was stored above
    return result


def _attempt(
    probe: Probe, environment: Environment, folder: Path, launcher: Launcher
) -> tuple[Execution, bytes, Trace]:
    """Run a probe once; return how it ended, its output and what it recorded.

    Raises:
        MachineError: Its error could not be recorded, since there was no disk space.
    """
    execution, output = launcher.launch(probe, environment, folder)
    trace = read_trace(folder / "trace.jsonl")
    if execution.code and trace.error is None and _NO_SPACE in output:
        said = first_line(output[output.rindex(_NO_SPACE) :].decode("utf-8", "replace"))
        raise machine_error(Failure.DISK, "a probe was executed", said)
    return end_of(execution, trace), output, trace


def _check_files(execution: Execution, missing: str) -> None:
    """Complain of a job that failed for want of a file that is there, and that isolation keeps from it.

    It would fail so in each release, and that says nothing of any.

    Args:
        execution: Says whether the job had files of its own.
        missing: Absolute path of a file that it did not find; empty where there is none.
    """
    if "files" in execution.isolation and missing and (there := Path(missing)).exists():
        raise UsageError(
            f"the job needs {missing}, which a probe does not see, as the question does not name it; "
            f"let it read the folder by --env DATA={there.parent}, or take --isolation none"
        )


_NO_SPACE = b"[Errno 28]"
