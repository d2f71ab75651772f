"""The command line: one module a verb, errors told in one line, exit codes as the contract says.

Start-up is kept quick: a verb's module, and all that it needs, is imported when the verb is used.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.failures import advice, os_error_text
from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130

VERBS = {
    "bisect": "find where a training changed, over the releases of a package",
    "blame": "find which of the packages that differ between two environments makes a training fail",
    "probe": "execute one release; exit status 0 good, 1 bad, 125 skip, as git bisect run wants it",
    "new": "write a scenario that runs as it is, to be changed into your own",
    "validate": "check a scenario: say everything that is wrong with it, or what it means",
    "releases": "list the releases of a package",
    "report": "draw a stored run again, without executing anything",
    "judge": "judge the stored traces of a run again by the scenario's present oracle",
    "descend": "open a located boundary into the hunks that do it",
    "bundle": "write a scenario, its locks and its packages into one file, for a machine without a network",
    "plan": "print the matrix of a CI system that shares out the probes of a question",
    "merge": "take the results of other state directories (shards, other machines) into one",
    "publish": "write a static site of all runs: newest state, history, feed, badges",
    "nightly": "probe what is new since the last night, and tell what changed, once",
    "accept": "move baselines to the newest release of a run",
    "history": "list and export what nights and runs found, with slow drifts",
}


WITH_COMMAND = {"bisect", "blame", "probe", "new"}
"""Verbs that take a command of the user's behind `--`."""


def split_command(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what stands before the first `--`, and the command behind it."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m harness",
        description="Find the release that broke a training, by running it in every release.",
        epilog="Exit status: 0 concluded (probe: good), 1 regression located with --exit-code (nightly: a new one; probe: bad), "
        "2 usage, 3 inconclusive, 4 something around the probes failed, 125 skip (probe), 130 interrupted. "
        "State lives in .harness/ of the working folder, or in $HARNESS_HOME: locks, environments, probes; it can be "
        "deleted at any time. Reports lie in reports/.",
    )
    top.add_argument("--version", action="version", version=f"harness {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        verb.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )
        import_module(f"harness.cli.{name}").add_arguments(verb)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words, command = split_command(sys.argv[1:] if arguments is None else arguments)
    top = parser()
    options, unknown = top.parse_known_args(words)
    if unknown:
        top.error(f"unrecognized arguments: {' '.join(unknown)}{_hint(options, unknown, command)}")
    options.words = list(sys.argv[1:] if arguments is None else arguments)
    options.command = command
    if command and options.verb not in WITH_COMMAND:
        top.error(f"{options.verb} takes no command behind --")
    verb = import_module(f"harness.cli.{options.verb}")
    try:
        return int(verb.run(options))
    except KeyboardInterrupt:
        print(
            "interrupted; what was executed is stored: the same command goes on from there", file=sys.stderr
        )
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except HarnessError as error:
        return _fail(str(error), error.exit_code, debug=options.debug)
    except OSError as error:
        said = ": ".join(filter(None, [os_error_text(error), advice(error)]))
        return _fail(said, HarnessError.exit_code, debug=options.debug)
    except Exception as error:  # noqa: BLE001 - a fault of the harness itself: told shortly, shown with --debug
        return _fail(_fault(error), HarnessError.exit_code, debug=options.debug)


def _fault(error: Exception) -> str:
    if type(error).__module__ == "sqlite3":  # which is not imported for this
        return f"the history cannot be read or written ({error}): see to its disk, or move it away"
    return f"fault of the harness itself, {type(error).__name__}: {error}; --debug shows where"


def _hint(options: argparse.Namespace, unknown: Sequence[str], command: Sequence[str]) -> str:
    """Return how a command without its `--` is given, where words were left over that look like one."""
    rest = [word for word in unknown if not word.startswith("-")]
    first = getattr(options, "scenario", None)
    if options.verb not in WITH_COMMAND or command or not rest or not first:
        return ""
    return f"; a command stands behind --, after all options: {options.verb} … -- {shlex.join([first, *unknown])}"


def _fail(said: str, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"error: {said}", file=sys.stderr)
    return code
