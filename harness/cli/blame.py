"""`blame`: find which of the packages that differ between two environments makes a training fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.questions import add_question, read_place, read_question
from harness.model.commands import OF_PLACE

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    where = add_question(parser, "blame")[OF_PLACE]
    where.add_argument("--exit-code", action="store_true", help="exit with status 1 if a culprit is named")


def run(options: argparse.Namespace) -> int:
    """Answer the question and print the answer."""
    from harness.blame.prepare import ask_blame  # noqa: PLC0415 - kept out of start-up
    from harness.blame.run import blame  # noqa: PLC0415
    from harness.cli.answer import exit_status, show, show_time  # noqa: PLC0415
    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    asked = ask_blame(read_question(options), read_place(options))
    with watcher() as watched:
        done = blame(asked, State.find(), watched)
    show(done.report, done.folder)
    show_time(done.seconds)
    if done.interrupted:
        raise KeyboardInterrupt
    return exit_status(done.report, fail_on_regression=options.exit_code)
