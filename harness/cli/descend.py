"""`descend`: from a located boundary to the commit in it, its hunks and its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.boundary import add_boundary
from harness.cli.stored import find_run

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_boundary(parser)
    parser.add_argument(
        "--source",
        default="auto",
        metavar="PATH|URL",
        help="the repository of the package: a clone, a bare repository or a URL; default: the one in its metadata",
    )
    parser.add_argument(
        "--patch",
        metavar="FILE",
        help="apply this patch to every commit that is executed; default: the run's own",
    )


def run(options: argparse.Namespace) -> int:
    """Find the commit and the hunks, and write the run's files anew."""
    from harness.cli.answer import INCONCLUSIVE, show  # noqa: PLC0415 - kept out of start-up
    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.model.question import Place  # noqa: PLC0415
    from harness.report.hunks import shown  # noqa: PLC0415
    from harness.runs.descend import choose, descend  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    folder = find_run(options.run, options.out)
    with watcher() as watched:
        report = descend(
            folder,
            State.find(),
            watched,
            boundary=options.boundary,
            arm=options.arm,
            source=options.source,
            patch=options.patch,
            place=Place(jobs=options.jobs or None),
        )
    show(report, folder)
    _, opened = choose(report, options.boundary, options.arm)
    found = (opened.commits and opened.commits.culprit) or (opened.hunks and shown(opened.hunks))
    return 0 if found else INCONCLUSIVE
