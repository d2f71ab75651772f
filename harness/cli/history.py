"""`history`: list and export what nights and runs found."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.words import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

_NIGHTS = 20
"""Nights that are listed; the exports have all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("--scenario", metavar="S", help="list this scenario only")
    parser.add_argument("--package", metavar="P", help="list this package only")
    parser.add_argument("--arm", metavar="A", help="list this arm only")
    parser.add_argument("--csv", metavar="FILE", help="write one row per execution as CSV, and list nothing")
    parser.add_argument("--json", action="store_true", help="print all tables and all drifts as JSON")


def run(options: argparse.Namespace) -> int:
    """Print nights, baselines, boundaries and drifts, or export."""
    from harness.files import to_json, write_atomic  # noqa: PLC0415 - kept out of start-up
    from harness.history.history import History  # noqa: PLC0415
    from harness.history.overview import select, to_csv, to_dict  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    with closing(History.open(State.find())) as history:
        found = select(history, scenario=options.scenario, package=options.package, arm=options.arm)
    if options.csv:
        write_atomic(Path(options.csv), to_csv(found["probes"]))
        print(f"{options.csv}: {counted(len(found['probes']), 'execution')}")
    elif options.json:
        print(to_json(to_dict(found), ascii_only=True), end="")
    else:
        _show(found)
    return 0


def _show(found: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    from harness.history.overview import drifts  # noqa: PLC0415 - kept out of start-up

    for night in found["nights"][-_NIGHTS:]:
        print(f"{night['started']}  {night['headline'] or 'interrupted: the next night carries it on'}")
    print(f"{counted(len(found['nights']), 'night')}, {counted(len(found['probes']), 'execution')}")
    for row in found["baselines"]:
        why = f": {row['why']}" if row["why"] else ""
        print(f"baseline  {_line(row)}: {row['version']}, accepted {row['moment']} by {row['who']}{why}")
    for row in found["boundaries"]:
        over = f", over with {row['closed_by']}" if row["closed_by"] else ""
        print(
            f"boundary  {_line(row)}: {row['signal']} {row['kind']}, {row['before']} -> {row['after']}{over}"
        )
    for drift in drifts(found["probes"]):
        where = f"{drift.package} in {drift.scenario}, {drift.arm} ({drift.device}, {drift.start})"
        print(f"drift     {where}: {drift.text}")


def _line(row: dict[str, Any]) -> str:
    return f"{row['package']} in {row['scenario']}, {row['arm']}"
