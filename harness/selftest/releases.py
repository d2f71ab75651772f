"""The main job on the device: verdicts, census and traces of all releases of the plan, and what its repeats say."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from harness.runs.answer import answer
from harness.selftest.plan import Change
from harness.selftest.summary import State
from harness.sessions.driver import Silent
from harness.verdicts.noise import measure_noise
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.probes.store import Store
    from harness.report.model import Report
    from harness.selftest.bench import Bench

Found = tuple[State, list[str]]
"""What became of a step, and what was seen."""


@dataclass(frozen=True, slots=True)
class Executed:
    """One stored execution of the main job.

    Attributes:
        start: `warm` or `clean`.
        trace: Digest of all that was measured.
        loss: The last one; None without a finite one.
    """

    arm: str
    version: str
    start: str
    trace: str
    loss: float | None


def run_main_job(bench: Bench, device: str) -> Report:
    """Ask the main question on a device; its report goes into the self-test's folder."""
    question = replace(bench.question, holds=replace(bench.question.holds, device=device))
    place = bench.place if device == bench.device else replace(bench.place, jobs=None)
    return answer(question, place, bench.state, Silent()).report


def changes(report: Report, signals: Sequence[str] = ("verdict", "census", "trace")) -> set[Change]:
    """Return the boundaries of a report that were confirmed."""
    return {
        Change(arm.name, one.signal, one.kind, one.before, one.after)
        for arm in report.arms
        for one in arm.boundaries
        if one.confirmed and one.signal in signals
    }


def judge_releases(bench: Bench, report: Report) -> Found:
    """Hold verdicts and boundaries against what the plan expects."""
    seen = []
    for arm in report.arms:
        verdicts = Counter(one.verdict for one in arm.releases)
        listed = ", ".join(f"{one.version} {one.verdict}" for one in arm.releases)
        seen.append(f"{arm.name}: {listed}")
        if set(verdicts) - {"good", "bad"}:
            return State.FAILED, [*seen, *(f"{one.version}: {one.reason}" for one in arm.releases)]
        if not arm.deterministic:
            seen.append(f"{arm.name} is not reproducible bit for bit, so its traces are not compared")
    exact = {arm.name for arm in report.arms if arm.deterministic}
    wanted = bench.plan.expected(bench.versions)
    expected = {one for one in wanted if one.signal != "trace" or one.arm in exact}
    found = changes(report)
    missing = sorted(str(one) for one in expected - found)
    seen.append(f"{len(expected & found)} of {len(expected)} expected boundaries found and confirmed")
    return (State.FAILED, [*seen, f"missing: {', '.join(missing)}"]) if missing else (State.PASSED, seen)


def judge_beside(own: Report, cpu: Report) -> Found:
    """Hold the boundaries of the GPU against those of the CPU; traces count where both repeat themselves bit for bit."""
    exact = all(arm.deterministic for report in (own, cpu) for arm in report.arms)
    signals = ("verdict", "census", "trace") if exact else ("verdict", "census")
    here, there = changes(own, signals), changes(cpu, signals)
    compared = f"compared: {', '.join(signals)}"
    if here == there:
        return State.PASSED, [f"GPU and CPU have the same {len(here)} boundaries", compared]
    differ = [f"on the GPU alone: {one}" for one in sorted(map(str, here - there))]
    differ += [f"on the CPU alone: {one}" for one in sorted(map(str, there - here))]
    return State.FAILED, [*differ, compared]


def executions(report: Report, store: Store) -> Iterator[Executed]:
    """Yield every stored execution of a run that trained."""
    for arm in report.arms:
        for row in arm.releases:
            for one in row.executions:
                result = store.find(one["probe"], one["repeat"])
                trace = result.trace() if result else None
                if result and trace and trace.steps:
                    losses = [loss for loss in trace.signal("loss") if loss is not None]
                    last = losses[-1] if losses and math.isfinite(losses[-1]) else None
                    yield Executed(arm.name, row.version, result.execution.start, trace.digest(), last)


def judge_repeats(found: Sequence[Executed]) -> Found:
    """Tell whether executions of one release are equal bit for bit; else how large the noise is."""
    several = [one for one in grouped(found) if len(one) > 1]
    count = sum(map(len, several))
    if not several:
        return State.FAILED, ["nothing was executed twice"]
    if all(len({one.trace for one in group}) == 1 for group in several):
        return State.PASSED, [f"bit-equal: {count} executions of {len(several)} pairs of release and arm"]
    differing = [group for group in several if len({one.trace for one in group}) > 1]
    names = ", ".join(f"{group[0].version} {group[0].arm}" for group in differing)
    losses = [[one.loss for one in group if one.loss is not None] for group in several]
    floor = measure_noise([group for group in losses if len(group) > 1])
    mean = fmean(loss for group in losses for loss in group)
    spread = f"standard deviation {floor.deviation:.3g} at a mean of {mean:.4g}"
    said = f"noise floor of the last loss: {spread} ({counted(floor.freedom, 'degree of freedom', 'degrees of freedom')})"
    return State.PASSED, [f"not bit-equal: {names}", said]


def judge_warm(found: Sequence[Executed], warnings: Sequence[str]) -> Found:
    """Hold forked children against clean processes."""
    both = [group for group in grouped(found) if {one.start for one in group} == {"warm", "clean"}]
    if not both:
        clean = [said for said in warnings if "clean processes" in said]
        return State.FAILED, ["no release was executed both ways", *clean]
    other = []
    for group in both:
        alike = {one.trace for one in group if one.start == "clean"}
        if len(alike) == 1 and {one.trace for one in group} != alike:
            other.append(f"{group[0].version} {group[0].arm}")
    if other:
        return State.FAILED, [f"a forked child gave another trace than a clean process: {', '.join(other)}"]
    equal = sum(len({one.trace for one in group}) == 1 for group in both)
    return State.PASSED, [
        f"{equal} of {len(both)} pairs of release and arm equal bit for bit, warm and clean"
    ]


def grouped(found: Sequence[Executed]) -> list[list[Executed]]:
    """Return the executions of each release in each arm."""
    groups: dict[tuple[str, str], list[Executed]] = {}
    for one in found:
        groups.setdefault((one.arm, one.version), []).append(one)
    return list(groups.values())
