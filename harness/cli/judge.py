"""`judge`: judge the stored traces of a run again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.cli.stored import add_out, add_run, find_run

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_run(parser)
    add_out(parser)
    parser.add_argument(
        "--oracle",
        choices=("auto", "run", "present"),
        default="auto",
        help="run: judge by the run's own oracle; present: by the oracle that the scenario has now; auto (default): "
        "present if the scenario still has the job that the run executed, else run",
    )
    parser.add_argument(
        "--exit-code", action="store_true", help="exit with status 1 if a regression is located"
    )


def run(options: argparse.Namespace) -> int:
    """Judge again by the scenario's present oracle and write the run's files anew."""
    from harness.cli.answer import exit_status, show  # noqa: PLC0415 - kept out of start-up
    from harness.report.model import facts_of  # noqa: PLC0415
    from harness.runs.again import judge_again  # noqa: PLC0415
    from harness.runs.stored import load_report  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    folder = find_run(options.run, options.out)
    with facts_of(folder / "report.json"):
        stored = load_report(folder)
        if stored.blame is None:
            report, said = judge_again(folder, State.find(), options.oracle)
        else:
            from harness.blame.again import judge_blame  # noqa: PLC0415 - of that room

            report, said = judge_blame(stored, folder, State.find(), options.oracle)
        if said:
            print(said, file=sys.stderr)
        show(report, folder)
    return exit_status(report, fail_on_regression=options.exit_code)
