"""Command mode: a command line that shows the fault becomes a scenario with one arm, judged by its exit status.

`python repro.py` needs no folder and no settings: the script is run as it is, in the working folder, once in the
environment of each release. What it needs is told by options, or by the script itself in a PEP 723 block.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.model.subject import MOST_AXES
from harness.scenario import Arm, Scenario
from harness.scenario.notebook import SUFFIX, convert
from harness.scenario.script import is_pytest, script_metadata, script_of
from harness.state import State
from harness.verdicts.oracles import check_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.scenario import Setting
    from harness.scenario.notebook import Notebook


def merge_pins(pins: Iterable[str], over: Iterable[str]) -> tuple[str, ...]:
    """Return pins with those of `over` in place of the ones of the same package."""
    named = {canonicalize_name(Requirement(pin).name): pin for pin in (*pins, *over)}
    return tuple(named.values())


def package_under_test(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the canonical name of a package and its extras, given as `jax` or `jax[cpu]`.

    Raises:
        UsageError: It is written otherwise.
    """
    try:
        named = Requirement(text)
    except InvalidRequirement:
        named = None
    if named is None or named.specifier or named.marker or named.url:
        raise UsageError(
            f"--package {text}: expected the name of a package, with extras where they are wanted, as jax[cpu]; "
            "--from and --to say which releases"
        )
    return str(canonicalize_name(named.name)), tuple(sorted(named.extras))


def check_packages(packages: Sequence[str]) -> list[str]:
    """Return the canonical names of the packages that a question varies.

    Raises:
        UsageError: One of them is no name, or stands there twice, or there are more than two.
    """
    names = [package_under_test(package)[0] for package in packages]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"--package {name} is given twice: name two different packages, or one of them once"
            )
    if len(names) > MOST_AXES:
        raise UsageError(
            f"{len(names)} packages ({', '.join(names)}): two at most can be varied together; "
            f"hold the others, as in --with {names[-1]}==VERSION"
        )
    return names


def python_specifier(text: str) -> str:
    """Return the specifier that `3.10`, `3.10.4` or a specifier such as `>=3.10` means, or the path of an interpreter.

    An interpreter may be given by its path, or by the folder of the virtual environment that it is in.

    Raises:
        UsageError: It is none of these.
    """
    path = Path(text).expanduser()
    if os.sep in text and path.exists():
        return str(path.absolute())  # links stay: a virtual environment's interpreter is one
    if re.fullmatch(r"3\.\d+", text):
        text = f"=={text}.*"
    elif re.fullmatch(r"3\.\d+\.\d+", text):
        text = f"=={text}"
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        if path.exists():
            return str(path.absolute())
        raise UsageError(
            f"--python {text}: expected a version as 3.10, a specifier as >=3.10, or the path of an interpreter "
            "or of a virtual environment; nothing is there"
        ) from None


def _called(command: Sequence[str], script: Path | None) -> str:
    """Return what the arm of a command is called: as its script, as its tests, or as its program."""
    if script is not None:
        return script.stem
    if is_pytest(command):
        files = [word.partition("::")[0] for word in command[1:] if word.partition("::")[0].endswith(".py")]
        return Path(files[0]).stem if len(files) == 1 else "pytest"
    return Path(command[0]).name


def _about_installs(notebook: Notebook, *, pip_lines: bool) -> str:
    """Say what became of the lines that install packages."""
    lines = "; ".join(notebook.installs)
    if pip_lines:
        return f"every environment holds what the notebook installs: {', '.join(notebook.requirements)}"
    return (
        f"the notebook installs packages, and no probe does that: {lines}; "
        "--pip-lines puts what they name into every environment, --with names it yourself"
    )


def command_scenario(
    command: Sequence[str], *, package: str, oracle: Mapping[str, Setting], pip_lines: bool = False
) -> Scenario:
    """Return the scenario that a command line is: one arm, judged by its exit status first.

    Args:
        command: Program and arguments; `python` is the interpreter of the environment.
        package: Package under test, perhaps with extras.
        oracle: Settings of the oracle.
        pip_lines: Whether environments hold what a notebook's installing lines name.

    Raises:
        UsageError: The script is missing, its PEP 723 block is wrong, or the oracle's settings are.
    """
    folder = Path.cwd()
    script = script_of(command, folder)
    notes: list[str] = []
    named: Sequence[str] = ["pytest"] if is_pytest(command) else []
    if script is not None and script.suffix == SUFFIX:
        folder, notebook = script.parent, convert(script, State.find().notebooks)
        script = notebook.script
        named = notebook.requirements if pip_lines else []
        notes = [_about_installs(notebook, pip_lines=pip_lines)] if notebook.installs else []
    pins, python = script_metadata(script) if script else ([], None)
    complaints = check_settings(oracle)
    if complaints:
        raise UsageError(f"what a good script is: {complaints[0].said}")
    name = re.sub(r"[^\w.-]+", "-", _called(command, script)).strip("-") or "command"
    return Scenario(
        name=name,
        folder=folder,
        package=package_under_test(package)[0],
        job=script,
        pins=merge_pins(pins, named),
        arms={name: Arm(name, {})},
        oracle=oracle,
        description=shlex.join(command),
        python=python_specifier(python) if python else ">=3.8",
        command=tuple(command),
        ad_hoc=True,
        notes=tuple(notes),
    )
