"""The question on the command line: options that make it up, and the value that they mean."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.model.commands import GROUPS, OF_FIRST, OF_SUBJECT
from harness.model.options import add_options, read_options
from harness.model.question import Axis, Ends, Holds, Job, Judging, Place, Plan, Question, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence


class InOrder(argparse.Action):
    """Stores a value as usual, and notes it in `ranges`, in the order of the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature is argparse's
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Take in one option."""
        setattr(namespace, self.dest, values)
        namespace.ranges = [*getattr(namespace, "ranges", ()), (self.dest, values)]


def add_question(parser: argparse.ArgumentParser, verb: str) -> dict[str, argparse._ArgumentGroup]:
    """Add all options of a question that a command takes; return {heading: group} of them."""
    parser.usage = "%(prog)s [OPTION]... [SCENARIO | SCRIPT.py | -- COMMAND]"
    parser.add_argument(
        "scenario",
        metavar="SCENARIO",
        nargs="?",
        default="",
        help="name of a scenario, path of its folder, a Python script or a notebook; leave it out for a command behind --",
    )
    groups = {title: parser.add_argument_group(title, text or None) for title, text in GROUPS.items()}
    groups[OF_SUBJECT].add_argument(
        "--pytest",
        action="append",
        default=[],
        metavar="NODE",
        help="in place of SCENARIO: a file, a folder or one test for pytest; may be repeated",
    )
    if verb != "blame":
        add_axes(groups[OF_FIRST])
    for part in (Subject, Ends, Job, Holds, Judging, Plan, Place):
        add_options(parser, part, verb, groups)
    return groups


def add_axes(parser: argparse._ActionsContainer, *, to: str = "--to") -> None:
    """Add the options that say which packages and which of their releases vary.

    Args:
        parser: Of the command, or a group of its options.
        to: What it calls the newest release of a range.
    """
    parser.add_argument(
        "--package",
        action=InOrder,
        metavar="P",
        help="package whose releases are compared, with extras if needed (jax[cpu]); default: the scenario's; with a second "
        "one, the releases of both are combined",
    )
    parser.add_argument(
        "--from",
        action=InOrder,
        dest="first",
        metavar="V",
        help="oldest release of the range; default: the scenario's, or the oldest of all",
    )
    parser.add_argument(
        to,
        action=InOrder,
        dest="last",
        metavar="V",
        help="newest release of the range; default: the newest of all",
    )


def read_question(options: argparse.Namespace) -> Question:
    """Return the question that parsed options mean.

    Raises:
        UsageError: Something stands twice, or both a script and a command are given.
    """
    return Question(
        subject=_subject(options),
        axes=read_axes(getattr(options, "ranges", ())),
        ends=read_options(Ends, options),
        holds=read_options(Holds, options),
        job=read_options(Job, options),
        judging=read_options(Judging, options),
        plan=read_options(Plan, options),
    )


def read_place(options: argparse.Namespace) -> Place:
    """Return where and how fast probes are to be executed."""
    return read_options(Place, options)


def _subject(options: argparse.Namespace) -> Subject:
    scenario, command = options.scenario, tuple(options.command)
    if options.pytest:
        if scenario or command:
            raise UsageError(f"--pytest and {scenario or 'a command behind --'}: give one of them")
        command = ("python", "-m", "pytest", *options.pytest)
    if scenario.endswith((".py", ".ipynb")) and Path(scenario).is_file():
        if command:
            raise UsageError(f"{scenario} and a command behind --: give one of them")
        scenario, command = "", ("python", scenario)
    elif scenario and command:
        raise UsageError(f"the scenario {scenario} and a command behind --: give one of them")
    return read_options(Subject, options, scenario=scenario, command=command)


def read_axes(given: Sequence[tuple[str, str]], *, to: str = "--to") -> tuple[Axis, ...]:
    """Return what options in order say to vary.

    Args:
        given: (`package`, `first` or `last`; its value), in order. With one package, ends may stand before it too.
        to: What the command calls the newest release of a range.

    Raises:
        UsageError: An end is given twice, or before the first of two packages; a package is given twice; there are
            more packages than two.
    """
    from harness.scenario.command import check_packages  # noqa: PLC0415 - kept out of start-up

    ends = {"first": "--from", "last": to}
    packages = [value for name, value in given if name == "package"]
    check_packages(packages)
    found = [Axis(package=packages[0])] if len(packages) == 1 else []
    for name, value in given:
        if name == "package":
            found += [Axis(package=value)] if len(packages) > 1 else []
            continue
        if not found:
            if packages:
                raise UsageError(
                    f"{ends[name]} {value} stands before any --package: with two packages, "
                    f"--from and {to} stand behind the one that they belong to"
                )
            found = [Axis()]  # the scenario's own package
        if getattr(found[-1], name) is not None:
            whose = f" for {found[-1].package}" if found[-1].package else ""
            raise UsageError(
                f"{ends[name]} is given twice{whose}: --from and {to} belong to the --package before them, "
                "each once"
            )
        found[-1] = replace(found[-1], **{name: value})
    return tuple(found)
