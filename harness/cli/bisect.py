"""`bisect`: find where a training changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.options import DEFAULT_CAP_GB, SEARCHES, add_probing, command_line, positive, question

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_probing(parser)
    parser.add_argument(
        "--arm", action="append", metavar="A", help="an arm; may be repeated; default: the scenario's"
    )
    parser.add_argument("--from", dest="first", metavar="V", help="oldest release; default: the scenario's")
    parser.add_argument("--to", dest="last", metavar="V", help="newest release; default: the newest of all")
    parser.add_argument("--search", choices=SEARCHES, default="auto", help="strategy, default auto")
    parser.add_argument(
        "--find-fix", action="store_true", help="look for the release that repaired something"
    )
    parser.add_argument(
        "--any-failure",
        action="store_true",
        help="take every failure for the same one, whatever its fingerprint",
    )
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="RELEASE=VERDICT",
        help="take good, bad or skip for a release without executing it; may be repeated",
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.95,
        metavar="P",
        help="what the noisy search is to reach, default 0.95",
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="probes at a time; default: what the cores allow"
    )
    parser.add_argument("--out", default="reports", metavar="DIR", help="where reports go, default reports")
    parser.add_argument(
        "--locks",
        metavar="RUN",
        help="install the locks of an earlier run, to repeat it exactly, instead of resolving",
    )
    parser.add_argument(
        "--environment-cap",
        type=float,
        default=DEFAULT_CAP_GB,
        metavar="GB",
        help=f"size of all environments together, least recently used go first; default {DEFAULT_CAP_GB:g}",
    )
    parser.add_argument(
        "--no-cause", action="store_true", help="do not find out why the sides of a boundary differ"
    )
    parser.add_argument(
        "--fixes", action="store_true", help="try the scenario's remedies around each boundary"
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if a regression is located")


def run(options: argparse.Namespace) -> int:
    """Answer the question and print the answer."""
    from harness.cli.answer import exit_status, show, show_time  # noqa: PLC0415 - kept out of start-up
    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.home import Home  # noqa: PLC0415
    from harness.runs.bisect import bisect  # noqa: PLC0415

    options.command_line = command_line(options.words)
    asked = question(options, options.arm)
    with watcher() as watched:
        done = bisect(asked, Home.find(), watched)
    show(done.report, done.folder)
    show_time(done.seconds)
    if done.interrupted:
        raise KeyboardInterrupt
    return exit_status(done.report, fail_on_regression=options.exit_code)
