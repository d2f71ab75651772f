"""`publish`: write the static site of all runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.cli.stored import add_out
from harness.errors import UsageError
from harness.words import counted

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "--to",
        required=True,
        metavar="DIR",
        help="folder of the site, required; runs that are already in it stay",
    )
    add_out(parser)
    parser.add_argument(
        "--title",
        default="Training bisections",
        metavar="T",
        help="title of the site, default Training bisections",
    )
    parser.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="address of the site, for absolute links in its feed; default: relative links",
    )


def run(options: argparse.Namespace) -> int:
    """Write the site, and tell which runs had to be left out."""
    from harness.site.publish import publish  # noqa: PLC0415 - kept out of start-up

    target = Path(options.to)
    if options.url and (
        urlsplit(options.url).scheme not in {"http", "https"} or not urlsplit(options.url).netloc
    ):
        raise UsageError(f"--url {options.url}: expected an address that begins with http:// or https://")
    done = publish(Path(options.out), target, title=options.title, url=options.url)
    for fault in done.faults:
        print(f"warning: left out: {fault}", file=sys.stderr)
    print(
        f"{target / 'index.html'}: {counted(done.runs, 'run')}, {counted(done.arms, 'arm')}, {counted(done.boundaries, 'boundary', 'boundaries')}"
    )
    return 0
