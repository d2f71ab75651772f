"""`report`: draw a stored run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "run", metavar="RUN", nargs="?", default="latest", help="a run's name or folder; default latest"
    )
    parser.add_argument("--out", default="reports", metavar="DIR", help="where reports are, default reports")


def run(options: argparse.Namespace) -> int:
    """Draw the files of the run anew from its report.json and the stored traces."""
    from harness.cli.answer import show  # noqa: PLC0415 - kept out of start-up
    from harness.cli.options import find_run  # noqa: PLC0415
    from harness.home import Home  # noqa: PLC0415
    from harness.runs.stored import redraw  # noqa: PLC0415

    folder = find_run(options.run, options.out)
    show(redraw(folder, Home.find()), folder)
    return 0
