"""`bisect`: find where a training changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.questions import add_question, read_place, read_question
from harness.errors import UsageError
from harness.model.commands import OF_PLACE
from harness.words import counted, from_to

if TYPE_CHECKING:
    import argparse

    from harness.model.question import Place, Question
    from harness.runs.share import Shard
    from harness.state import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    where = add_question(parser, "bisect")[OF_PLACE]
    where.add_argument(
        "--shard",
        metavar="K/N",
        help="execute share K of N, as `plan` prints it, and store the results; writes no report",
    )
    where.add_argument(
        "--exit-code", action="store_true", help="exit with status 1 if a regression is located"
    )


def run(options: argparse.Namespace) -> int:
    """Answer the question and print the answer."""
    from harness.cli.answer import exit_status, show, show_time  # noqa: PLC0415 - kept out of start-up
    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.runs.answer import answer  # noqa: PLC0415
    from harness.runs.share import parse_shard  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    question, place, state = read_question(options), read_place(options), State.find()
    if options.shard:
        return _share(parse_shard(options.shard), question, place, state)
    with watcher() as watched:
        done = answer(question, place, state, watched)
    show(done.report, done.folder)
    show_time(done.seconds)
    if done.interrupted:
        raise KeyboardInterrupt
    return exit_status(done.report, fail_on_regression=options.exit_code)


def _share(shard: Shard, question: Question, place: Place, state: State) -> int:
    from contextlib import ExitStack  # noqa: PLC0415 - kept out of start-up

    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.runs.bisect import begin  # noqa: PLC0415
    from harness.runs.share import cells, execute_share, share  # noqa: PLC0415
    from harness.sessions.lines import lines  # noqa: PLC0415

    asked = lines(question, place, state)
    if any(line.asked.locks is None for line in asked):
        raise UsageError(
            f"--shard {shard}: needs --locks, so that all shards execute the same; `harness plan` makes them"
        )
    with watcher() as watched, ExitStack() as opened:
        sessions = [(line, opened.enter_context(begin(line.asked, state, watched))[0]) for line in asked]
        mine = share(cells(sessions), shard)
        execute_share(mine, watched)
    span = (
        f"{counted(len(mine), 'release')}, {from_to(mine[0].name, mine[-1].name)}" if mine else "no release"
    )
    packages = " and ".join(dict.fromkeys(line.asked.package for line in asked))
    print(f"shard {shard} of {packages}: {span}; results in {state.probes}")
    return 0
