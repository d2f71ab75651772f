"""`plan`: share out the probes of a question among the machines of a CI matrix."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.options import add_asking, add_probing, positive, question

if TYPE_CHECKING:
    import argparse

_OWN = {"shards", "folder", "json", "help", "debug"}
"""Options that belong to the plan and not to the question."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_probing(parser)
    add_asking(parser)
    parser.add_argument("--shards", type=positive, required=True, metavar="N", help="machines to share among")
    parser.add_argument(
        "--folder", default="plan", metavar="DIR", help="where the locks for all shards go, default plan"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the matrix as one line of JSON in place of commands"
    )
    parser.set_defaults(parser=parser)


def run(options: argparse.Namespace) -> int:
    """Resolve the locks once, write them, and print what each machine runs."""
    from harness.cli.progress import watcher  # noqa: PLC0415 - kept out of start-up
    from harness.files import to_json  # noqa: PLC0415
    from harness.home import Home  # noqa: PLC0415
    from harness.runs.bisect import begin, write_locks  # noqa: PLC0415
    from harness.runs.share import Shard, missing, share  # noqa: PLC0415

    asked = question(options, options.arm)
    folder = Path(options.folder)
    with watcher() as watched:
        laboratory, _ = begin(asked, Home.find(), watched)
    write_locks(folder / "locks", laboratory)
    words = [*_words(options), "--locks", str(folder)]
    entries: list[dict[str, Any]] = []
    for shard in (Shard(number, options.shards) for number in range(1, options.shards + 1)):
        positions = share(laboratory, shard)
        probes = missing(laboratory, positions)
        if not probes:
            continue
        versions = [laboratory.releases[position].version for position in positions]
        arguments = shlex.join([*words, "--shard", str(shard)])
        entries.append(
            {
                "shard": shard.number,
                "of": shard.of,
                "from": versions[0],
                "to": versions[-1],
                "probes": probes,
                "arguments": arguments,
                "command": f"python -m harness bisect {arguments}",
            }
        )
    if options.json:
        print(to_json({"include": entries}, indent=None), end="")
        return 0
    for entry in entries:
        print(f"# shard {entry['shard']}: {entry['from']} to {entry['to']}, {entry['probes']} probes")
        print(entry["command"])
    print("# then, with the homes of all shards, one answer")
    print("python -m harness merge HOME...")
    print(f"python -m harness bisect {shlex.join(words)}")
    return 0


def _words(options: argparse.Namespace) -> list[str]:
    """Return the words that ask the same question of `bisect`."""
    words: list[str] = []
    for action in options.parser._actions:  # noqa: SLF001 - argparse has no public list of them
        value = getattr(options, action.dest, action.default)
        if action.dest in _OWN or value == action.default:
            continue
        if not action.option_strings:
            words.insert(0, str(value))
        elif action.nargs == 0:
            words.append(action.option_strings[-1])
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [action.option_strings[-1], str(one)]
    return words
