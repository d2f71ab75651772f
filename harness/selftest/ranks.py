"""Two ranks train one model under the harness: on one device with gloo, on two cards with NCCL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.probes.devices import Devices, visible
from harness.probes.execute import execute
from harness.probes.isolation import choose_isolation
from harness.probes.launch import CleanLauncher
from harness.probes.process import Processes
from harness.probes.store import sha256
from harness.selftest.plan import FOLDER
from harness.selftest.summary import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model.values import Setting
    from harness.probes.probe import Probe
    from harness.probes.store import Result
    from harness.selftest.bench import Bench
    from harness.selftest.releases import Found

JOB = FOLDER / "ranks.py"
_ROUNDING = 1e-4
"""Largest difference of a loss, which is about 0.7, between two ranks and one with the same batches in float32."""


def gloo(bench: Bench) -> Found:
    """Train with two ranks on one device, and with one rank as the control."""
    probes = [_probe(bench, {"ranks": count, "backend": "gloo"}) for count in (1, 2)]
    return _compared(*(bench.execute(bench.plan.good, one).result for one in probes))


def nccl(bench: Bench) -> Found:
    """Train with a card for each of two ranks."""
    if bench.device == "cpu":
        return State.NOT_APPLICABLE, ["NCCL needs GPUs"]
    if len(visible()) < 2:
        return State.NOT_APPLICABLE, ["there is one card"]
    processes = Processes(choose_isolation(bench.place.isolation))
    launcher = CleanLauncher(processes, Devices())  # nothing is lent: both cards are seen
    environment = bench.environment(bench.plan.good)
    settings: list[dict[str, Setting]] = [{"ranks": 1, "backend": "gloo"}, {"ranks": 2, "backend": "nccl"}]
    try:
        found = [execute(_probe(bench, one), environment, bench.session.store, launcher) for one in settings]
    finally:
        processes.close()
    return _compared(*found)


def _probe(bench: Bench, settings: Mapping[str, Setting]) -> Probe:
    probe = bench.probe(bench.plan.good, {})
    marked = {**probe.instructions, "selftest": bench.question.holds.variables[-1]}
    return replace(probe, job=JOB, job_digest=sha256(JOB), parameters=dict(settings), instructions=marked)


def _compared(one: Result | None, two: Result | None) -> Found:
    """Hold the losses of two ranks against those of one; each rank has checked that all weights are equal."""
    if one is None or two is None:
        return State.FAILED, ["the job could not be executed"]
    losses = []
    for count, result in ((1, one), (2, two)):
        trace = result.trace()
        if result.execution.ended != "exit" or result.execution.code or not trace.steps:
            error = (trace.error or {}).get("message") or result.execution.last_words(result.output())
            return State.FAILED, [f"with {count} ranks: {result.execution.ended}, {error}"]
        losses.append([loss for loss in trace.signal("loss") if loss is not None])
    largest = max(abs(a - b) for a, b in zip(*losses, strict=True))
    seen = [
        f"{len(losses[1])} steps, the weights of both ranks equal bit for bit after each",
        f"largest difference of a loss from one rank with the same batches: {largest:.2g}",
    ]
    return (State.PASSED if largest < _ROUNDING else State.FAILED), seen
