"""One boundary on several devices: what the store has of both its sides from another device, put beside the run's own.

A probe's address tells the kind of its device, and an environment's lock the build of torch, so results of a CPU and
of a GPU lie side by side in one store: after `harness merge`, or because a run was asked to confirm on another device.
They belong together if job, settings, seed and release are the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from harness.files import read_json, strict
from harness.probes.store import Result, repeat_of
from harness.report.boundaries import strongest_first
from harness.report.devices import agreement, agrees
from harness.report.model import DeviceResult, DeviceSide
from harness.search.boundaries import Conclusion
from harness.sessions.arm_map import representative
from harness.sessions.finding import Finding
from harness.verdicts.calibration import Calibration, ReferenceRun
from harness.verdicts.oracles import alone, compares
from harness.verdicts.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.probes.store import Store
    from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report
    from harness.traces.trace import Trace

Machine = tuple[str, str]
"""Kind of a device, and version of torch: results of one lock on another GPU would have the same address."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored result with what its `probe.json` says."""

    result: Result
    facts: Mapping[str, Any]

    @property
    def question(self) -> str:
        """Return what is the same on every device."""
        facts = self.facts
        return json.dumps(
            [facts["job"], sorted(facts["parameters"].items()), facts["seed"], facts["instructions"]],
            sort_keys=True,
        )

    def packages(self, trace: Trace) -> Mapping[str, str]:
        """Return {name: version} of its environment; results of older harnesses tell what was imported."""
        told = self.facts.get("packages") or (trace.start or {}).get("packages") or {}
        return {str(canonicalize_name(name)): version for name, version in told.items()}


def with_devices(report: Report, store: Store, oracle: Mapping[str, Any]) -> Report:
    """Return the report with what other devices say of its boundaries, as far as the store knows it.

    Where a device contradicts a boundary in verdict, the arm is inconclusive: no release is named.

    Args:
        report: Of one device; what it had of others is replaced.
        store: Has the results.
        oracle: Judges those of the other devices.
    """
    if alone(oracle) or not any(arm.boundaries for arm in report.arms):
        return report  # what one machine does says nothing of another
    others = Others(report, store, oracle)
    return replace(report, arms=[_arm(report, arm, others) for arm in report.arms])


def _arm(report: Report, arm: ArmResult, others: Others) -> ArmResult:
    boundaries = [
        _boundary(report, arm, boundary, others)
        if boundary is _strongest(arm, boundary)
        else replace(boundary, devices=[], agreement="")
        for boundary in arm.boundaries
    ]
    alone = arm.alone or arm.conclusion
    disputed = any(one.disputed and one.signal == "verdict" for one in boundaries)
    conclusion = Conclusion.INCONCLUSIVE.value if disputed else alone
    return replace(arm, boundaries=boundaries, conclusion=conclusion, alone=alone if disputed else "")


def _strongest(arm: ArmResult, boundary: BoundaryResult) -> BoundaryResult:
    """Return the boundary of the same place that the devices are asked about."""
    here = [one for one in arm.boundaries if (one.before, one.after) == (boundary.before, boundary.after)]
    return strongest_first(here)[0]


def _boundary(report: Report, arm: ArmResult, boundary: BoundaryResult, others: Others) -> BoundaryResult:
    """Return a boundary with what each device said of it."""
    rows = {row.version: row for row in arm.releases}
    before, after = rows[boundary.before], rows[boundary.after]
    found = [others.sides(arm, row) for row in (before, after)]
    machines = sorted({machine for side in found for machine in side})
    if not machines:
        return replace(boundary, devices=[], agreement="")
    own = others.own(report, before, after)
    devices = [own]
    for machine in machines:
        (name, old), (other, new) = (side.get(machine, ("", UNTESTED)) for side in found)
        there = DeviceResult(machine[0], name or other, machine[1], old, new)
        devices.append(replace(there, agrees=agrees(boundary.signal, own, there)))
    boundary = replace(boundary, devices=devices)
    return replace(boundary, agreement=agreement(boundary))


class Others:
    """What the store has of other devices than the run's own."""

    def __init__(self, report: Report, store: Store, oracle: Mapping[str, Any]) -> None:
        self.store, self.oracle, self.package = store, oracle, report.package
        self.device = str(report.host.get("device") or "cpu").partition(":")[0]
        self._by_question: dict[str, list[Kept]] = defaultdict(list)
        for kept in stored(store):
            if kept.facts["device"] != self.device:
                self._by_question[kept.question].append(kept)

    def own(self, report: Report, before: ReleaseResult, after: ReleaseResult) -> DeviceResult:
        """Return what the run itself found."""
        name = report.host.get("gpu" if self.device == "cuda" else "cpu") or ""
        old, new = (self._own_side(row) for row in (before, after))
        return DeviceResult(self.device, name, report.host.get("torch") or "", old, new, agrees=True)

    def sides(self, arm: ArmResult, row: ReleaseResult) -> dict[Machine, tuple[str, DeviceSide]]:
        """Return {machine: (name of the device, what the release did there)}."""
        seeds = [execution for execution in row.executions if execution["repeat"] == 0]
        by_machine: dict[Machine, dict[int, dict[int, Kept]]] = defaultdict(lambda: defaultdict(dict))
        names: dict[Machine, set[str]] = defaultdict(set)
        for count, execution in enumerate(seeds):
            for kept, trace in self._counterparts(execution["probe"], row.version):
                machine = (kept.facts["device"], kept.packages(trace).get("torch", ""))
                by_machine[machine][kept.result.repeat][count] = kept
                names[machine] |= {str((trace.start or {}).get("device_name") or "")} - {""}
        found = {}
        for machine, repeats in by_machine.items():
            calibration = self._calibration(arm, machine)
            if compares(self.oracle) and calibration is None:
                missing = "no A/A runs of the reference on this device"
                found[machine] = (" and ".join(sorted(names[machine])), replace(UNTESTED, reason=missing))
                continue
            whole = {repeat: one for repeat, one in repeats.items() if len(one) == len(seeds)}
            findings = {repeat: self._judged(one, calibration) for repeat, one in whole.items()}
            if findings:
                found[machine] = (" and ".join(sorted(names[machine])), _side(findings))
        return found

    def _judged(self, seeds: Mapping[int, Kept], calibration: Calibration | None) -> Finding:
        findings = [
            Finding.judged(kept.result, self.oracle, str(kept.facts["lock"]))
            for _, kept in sorted(seeds.items())
        ]
        return Finding.of_seeds(findings, self.oracle, calibration)

    def _calibration(self, arm: ArmResult, machine: Machine) -> Calibration | None:
        """Return the reference's A/A runs on another machine; None if they are not needed, or not all there."""
        if not compares(self.oracle) or not arm.calibration:
            return None
        own = arm.calibration
        probes = own["probes"]
        repeats, seeds = own.get("repeats") or [0] * len(probes), own.get("seeds") or range(len(probes))
        runs = []
        for probe, repeat, seed in zip(probes, repeats, seeds, strict=True):
            same = [
                ReferenceRun(trace, kept.result.probe, repeat, seed)
                for kept, trace in self._counterparts(probe, own["reference"], repeat)
                if kept.result.repeat == repeat
                and (kept.facts["device"], kept.packages(trace).get("torch", "")) == machine
            ]
            runs += same[:1]
        whole = len(runs) == len(probes)
        return Calibration(own["reference"], runs, own["comparisons"]) if whole else None

    def _counterparts(self, probe: str, version: str, repeat: int = 0) -> Iterator[tuple[Kept, Trace]]:
        """Yield what other devices have of the same question and release as an execution of this run."""
        result = self.store.find(probe, repeat)
        facts = _facts(result) if result else None
        if result is None or facts is None:
            return
        for kept in self._by_question.get(Kept(result, facts).question, []):
            told = kept.facts.get("packages")
            if told and told.get(self.package) != version:
                continue  # its trace need not be read
            if self.store.find(kept.result.probe, kept.result.repeat) is None:
                continue  # damaged
            trace = kept.result.trace()
            if kept.packages(trace).get(self.package) == version:
                yield kept, trace

    def _own_side(self, row: ReleaseResult) -> DeviceSide:
        result = self.store.find(row.probe) if row.probe else None
        trace = result.trace() if result else None
        census = Finding.of(result, _NONE, trace, "").census if result and trace else None
        return DeviceSide(
            row.verdict,
            row.reason,
            last_loss(trace) if trace else None,
            len(row.executions),
            row.probe,
            row.trace,
            census,
        )


_NONE = Judgement(Verdict.UNTESTED, "not executed there")
UNTESTED = DeviceSide("untested", "not executed there")


def stored(store: Store) -> Iterator[Kept]:
    """Yield every result of a store whose `probe.json` can be read."""
    for path in sorted(store.state.probes.glob("*/*/probe.json")):
        repeat = repeat_of(path.parent)
        result = store.look(path.parent.parent.name, repeat, sums=False) if repeat is not None else None
        facts = _facts(result) if isinstance(result, Result) else None
        if isinstance(result, Result) and facts is not None:
            yield Kept(result, facts)


def _facts(result: Result) -> Mapping[str, Any] | None:
    try:
        facts = dict(read_json(result.folder / "probe.json"))
    except (OSError, ValueError, TypeError):
        return None
    return facts if {"job", "parameters", "seed", "instructions", "device", "lock"} <= facts.keys() else None


def _side(findings: Mapping[int, Finding]) -> DeviceSide:
    """Return what stands for several executions of a release."""
    first, _ = representative(findings)
    return DeviceSide(
        first.verdict.value,
        first.judgement.reason,
        last_loss(first.trace),
        len(findings),
        first.result.probe if first.result else None,
        first.trace_digest,
        first.census,
    )


def last_loss(trace: Trace) -> float | str | None:
    """Return the last loss of a trace, as JSON has it; None without one."""
    values = [value for value in trace.signal("loss") if value is not None]
    loss: float | str | None = strict(values[-1]) if values else None
    return loss
