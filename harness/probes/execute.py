"""Executes a probe in its environment and stores the result at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.traces.trace import read_trace

if TYPE_CHECKING:
    from harness.environments.environment import Environment
    from harness.probes.launch import Launcher
    from harness.probes.probe import Probe
    from harness.probes.store import Result, Store


def execute(probe: Probe, environment: Environment, store: Store, launcher: Launcher) -> Result:
    """Return the stored result of `probe`, executed now if there is none.

    A probe that was ended from outside (killed, out of memory, out of time) is tried once more.
    """
    stored = store.find(probe.digest, probe.repeat)
    if stored is not None:
        return stored
    with store.recording(probe) as folder:
        execution, output = launcher.launch(probe, environment, folder)
        trace = read_trace(folder / "trace.jsonl")
        if execution.ended_from_outside(trace):
            (folder / "trace.jsonl").unlink(missing_ok=True)
            again, output = launcher.launch(probe, environment, folder)
            execution, trace = replace(again, attempts=2), read_trace(folder / "trace.jsonl")
        if trace.memory_peak is not None:
            execution = replace(execution, memory_peak=trace.memory_peak)
        store.save(folder, probe, execution, output, environment.seconds)
    result = store.find(probe.digest, probe.repeat)
    assert result is not None  # noqa: S101 - it was stored above
    return result
