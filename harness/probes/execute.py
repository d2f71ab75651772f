"""Executes a probe in its environment and stores the result at once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.probes import sandbox
from harness.traces.trace import read_trace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.environments.environment import Environment
    from harness.probes.probe import Execution, Probe
    from harness.probes.process import Processes
    from harness.probes.store import Result, Store


def execute(probe: Probe, environment: Environment, store: Store, processes: Processes) -> Result:
    """Return the stored result of `probe`, executed now if there is none.

    A probe that was ended from outside (killed, out of memory, out of time) is tried once more.
    """
    stored = store.find(probe.digest, probe.repeat)
    if stored is not None:
        return stored
    with store.recording(probe) as folder:
        execution, output = _attempt(probe, environment, folder, processes)
        if execution.ended_from_outside(read_trace(folder / "trace.jsonl")):
            (folder / "trace.jsonl").unlink(missing_ok=True)
            again, output = _attempt(probe, environment, folder, processes)
            execution = replace(again, attempts=2)
        store.save(folder, probe, execution, output, environment.seconds)
    result = store.find(probe.digest, probe.repeat)
    assert result is not None  # noqa: S101 - it was stored above
    return result


def _attempt(
    probe: Probe, environment: Environment, folder: Path, processes: Processes
) -> tuple[Execution, bytes]:
    scratch = folder / "scratch"
    scratch.mkdir()
    try:
        return processes.run(
            [str(environment.python), *probe.arguments()],
            timeout=probe.timeout,
            folder=scratch,
            environment=sandbox.variables(scratch, threads=probe.threads, trace=folder / "trace.jsonl"),
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
