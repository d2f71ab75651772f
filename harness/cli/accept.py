"""`accept`: move baselines to the newest release of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.cli.stored import add_out, find_run

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "run", metavar="RUN", help="name or folder of a run; its newest tested release becomes the baseline"
    )
    parser.add_argument(
        "--arm",
        action="append",
        metavar="A",
        help="move the baseline of this arm only; may be repeated; default: all arms of the run",
    )
    parser.add_argument("--why", default="", metavar="TEXT", help="reason, kept in the history")
    parser.add_argument(
        "--who",
        metavar="NAME",
        help="who accepts, kept in the history; default: git's user.name, or the login name",
    )
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    """Move the baselines and print from what to what."""
    from harness.nightly.baseline import accept, person  # noqa: PLC0415
    from harness.report.model import facts_of  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    who = options.who or person()
    folder = find_run(options.run, options.out)
    with facts_of(folder / "report.json"):
        done = accept(
            folder, State.find(), moment=datetime.now(UTC), who=who, why=options.why, arms=options.arm
        )
    for (scenario, package, arm), before, after in done.moved:
        was = f", in place of {before}" if before else ""
        print(f"{package} {after} is the baseline of {arm} in {scenario}{was}; accepted by {who}")
    for said in done.left:
        print(f"left as it was: {said}")
    return 0
