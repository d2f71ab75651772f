"""`bisect`: find where a training changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.options import DEFAULT_CAP_GB, add_asking, add_executing, add_probing, command_line, question
from harness.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from harness.runs.question import Question
    from harness.runs.share import Shard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_probing(parser)
    add_asking(parser)
    add_executing(parser)
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
        "--shard",
        metavar="K/N",
        help="execute the K-th of N shares, as `plan` prints them, and store the results: no report",
    )
    parser.add_argument(
        "--confirm-on",
        choices=("cpu", "cuda"),
        help="execute the sides of every boundary on this device too, and put both side by side",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if a regression is located")


def run(options: argparse.Namespace) -> int:
    """Answer the question and print the answer."""
    from harness.cli.answer import exit_status, show, show_time  # noqa: PLC0415 - kept out of start-up
    from harness.cli.pair import pair_question, run_pair  # noqa: PLC0415
    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.home import Home  # noqa: PLC0415
    from harness.runs.bisect import bisect  # noqa: PLC0415
    from harness.runs.share import parse_shard  # noqa: PLC0415

    options.command_line = command_line(options.words)
    pair = pair_question(options)
    if pair is not None:
        return run_pair(pair, fail_on_regression=options.exit_code)
    shard = parse_shard(options.shard) if options.shard else None
    asked = question(options, options.arm)
    if shard is not None:
        return _share(shard, asked)
    with watcher() as watched:
        done = bisect(asked, Home.find(), watched)
    show(done.report, done.folder)
    show_time(done.seconds)
    if done.interrupted:
        raise KeyboardInterrupt
    return exit_status(done.report, fail_on_regression=options.exit_code)


def _share(shard: Shard, asked: Question) -> int:
    from harness.cli.progress import watcher  # noqa: PLC0415 - kept out of start-up
    from harness.home import Home  # noqa: PLC0415
    from harness.runs.bisect import begin  # noqa: PLC0415
    from harness.runs.share import execute_share  # noqa: PLC0415

    if asked.locks is None:
        raise UsageError(
            f"--shard {shard}: needs --locks, so that all shards execute the same; `harness plan` makes them"
        )
    home = Home.find()
    with watcher() as watched:
        laboratory, _ = begin(asked, home, watched)
        positions = execute_share(laboratory, shard, watched)
    versions = [laboratory.releases[position].version for position in positions]
    span = f"{len(versions)} releases, {versions[0]} to {versions[-1]}" if versions else "no release"
    print(f"shard {shard} of {asked.package}: {span}; results in {home.probes}")
    return 0
