"""`selftest`: prove a device, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model.options import add_options, read_options
from harness.model.question import Holds, Place, Subject

if TYPE_CHECKING:
    import argparse

    from harness.selftest.summary import Step

FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    for part in (Subject, Holds, Place):
        add_options(parser, part, "selftest")


def run(options: argparse.Namespace) -> int:
    """Execute all steps, print each with what was seen, and write the summary."""
    from harness.selftest.plan import read_plan  # noqa: PLC0415 - kept out of start-up
    from harness.selftest.run import selftest  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    plan, subject, holds = read_plan(), read_options(Subject, options), read_options(Holds, options)
    subject = subject if subject.bundle else Subject(scenario=plan.scenario)
    if (
        holds.device == "auto"
    ):  # a self-test that falls back to the CPU would prove another device than was meant
        holds = replace(holds, device="cuda")
    place, state = read_options(Place, options), State.find()
    summary, folder = selftest(plan, subject=subject, holds=holds, place=place, state=state, told=_show)
    print(summary.sentence())
    print(f"summary: {folder / 'summary.json'}, page: {folder / 'index.html'}")
    return 0 if summary.passed else FAILED


def _show(step: Step) -> None:
    print(f"{step.state.value:>14}  {step.name} ({step.seconds:.1f} s)", flush=True)
    for line in step.seen:
        print(f"{'':>16}{line}", flush=True)
