"""`releases`: list the releases of a package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("package", metavar="PACKAGE", help="name of the package")
    parser.add_argument("--pre", action="store_true", help="list pre-releases too")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")


def run(options: argparse.Namespace) -> int:
    """Print the releases, oldest first."""
    from dataclasses import asdict  # noqa: PLC0415 - kept out of start-up

    from harness.files import to_json  # noqa: PLC0415
    from harness.releases.index import list_releases  # noqa: PLC0415
    from harness.releases.release import select  # noqa: PLC0415
    from harness.releases.settings import read_settings  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    listing = list_releases(options.package, read_settings(), State.find())
    if listing.warning:
        print(f"warning: {listing.warning}", file=sys.stderr)
    releases = select(listing.releases, package=options.package, prereleases=options.pre)
    if options.json:
        print(to_json([asdict(release) for release in releases], ascii_only=True), end="")
        return 0
    width = max(len(release.version) for release in releases)
    for release in releases:
        date = (release.uploaded or "date unknown")[:10]
        python = f"python {release.requires_python}" if release.requires_python else ""
        yanked = f"yanked {release.yanked_reason}".strip() if release.yanked else ""
        also = ", ".join(filter(None, ["attested" if release.attested else "", yanked]))
        print(f"{release.version:<{width}}  {date:<12}  {python:<16}  {also}".rstrip())
    return 0
