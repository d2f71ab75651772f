"""`plan`: share out the probes of a question among the machines of a CI matrix."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.questions import add_question, read_place, read_question
from harness.model.commands import OF_PLACE
from harness.model.options import write_options
from harness.model.values import positive

if TYPE_CHECKING:
    import argparse


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
    from harness.cli.progress import watcher  # noqa: PLC0415 - kept out of start-up
    from harness.files import to_json  # noqa: PLC0415
    from harness.runs.bisect import begin  # noqa: PLC0415
    from harness.runs.share import Shard, missing, share  # noqa: PLC0415
    from harness.runs.write import write_locks  # noqa: PLC0415
    from harness.sessions.asked import ask  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    question, place, state = read_question(options), read_place(options), State.find()
    folder = Path(options.folder)
    with watcher() as watched, begin(ask(question, state, place), state, watched) as (session, _):
        session.lock_all()
    write_locks(folder / "locks", session)
    locked = replace(question, holds=replace(question.holds, locks=str(folder)))
    verb, *words = locked.to_argv("bisect", *write_options(place, "plan"))
    entries: list[dict[str, Any]] = []
    for shard in (Shard(number, options.shards) for number in range(1, options.shards + 1)):
        positions = share(session, shard)
        probes = missing(session, positions)
        if not probes:
            continue
        versions = [session.releases[position].version for position in positions]
        arguments = shlex.join(
            locked.to_argv("bisect", *write_options(place, "plan"), "--shard", str(shard))[1:]
        )
        entries.append(
            {
                "shard": shard.number,
                "of": shard.of,
                "from": versions[0],
                "to": versions[-1],
                "probes": probes,
                "arguments": arguments,
                "command": f"python -m harness {verb} {arguments}",
            }
        )
    if options.json:
        print(to_json({"include": entries}, indent=None), end="")
        return 0
    for entry in entries:
        print(f"# shard {entry['shard']}: {entry['from']} to {entry['to']}, {entry['probes']} probes")
        print(entry["command"])
    print("# then, with the state directories of all shards, one answer")
    print("python -m harness merge HOME...")
    print(f"python -m harness {verb} {shlex.join(words)}")
    return 0
