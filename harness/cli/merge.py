"""`merge`: take the results of other state directories into one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "sources",
        metavar="DIR",
        nargs="+",
        help="state directories to read; if two of them contradict each other, the first one counts",
    )
    parser.add_argument(
        "--into", metavar="HOME", help="state directory to write; default: $HARNESS_HOME, else .harness"
    )


def run(options: argparse.Namespace) -> int:
    """Merge, tell what was damaged and what contradicts itself; 3 if anything does."""
    from harness.cli.answer import INCONCLUSIVE  # noqa: PLC0415 - kept out of start-up
    from harness.probes.merge import merge  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    state = State(Path(options.into).absolute()) if options.into else State.find()
    done = merge([Path(source) for source in options.sources], state)
    for fault in done.damaged:
        print(f"warning: {fault}", file=sys.stderr)
    if len(done.devices) > 1:
        names = ", ".join(sorted(done.devices))
        print(
            f"warning: measured on different devices, so traces may differ for that: {names}", file=sys.stderr
        )
    for conflict in done.conflicts:
        print(f"conflict: {conflict}", file=sys.stderr)
    if done.conflicts:
        print(
            "what was in the state directory counts; remove a result there and its probe is executed anew",
            file=sys.stderr,
        )
    print(
        f"{state.root}: {done.results} results and {done.locks} locks are new, {done.known} were known, "
        f"{len(done.conflicts)} contradict them, {len(done.damaged)} were damaged"
    )
    return INCONCLUSIVE if done.conflicts else 0
