"""`nightly`: tell what is new since the last night."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "--config",
        default="nightly.toml",
        metavar="FILE",
        help="the file that says what to watch, default nightly.toml",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="if another night is running, wait until it ends; without it, that is an error",
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        help="use the index as it stood on that day (YYYY-MM-DD), to begin a history in the past",
    )


def run(options: argparse.Namespace) -> int:
    """Walk the night and print what it tells."""
    from harness.cli.progress import watcher  # noqa: PLC0415 - kept out of start-up
    from harness.nightly.config import load_config  # noqa: PLC0415
    from harness.nightly.nightly import nightly  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    config = load_config(Path(options.config))
    as_of = _day(options.as_of) if options.as_of else None
    with watcher() as watched:
        told = nightly(config, State.find(), watched, as_of=as_of, wait=options.wait)
    print(told.headline)
    for event in told.events:
        print(f"  {event.kind:<12} {event.text}")
        if event.run:
            print(f"  {'':<12} {config.reports / event.run / 'index.html'}")
    for line in told.lines:
        print(f"  {line.package} in {line.scenario}, {line.arm}: {line.text}")
    print(f"night: {told.folder / 'summary.md'}")
    return told.code


def _day(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text}: expected a day such as 2026-09-30") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
