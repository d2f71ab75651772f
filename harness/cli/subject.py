"""What a command line wants to be run: a scenario, a script or a command, and what its environments hold."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.bundles.bundle import Bundle
    from harness.scenario import Scenario, Setting

_BY_EXIT = ("bad_when_stdout_matches", "error_matches", "import_errors")
_KINDS = {
    "metric": ("expect", "minimum_effect", "higher_is_worse", "reference"),
    "output": ("atol", "rtol", "reference"),
    "warning_matches": (),
}
"""Options that choose another oracle than the exit status, and those that go with each."""
_JUDGING = tuple(dict.fromkeys((*_KINDS, *(name for names in _KINDS.values() for name in names), *_BY_EXIT)))
"""Options that say what makes a script good."""
_FLAGS = {("higher_is_worse", False): "--higher-is-better", ("higher_is_worse", True): "--lower-is-better"}
"""Options that take no value, by the setting they mean and what they set it to."""


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add what is run, in which environment, and how a script is judged."""
    parser.add_argument(
        "scenario",
        metavar="SCENARIO",
        nargs="?",
        help="name of a scenario, path of its folder, or a script; or none, and a command behind --",
    )
    _add_environment(parser)
    _add_command(parser)


def add_pins(parser: argparse.ArgumentParser) -> None:
    """Add what every environment holds."""
    parser.add_argument(
        "--with",
        dest="pins",
        action="append",
        default=[],
        metavar="REQUIREMENT",
        help='what every environment holds besides, as "torch==2.13.0"; may be repeated',
    )


def _add_environment(parser: argparse.ArgumentParser) -> None:
    """Add what every environment holds and lets through."""
    add_pins(parser)
    parser.add_argument(
        "--python",
        metavar="V",
        help="Python of the environments, as 3.10 or >=3.10, or the path of one or of a virtual environment",
    )
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="seconds a probe may take")
    parser.add_argument("--online", action="store_true", help="let probes use the network")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="an environment variable that probes get; without a value, as it is here; may be repeated",
    )


def _add_command(parser: argparse.ArgumentParser) -> None:
    """Add what makes a command's end good or bad besides its exit status."""
    group = parser.add_argument_group(
        "of a script or a command",
        "Exit status 0 is good, 125 skip, 1 to 127 bad, 128 and more skip; a failed import is skip.",
    )
    group.add_argument(
        "--bad-when-stdout-matches",
        metavar="REGEX",
        help="bad if the output matches, whatever the exit status; any other failure is skip",
    )
    group.add_argument(
        "--error-matches", metavar="REGEX", help="bad only if the output matches; another error is skip"
    )
    group.add_argument(
        "--import-errors",
        choices=("bad", "skip"),
        help="what a module that cannot be imported means, default skip",
    )
    group.add_argument(
        "--metric",
        metavar="NAME",
        help="judge the last NAME=value that is printed, alone or among others, or in a line of JSON, or harness.record(NAME, value), or what the harness "
        "measures: wall_seconds, memory_peak, with a recorder step_seconds and others",
    )
    group.add_argument(
        "--expect",
        metavar="BOUND",
        help='what the metric must be, as "<0.5"; without it, what the reference gives within its noise: '
        "every change counts",
    )
    direction = group.add_mutually_exclusive_group()
    for (name, value), flag in _FLAGS.items():
        worse = "higher" if value else "lower"
        direction.add_argument(
            flag,
            dest=name,
            action="store_const",
            const=value,
            help=f"a metric that is {worse} is bad, no other is",
        )
    group.add_argument(
        "--minimum-effect",
        type=float,
        metavar="X",
        help="how many times the reference's value a change of the metric must be to count; default 1.1 of what the "
        "harness measures, of a printed metric every change beyond noise",
    )
    group.add_argument(
        "--reference",
        metavar="V",
        help="the release that metric or output is compared with; default: the oldest of the range that can be "
        "tested and is good by itself, with --find-fix the newest",
    )
    group.add_argument(
        "--warning-matches",
        metavar="REGEX",
        help="bad if a warning `Category: message` of the script matches",
    )
    group.add_argument(
        "--output",
        metavar="NAME",
        help="compare what the script hands to harness.output(NAME, value) with what the reference gives; "
        'a pattern will do, as "*"',
    )
    group.add_argument(
        "--atol", type=float, metavar="X", help="absolute difference of an output that is allowed"
    )
    group.add_argument(
        "--rtol",
        type=float,
        metavar="X",
        help="difference of an output that is allowed, in units of its value; without both, learnt",
    )


def _seconds(text: str) -> float:
    """Read a number of seconds above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return value


def subject(options: argparse.Namespace) -> Scenario:
    """Return the scenario that is named, or the one that the command is, with what the command line changes.

    Raises:
        UsageError: Nothing, or too much, is named; a requirement, a version or a variable is wrong.
    """
    from harness.command import merge_pins, python_specifier  # noqa: PLC0415 - kept out of start-up
    from harness.scenario import load_scenario  # noqa: PLC0415
    from harness.script import check_requirements  # noqa: PLC0415

    command = list(options.command)
    if options.scenario and options.scenario.endswith(".py") and Path(options.scenario).is_file():
        if command:
            raise UsageError(f"{options.scenario} and a command behind --: give one of them")
        command = ["python", options.scenario]
    elif options.scenario and command:
        raise UsageError(f"the scenario {options.scenario} and a command behind --: give one of them")
    pins = check_requirements(options.pins, "--with")
    if command:
        scenario = _of_command(command, options)
    elif options.scenario:
        for name in _JUDGING:
            if getattr(options, name) is not None:
                raise UsageError(
                    f"{_flag(name, getattr(options, name))} belongs to a script or a command; "
                    f"a scenario says it in the [oracle] table of its scenario.toml"
                )
        scenario = load_scenario(options.scenario)
    else:
        raise UsageError(
            "what is to be run? Name a scenario, or a script, or give a command behind --, "
            "as in: bisect --package transformers -- python repro.py"
        )
    return replace(
        scenario,
        pins=merge_pins(scenario.pins, pins),
        python=python_specifier(options.python) if options.python else scenario.python,
        timeout=options.timeout or scenario.timeout,
        online=options.online or scenario.online,
        variables={**scenario.variables, **_variables(options.env)},
    )


def from_bundle(options: argparse.Namespace) -> Bundle:
    """Return the bundle that is named, and set the options that it decides.

    Raises:
        HarnessError: As `open_bundle` says; or an option is given that the bundle decides.
    """
    from harness.bundles.bundle import open_bundle  # noqa: PLC0415 - kept out of start-up
    from harness.home import Home  # noqa: PLC0415

    decided = {"SCENARIO": options.scenario, "a command behind --": options.command, "--with": options.pins}
    decided |= {"--package": options.package, "--python": options.python, "--pre": options.pre}
    decided |= {"--torch": options.torch != "auto", "--locks": getattr(options, "locks", None)}
    for name, given in decided.items():
        if given:
            raise UsageError(f"--bundle and {name}: the bundle decides that; leave {name} out")
    bundle = open_bundle(Path(options.bundle), Home.find())
    options.scenario, options.package = str(bundle.scenario), bundle.package
    options.pins, options.python, options.torch = list(bundle.pins), bundle.python, bundle.torch
    options.first = getattr(options, "first", None) or bundle.releases[0].version
    options.last = getattr(options, "last", None) or bundle.releases[-1].version
    return bundle


def _of_command(command: list[str], options: argparse.Namespace) -> Scenario:
    from harness.command import command_scenario  # noqa: PLC0415 - kept out of start-up

    if not options.package:
        raise UsageError("--package is missing: which package's releases is the script to be run with?")
    return command_scenario(command, package=options.package, oracle=_oracle(options))


def _oracle(options: argparse.Namespace) -> dict[str, Setting]:
    """Return the settings of the oracle that the options of a command mean."""
    from harness.traces.measured import MEASURED  # noqa: PLC0415 - kept out of start-up

    given = {name: getattr(options, name) for name in _JUDGING if getattr(options, name) is not None}
    chosen = [name for name in _KINDS if name in given]
    if len(chosen) > 1:
        both = " and ".join(_flag(name) for name in chosen)
        raise UsageError(f"{both}: a script is judged by one of them")
    allowed = {*_BY_EXIT, *_KINDS, *(_KINDS[chosen[0]] if chosen else ())}
    for name in given.keys() - allowed:
        kinds = [kind for kind, names in _KINDS.items() if name in names]
        said = f"{_words(name, given[name])} without {' or '.join(map(_flag, kinds))}"
        raise UsageError(f"{said}: of which {' or '.join(_OF_WHAT[kind] for kind in kinds)} is that said?")
    if "expect" in given and (extra := [name for name in _COMPARING if name in given]):
        flag = _words(extra[0], given[extra[0]])
        raise UsageError(f"{flag} beside --expect: nothing is compared where a bound is given; leave one out")
    own: dict[str, Setting] = {"kind": "exit-status"}
    if options.metric in MEASURED and options.expect is None:
        own = {"kind": "performance", "signal": options.metric, "exit_status": True}
    elif options.metric:
        own = {"kind": "metric", "signal": options.metric, "window": 1, "exit_status": True}
    elif options.warning_matches:
        own = {"kind": "warnings", "matches": options.warning_matches, "exit_status": True}
    elif options.output:
        own = {"kind": "output", "only": options.output, "exit_status": True}
    return own | {name: value for name, value in given.items() if name not in _KINDS}


_OF_WHAT = {"metric": "value", "output": "output"}
_COMPARING = ("minimum_effect", "higher_is_worse", "reference")
"""Settings of a metric that is compared with a reference."""


def _flag(name: str, value: object = None) -> str:
    """Return the option that means a setting."""
    named = f"--{name.replace('_', '-')}"
    return _FLAGS.get((name, value), named) if isinstance(value, bool) else named


def _words(name: str, value: object) -> str:
    """Return an option as it is given, with its value if it takes one."""
    return _flag(name, value) if isinstance(value, bool) else f"{_flag(name)} {value}"


def _variables(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and name not in os.environ:
            raise UsageError(f"--env {text}: there is no such variable here; give its value, as {text}=1")
        found[name] = value if equals else os.environ[name]
    return found


def probe_words(options: argparse.Namespace) -> Iterator[str]:
    """Yield the options of `probe` that mean the same job in the same environment, the release left out."""
    if options.bundle:
        yield from ("--bundle", options.bundle)
    if options.scenario and not options.scenario.endswith(".py"):
        yield options.scenario
    single = {"package": options.package, **{name: getattr(options, name) for name in _JUDGING}}
    single |= {"python": options.python, "timeout": f"{options.timeout:g}" if options.timeout else None}
    single |= {"torch": None if options.torch == "auto" else options.torch}
    for name, value in single.items():
        if isinstance(value, bool):
            yield _flag(name, value)
        elif value is not None:
            yield from (f"--{name.replace('_', '-')}", str(value))
    for name, values in (("with", options.pins), ("env", options.env), ("set", options.set)):
        for value in values:
            yield from (f"--{name}", value)
    if options.online:
        yield "--online"
