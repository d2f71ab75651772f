"""The command line: one module a verb, errors told in one line, exit codes as the contract says.

Start-up is kept quick: a verb's module, and all that it needs, is imported when the verb is used.
"""

from __future__ import annotations

import argparse
import difflib
import shlex
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from harness.cli.completion import SHELLS, PrintCompletion
from harness.cli.terminal import harmless_streams
from harness.errors import HarnessError, UsageError
from harness.failures import advice, os_error_text
from harness.machine import check_address_space
from harness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

INTERRUPTED = 130
PROG = "harness"

VERBS = {
    "bisect": "find the release of a package that changed a training",
    "blame": "compare a good and a bad environment, and find the package that makes a training fail",
    "probe": "execute one release; exit status 0 good, 1 bad, 125 skip, as `git bisect run` expects",
    "new": "write a scenario that runs at once, as a start for your own",
    "validate": "check a scenario: print everything that is wrong with it, or what it means",
    "releases": "list the releases of a package",
    "report": "draw a stored run again; executes nothing",
    "judge": "judge the stored traces of a run again; executes nothing",
    "descend": "find the commit and the changed lines between the two releases of a boundary that change the training",
    "repro": "write one small script that shows a boundary and needs only the packages, for an issue",
    "bundle": "write a scenario, its locks and its packages into one file, for a machine without a network",
    "selftest": "prove that the harness works on this machine's GPU (or CPU), step by step, and write a summary to send",
    "plan": "split a question into shares for the machines of a CI system",
    "merge": "copy the results of other state directories (shares, other machines) into one",
    "publish": "write a static site of all runs: newest state, history, feed, badges",
    "nightly": "execute what is new since the last night, and report each change once",
    "accept": "make the newest release of a run the baseline of the nights",
    "history": "list or export what nights and runs found, and slow drifts",
}

START = """\
harness finds the release of a package that broke your training. What to do next:
  harness bisect SCRIPT.py --package PACKAGE --from VERSION   execute your script with every release since VERSION
  harness bisect llama_seq_cls                                the built-in example: LoRA training with every PEFT release
  harness new NAME                                            write a scenario of your own, to start from
  harness report                                              draw your newest run again
  harness --help                                              all commands; harness COMMAND --help explains one
"""
"""What `harness` alone prints: all that a newcomer needs."""

EXAMPLES = {
    "bisect": """
examples:
  harness bisect repro.py --package peft --from 0.6.2 --to 0.12.0
      execute your script with every release; exit status 1 is bad
  harness bisect --package peft --with torch==2.13.0 --metric loss --expect "<0.5" -- python train.py
      execute a command with every release; a last printed loss of 0.5 or more is bad
""",
    "blame": """
example:
  harness blame --good old-requirements.txt --bad new-requirements.txt -- python repro.py
""",
    "probe": """
example:
  harness probe repro.py --package peft --release 0.7.0
""",
}
"""{verb: text below its summary}."""


_WITHOUT_VERB = {"-h", "--help", "--version"}

WITH_COMMAND = {"bisect", "blame", "plan", "probe", "new"}
"""Verbs that take a command of the user's behind `--`."""


def split_command(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what stands before the first `--`, and the command behind it."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def parser(wanted: Collection[str] = frozenset(VERBS)) -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Args:
        wanted: Verbs whose options it is to know; importing all takes longer than what most commands do.
    """
    top = argparse.ArgumentParser(
        prog=PROG,
        description="Find the release that broke a training: execute the same training with every release.",
        epilog="Exit status: 0 concluded (probe: good); 1 a regression is located, with --exit-code (nightly: a new "
        "regression; probe: bad; selftest: a step failed); 2 the command is not understood; 3 inconclusive; 4 the index, the disk or another tool "
        "failed; 125 skip (probe); 130 interrupted. State (locks, environments, results) lies in .harness/ of the working "
        "folder, or in $HARNESS_HOME. Reports lie in reports/.",
    )
    top.add_argument("--version", action="version", version=f"harness {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    top.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        help="print a script that completes commands and options in your shell",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    for name, summary in VERBS.items():
        verb = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.\n{EXAMPLES.get(name, '')}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
        )
        if name in wanted:
            import_module(f"harness.cli.{name}").add_arguments(verb)
        rest = verb.add_argument_group("help")
        rest.add_argument("-h", "--help", action="help", help="show this help and exit")
        rest.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    with harmless_streams():
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not set(given) - {"--debug"}:
        print(START, end="", file=sys.stderr)
        return UsageError.exit_code
    words, command = split_command(given)
    first = next((word for word in words if word != "--debug"), "")
    top = parser({first} if first in {*VERBS, *_WITHOUT_VERB} else VERBS)
    if hint := _no_command(first, command):
        top.error(hint)
    options, unknown = top.parse_known_args(words)
    if unknown:
        top.error(f"{options.verb} does not know {' '.join(unknown)}{_hint(options, unknown, command)}")
    options.words, options.command = given, command
    if command and options.verb not in WITH_COMMAND:
        top.error(
            f"{options.verb} takes no command behind --; these commands do: {', '.join(sorted(WITH_COMMAND))}"
        )
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """Run a command whose options are read; every error becomes one line and an exit status."""
    try:
        check_address_space()
        return int(import_module(f"harness.cli.{options.verb}").run(options))
    except KeyboardInterrupt:
        print("interrupted; all results are stored: the same command continues from there", file=sys.stderr)
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


def _no_command(first: str, command: Sequence[str]) -> str:
    """Return what to do where the first word is no command of the harness; empty where it is one."""
    if first in VERBS or (first.startswith("-") and not command):
        return ""
    if first.endswith(".py"):
        return f"the command is missing; to bisect: {PROG} bisect {first} --package PACKAGE --from VERSION"
    if command:
        subject = f"--package PACKAGE --from VERSION -- {shlex.join(command)}"
        return f"the command is missing; to bisect: {PROG} bisect {subject}"
    close = difflib.get_close_matches(first, VERBS, n=1)
    meant = f"did you mean {close[0]}?" if close else f"{PROG} --help lists the commands"
    return f"there is no command {first!r}; {meant}"


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
