"""`plan`: share out the probes of a question among the machines of a CI matrix."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.questions import add_question, read_place, read_question
from harness.model.commands import OF_PLACE, shell
from harness.model.options import write_options
from harness.model.values import positive

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from harness.model.question import Place, Question
    from harness.runs.share import Cell, Shard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    where = add_question(parser, "plan")[OF_PLACE]
    where.add_argument(
        "--shards", type=positive, required=True, metavar="N", help="number of machines, required"
    )
    where.add_argument(
        "--folder", default="plan", metavar="DIR", help="folder for the locks of all shares, default plan"
    )
    where.add_argument(
        "--json",
        action="store_true",
        help="print the matrix as one line of JSON; without it, one command per share",
    )


def run(options: argparse.Namespace) -> int:
    """Resolve the locks once, write them, and print what each machine runs."""
    from contextlib import ExitStack  # noqa: PLC0415 - kept out of start-up

    from harness.cli.progress import watcher  # noqa: PLC0415
    from harness.files import to_json  # noqa: PLC0415
    from harness.runs.bisect import begin  # noqa: PLC0415
    from harness.runs.share import Shard, cells, share  # noqa: PLC0415
    from harness.runs.write import write_locks  # noqa: PLC0415
    from harness.sessions.lines import lines  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    question, place, state = read_question(options), read_place(options), State.find()
    folder = Path(options.folder)
    asked = lines(question, place, state)
    with watcher() as watched, ExitStack() as opened:
        sessions = [(line, opened.enter_context(begin(line.asked, state, watched))[0]) for line in asked]
        found = cells(sessions)
    for line, session in sessions:
        write_locks(folder / "locks" / line.locks, session)
    locked = replace(question, holds=replace(question.holds, locks=str(folder)))
    shards = [Shard(number, options.shards) for number in range(1, options.shards + 1)]
    entries = [entry for shard in shards if (entry := _entry(locked, place, shard, share(found, shard)))]
    if options.json:
        print(to_json({"include": entries}, indent=None, ascii_only=True), end="")
        return 0
    for entry in entries:
        print(f"# shard {entry['shard']}: {entry['from']} to {entry['to']}, {entry['probes']} probes")
        print(entry["command"])
    print("# then, with the state directories of all shards, one answer")
    print("python -m harness merge HOME...")
    # What is asked inside of a grid of two packages has no locks yet; those of its edges are stored.
    answering = locked if len(asked) == 1 else question
    print(shell(answering.to_argv("bisect", *write_options(place, "plan"))))
    return 0


def _entry(question: Question, place: Place, shard: Shard, mine: Sequence[Cell]) -> dict[str, Any] | None:
    """Return what the matrix says of one machine; None if all of its share is stored already."""
    probes = sum(cell.missing() for cell in mine)
    if not probes:
        return None
    words = question.to_argv("bisect", *write_options(place, "plan"), "--shard", str(shard))
    return {
        "shard": shard.number,
        "of": shard.of,
        "from": mine[0].name,
        "to": mine[-1].name,
        "probes": probes,
        "arguments": shlex.join(words[1:]),
        "command": shell(words),
    }
