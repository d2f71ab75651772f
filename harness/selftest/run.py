"""The self-test: every step in order, whatever became of the ones before, and the summary of all."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.files import check_writable, take_name, write_atomic
from harness.report.text import one_line
from harness.selftest import ending, facts, forks, ranks, releases, training
from harness.selftest.bench import begin, jobs_on
from harness.selftest.page import markdown, page
from harness.selftest.summary import LAST_STEP, State, Step, Summary
from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.model.question import Holds, Place, Subject
    from harness.report.model import Report
    from harness.selftest.bench import Bench
    from harness.selftest.plan import SelfTest
    from harness.selftest.releases import Executed, Found
    from harness.sessions.finding import Finding
    from harness.state import State as StateDirectory


@dataclass(slots=True)
class _Steps:
    """The steps so far.

    Attributes:
        kept: Is called with all steps so far when another one is over.
        told: Is called with that one.
        done: In order.
    """

    kept: Callable[[Sequence[Step]], object]
    told: Callable[[Step], None]
    done: list[Step] = field(default_factory=list)

    def take(self, name: str, step: Callable[[], Found], *, since: float | None = None) -> None:
        """Execute a step; whatever goes wrong in it is what was seen.

        Args:
            name: What it proves.
            step: Executes it.
            since: When it began, if a part of it was done before.
        """
        began = time.monotonic() if since is None else since
        try:
            state, seen = step()
        except Exception as error:  # noqa: BLE001 - the self-test goes on, and says what it saw
            state, seen = State.FAILED, [f"{type(error).__name__}: {error}"]
        lines = tuple(one_line(line, 600) for line in seen)
        self.done.append(Step(name, state, lines, round(time.monotonic() - began, 1)))
        self.kept(self.done)
        self.told(self.done[-1])


def selftest(
    plan: SelfTest,
    *,
    subject: Subject,
    holds: Holds,
    place: Place,
    state: StateDirectory,
    told: Callable[[Step], None],
) -> tuple[Summary, Path]:
    """Execute all steps on a device; return the summary, and the folder in which it lies.

    Args:
        plan: What is executed and has to be found.
        subject: The plan's scenario, or a bundle that holds it.
        holds: Device, `cpu` or `cuda`, and where torch comes from.
        place: Where the summary and the reports go.
        state: Where environments and results are kept.
        told: Is called with each step when it is over.

    Raises:
        UsageError: There is no such device.
        HarnessError: The environments cannot be made.
        KeyboardInterrupt: After every running probe was ended.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    check_writable(Path(place.out))
    name = take_name(Path(place.out), f"{started:%Y%m%dT%H%M%SZ}-selftest-{holds.device}")
    folder = Path(place.out) / name
    inside = replace(place, out=str(folder / "runs"), jobs=place.jobs or _jobs(holds.device))
    with begin(plan, subject, holds, inside, state, marked=name) as bench:
        began = time.monotonic()
        control = bench.execute(plan.good, bench.probe(plan.good, plan.short.set))
        about = _about(bench, control, started)

        def keep(done: Sequence[Step]) -> Summary:
            so_far = round(time.monotonic() - clock, 1)
            summary = replace(about, steps=tuple(done), seconds=so_far)
            _write(summary, folder)
            return summary

        steps = _Steps(keep, told)
        steps.take("facts of the device", lambda: facts.judge_facts(control, bench.device), since=began)
        _main_job(bench, steps)
        _trainings(bench, control, steps)
        _endings(bench, steps)
    return keep(steps.done), folder


def _about(bench: Bench, control: Finding, started: datetime) -> Summary:
    """Return a summary without steps."""
    isolation = (control.result.execution.isolation if control.result else ()) or ("none",)
    known = {"releases": ", ".join(bench.versions), "isolation": ", ".join(isolation)}
    return Summary(
        started=started.isoformat(timespec="seconds"),
        harness=__version__,
        device=bench.device,
        name=facts.name_of(control),
        facts={**facts.facts_of(control), **known},
        steps=(),
        seconds=0.0,
    )


def _write(summary: Summary, folder: Path) -> None:
    """Write a summary whole; that of the steps before is replaced, so that who is killed leaves what was seen."""
    write_atomic(folder / "summary.json", summary.to_json())
    write_atomic(folder / "summary.md", markdown(summary))
    write_atomic(folder / "index.html", page(summary))


def _trainings(bench: Bench, control: Finding, steps: _Steps) -> None:
    plan = bench.plan
    steps.take("fork refused while the device is open", lambda: forks.refused(bench))
    steps.take("AdamW: plain, foreach, fused", lambda: training.variants(bench, plan.optimizers))
    steps.take("loss scale in float16", lambda: training.variants(bench, plan.scales))
    steps.take("TF32 off and on", lambda: training.tf32(bench))
    steps.take("out of memory", lambda: training.out_of_memory(bench, control))
    steps.take("model of a billion parameters", lambda: training.large(bench))


def _endings(bench: Bench, steps: _Steps) -> None:
    place = "CPU" if bench.device == "cpu" else "card"
    steps.take(f"two ranks on one {place}, gloo", lambda: ranks.gloo(bench))
    steps.take("two ranks on two cards, NCCL", lambda: ranks.nccl(bench))
    steps.take("time limit", lambda: ending.time_limit(bench))
    steps.take(LAST_STEP, lambda: ending.interrupt(bench))


def _main_job(bench: Bench, steps: _Steps) -> None:
    """Execute the main job, on the CPU too where the device is a GPU; what its repeats say are steps of their own."""

    @cache
    def of(device: str) -> Report:
        return releases.run_main_job(bench, device)

    @cache
    def executed() -> list[Executed]:
        return list(releases.executions(of(bench.device), bench.session.store))

    def beside() -> Found:
        if bench.device == "cpu":
            return State.NOT_APPLICABLE, ["the device is the CPU"]
        return releases.judge_beside(of(bench.device), of("cpu"))

    steps.take("releases: verdict, census, trace", lambda: releases.judge_releases(bench, of(bench.device)))
    steps.take("boundaries as on the CPU", beside)
    steps.take("repeats of one release", lambda: releases.judge_repeats(executed()))
    steps.take(
        "warm start against clean processes",
        lambda: releases.judge_warm(executed(), of(bench.device).warnings),
    )


def _jobs(device: str) -> int | None:
    """Return how many probes of the main job run at a time; None for what the cores allow."""
    return None if device == "cpu" else jobs_on(device, os.cpu_count() or 1)
