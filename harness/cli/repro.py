"""`repro`: from a located boundary to one script that stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.boundary import add_boundary
from harness.cli.stored import find_run

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from harness.report.repro import ReproResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_boundary(parser)
    parser.add_argument(
        "--to", default=".", metavar="DIR", help="folder that repro.py is written into; default: this one"
    )
    parser.add_argument(
        "--trials",
        type=int,
        default=150,
        metavar="N",
        help="executions of smaller scripts, at most, default 150; 0 leaves the job as long as it is",
    )


def run(options: argparse.Namespace) -> int:
    """Write the script, execute it on both sides, and print what it does."""
    from pathlib import Path  # noqa: PLC0415 - kept out of start-up

    from harness.cli.answer import INCONCLUSIVE  # noqa: PLC0415
    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.model.question import Place  # noqa: PLC0415
    from harness.repro.repro import repro  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    folder = find_run(options.run, options.out)
    with watcher() as watched:
        _, result = repro(
            folder,
            Path(options.to),
            State.find(),
            watched,
            boundary=options.boundary,
            arm=options.arm,
            trials=options.trials,
            place=Place(jobs=options.jobs or None),
        )
    _show(result, Path(options.to))
    return 0 if result.holds else INCONCLUSIVE


def _show(result: ReproResult, folder: Path) -> None:
    from harness.report.repro import NAME, sentences  # noqa: PLC0415 - kept out of start-up

    for side in (result.good, result.bad):
        print(f"$ {side.command}\n{side.said}\nexit status {side.status}\n")
    for said in sentences(result):
        print(f"{said}.")
    print(f"script: {folder / NAME}")
