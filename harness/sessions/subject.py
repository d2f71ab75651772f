"""What a question executes: the scenario that it names, or the one that its command is."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.model.options import write_options
from harness.model.question import Ends, Question
from harness.scenario import load_scenario
from harness.scenario.command import command_scenario, merge_pins, python_specifier
from harness.scenario.script import check_requirements
from harness.traces.measured import COUNTED, MEASURED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model.question import Judging
    from harness.scenario import Scenario, Setting

ENVIRONMENT = "environment"
"""What stands for the package under test where whole environments are compared."""


def load_subject(question: Question) -> Scenario:
    """Return the scenario that is named, or the one that the command is, with what the question changes.

    Raises:
        UsageError: Nothing, or too much, is named; a requirement, a version or a variable is wrong.
    """
    subject, holds = question.subject, question.holds
    pins = check_requirements(holds.pins, "--with")
    if subject.command:
        scenario = _of_command(question)
    elif subject.scenario:
        for name, _ in question.judging.given():
            if name != "reference":
                raise UsageError(
                    f"{_words(question.judging, name)} belongs to a script or a command; "
                    "a scenario says it in the [oracle] table of its scenario.toml"
                )
        scenario = load_scenario(subject.scenario)
        if question.judging.reference:
            scenario = replace(scenario, oracle={**scenario.oracle, "reference": question.judging.reference})
    else:
        raise UsageError(
            "what is to be run? Name a scenario, or a script, or give a command behind --, "
            "as in: bisect --package transformers -- python repro.py"
        )
    if scenario.tests and (question.job.ranks or 1) > 1:
        raise UsageError(
            f"--ranks {question.job.ranks}: the command runs pytest, whose tests are no ranks of one job; "
            "name the script that trains"
        )
    return replace(
        scenario,
        pins=merge_pins(scenario.pins, pins),
        python=python_specifier(holds.python) if holds.python else scenario.python,
        timeout=holds.timeout or scenario.timeout,
        online=holds.online or scenario.online,
        variables={**scenario.variables, **_variables(holds.variables)},
        ranks=question.job.ranks or scenario.ranks,
    )


def _of_command(question: Question) -> Scenario:
    between_environments = question.ends != Ends()
    if not between_environments and not any(axis.package for axis in question.axes):
        raise UsageError(
            "--package is missing: name the package whose releases the script is to be executed with, "
            "for example --package peft"
        )
    package = ENVIRONMENT if between_environments else question.axes[0].package
    return command_scenario(
        question.subject.command,
        package=package,
        oracle=oracle_of(question.judging),
        pip_lines=question.holds.pip_lines,
    )


_BY_EXIT = ("bad_when_stdout_matches", "error_matches", "import_errors")
_KINDS = {
    "metric": ("expect", "minimum_effect", "higher_is_worse", "reference"),
    "output": ("atol", "rtol", "reference"),
    "warning_matches": (),
}
"""Options that choose another oracle than the exit status, and those that go with each."""
_OF_WHAT = {"metric": "value", "output": "output"}
_COMPARING = ("minimum_effect", "higher_is_worse", "reference")
"""Settings of a metric that is compared with a reference."""


def oracle_of(judging: Judging) -> dict[str, Setting]:
    """Return the settings of the oracle that the options of a command mean.

    Raises:
        UsageError: Options do not go together.
    """
    given = dict(judging.given())
    chosen = [name for name in _KINDS if name in given]
    if len(chosen) > 1:
        both = " and ".join(f"--{name.replace('_', '-')}" for name in chosen)
        raise UsageError(f"{both}: a script is judged by one of them")
    allowed = {*_BY_EXIT, *_KINDS, *(_KINDS[chosen[0]] if chosen else ())}
    for name in given.keys() - allowed:
        kinds = [kind for kind, names in _KINDS.items() if name in names]
        without = " or ".join(f"--{kind}" for kind in kinds)
        of_what = " or ".join(_OF_WHAT[kind] for kind in kinds)
        raise UsageError(f"{_words(judging, name)} without {without}: of which {of_what} is that said?")
    if "expect" in given and (extra := [name for name in _COMPARING if name in given]):
        raise UsageError(
            f"{_words(judging, extra[0])} beside --expect: nothing is compared where a bound is given; leave one out"
        )
    own: dict[str, Setting] = {"kind": "exit-status"}
    if judging.metric in MEASURED and judging.expect is None:
        own = {"kind": "performance", "signal": str(judging.metric), "exit_status": True}
    elif judging.metric:
        own = {"kind": "metric", "signal": judging.metric, "window": 1, "exit_status": True}
        if judging.metric in COUNTED and judging.expect is None:
            own["minimum_effect"] = _EFFECT
    elif judging.warning_matches:
        own = {"kind": "warnings", "matches": judging.warning_matches, "exit_status": True}
    elif judging.output:
        own = {"kind": "output", "only": judging.output, "exit_status": True}
    return own | {name: value for name, value in given.items() if name not in _KINDS}


_EFFECT = 1.1
"""A count changes for many reasons; this many times as much counts, as with what the harness measures."""


def _words(judging: Judging, name: str) -> str:
    """Return an option as it is given, with its value if it takes one."""
    others = [one for one, _ in judging.given() if one != name]
    return " ".join(write_options(judging, "bisect", without=others))


def _variables(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and name not in os.environ:
            raise UsageError(f"--env {text}: there is no such variable here; give its value, as {text}=1")
        found[name] = value if equals else os.environ[name]
    return found
