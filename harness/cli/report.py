"""`report`: draw a stored run again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.stored import add_out, add_run, find_run
from harness.errors import UsageError
from harness.words import counted

if TYPE_CHECKING:
    import argparse

    from harness.state import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_run(parser)
    add_out(parser)
    parser.add_argument(
        "--traces",
        metavar="FILE",
        help="write the traces of all executions as one table, and draw nothing; FILE ends in .csv or .parquet",
    )


def run(options: argparse.Namespace) -> int:
    """Draw the files of the run anew from its report.json and the stored traces, or export those."""
    from harness.cli.answer import show  # noqa: PLC0415 - kept out of start-up
    from harness.report.model import facts_of  # noqa: PLC0415
    from harness.runs.again import redraw  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    folder = find_run(options.run, options.out)
    if options.traces:
        return _export(folder, Path(options.traces), State.find())
    with facts_of(folder / "report.json"):
        show(redraw(folder, State.find()), folder)
    return 0


def _export(folder: Path, target: Path, state: State) -> int:
    from harness.probes.store import Store  # noqa: PLC0415
    from harness.report.model import facts_of  # noqa: PLC0415
    from harness.runs.stored import load_report  # noqa: PLC0415
    from harness.runs.tables import trace_table, write_table  # noqa: PLC0415

    with facts_of(folder / "report.json"):
        table = trace_table(load_report(folder), Store(state))
    if not table.rows:
        raise UsageError(
            f"{folder}: none of its traces is stored in {state.root} any more; set HARNESS_HOME to where it was "
            "executed, or run the question anew"
        )
    write_table(target, table)
    print(f"{target}: {counted(table.rows, 'row')}, {counted(len(table.columns), 'column')}")
    if table.missing:
        print(f"warning: {table.missing} traces are not stored any more and left out", file=sys.stderr)
    return 0
