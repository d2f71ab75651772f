"""Stored runs: how a command is told of one, found by path or by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    import argparse


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the run that a command is about."""
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="name or folder of a run; default: the newest one",
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the folder in which runs lie."""
    parser.add_argument(
        "--out", default="reports", metavar="DIR", help="folder of the reports, default reports"
    )


def find_run(name: str, out: str) -> Path:
    """Return the folder of a stored run, given by its path or by its name in the reports folder.

    Raises:
        UsageError: There is no run.
    """
    for folder in (Path(name), Path(out) / name):
        if any((folder / facts).is_file() for facts in ("report.json", "pair.json")):
            return folder.resolve()
    known = sorted(path.parent.name for path in Path(out).glob("*/report.json"))
    raise UsageError(
        f"no run {name!r}: expected a folder with a report.json; in {out}{os.sep}: {', '.join(known) or 'none'}"
    )
