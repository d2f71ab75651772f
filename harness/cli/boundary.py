"""Which boundary of which stored run a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.stored import add_out, add_run

if TYPE_CHECKING:
    import argparse


def add_boundary(parser: argparse.ArgumentParser) -> None:
    """Add run, boundary and arm, and how many executions run at a time."""
    add_run(parser)
    parser.add_argument(
        "boundary",
        metavar="BOUNDARY",
        nargs="?",
        default="",
        help="the boundary as OLDER..NEWER or its newer release; default: the newest boundary in verdict",
    )
    parser.add_argument(
        "--arm",
        default="",
        metavar="A",
        help="the arm of the boundary; default: the arm with the gravest answer",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="executions at a time; default: as many as the machine allows",
    )
    add_out(parser)
