"""The one place that starts uv, with the user's own index settings and without any project's configuration."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.errors import ToolMissingError
from harness.failures import Failure, classify
from harness.files import scratch_folder
from harness.namespaces import namespaces_forbidden, private_folders
from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_UNWANTED = (
    "VIRTUAL_ENV",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_EXCLUDE_NEWER",
    "PYTHONPATH",
)

NO_BUILD = "UV_NO_BUILD"
"""Variable that keeps uv from building a source distribution, which executes its code."""

NO_INDEX = "UV_NO_INDEX"
"""Variable that lets uv know the packages in folders alone."""

_OPTIONS = {NO_BUILD: "--no-build", NO_INDEX: "--no-index"}
"""{variable: option}: `uv pip` passes over these variables. It would then take a file of an index that it once read."""

_WAIT = 0.5
"""Seconds before what failed for the machine's sake is tried again; twice that before it is tried a third time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one uv command ended.

    Attributes:
        code: 0 done; 1 uv's own no (no solution, a build that failed); 2 anything else; negative: killed by a signal.
        reason: What uv said, in one line; never empty where it failed.
        failure: Why it failed; None if it did not.
    """

    code: int
    stdout: str
    reason: str
    failure: Failure | None = None


class Uv:
    """Runs uv commands.

    Args:
        variables: Environment variables added to the process's own.
        confined: Whether code that builds a wheel is shut off, as far as the machine allows.
    """

    def __init__(self, variables: Mapping[str, str] | None = None, *, confined: bool = True) -> None:
        self.variables = dict(variables or {})
        self.confined = confined

    @cached_property
    def program(self) -> str:
        """Path of the uv program: the one installed beside the harness, else the one on PATH.

        Raises:
            ToolMissingError: There is none.
        """
        try:
            from uv import find_uv_bin  # noqa: PLC0415 - may be absent

            return str(find_uv_bin())
        except (ImportError, FileNotFoundError):
            found = shutil.which("uv")
            if found is None:
                raise ToolMissingError(
                    "uv is not installed, and it makes every environment: python -m pip install uv"
                ) from None
            return found

    def run(self, *arguments: str, without: Collection[str] = (), writable: Collection[str] = ()) -> Outcome:
        """Run uv away from any project folder and return how it ended.

        What failed is tried again as often as `Failure.again` says: a build that fails once, or a uv that was killed
        or that another uv was in the way of, says nothing of what was to be done.

        Args:
            arguments: The command.
            without: Environment variables that must not reach it.
            writable: Folders that a build writes into besides those of uv.
        """
        environment = self.environment(without)
        environment |= {"UV_LINK_MODE": "copy"}  # a build must not write into uv's cache through a link
        if self.confined:
            environment |= _confined_builds(writable)
        if arguments[:1] == ("pip",):
            arguments = (*arguments, *(option for name, option in _OPTIONS.items() if environment.get(name)))
        outcome = self._once(arguments, environment)
        tried = 0
        while outcome.failure is not None and tried < outcome.failure.again:
            if not outcome.failure.of_release:
                time.sleep(_WAIT * (tried + 1))
            tried += 1
            outcome = self._once(arguments, environment)
        return outcome

    def environment(self, without: Collection[str] = ()) -> dict[str, str]:
        """Return the environment variables of a uv command, but for those of `without`."""
        wanted = {**os.environ, **self.variables, "NO_COLOR": "1", "UV_NO_PROGRESS": "1"}
        unwanted = {*_UNWANTED, *without}
        return {key: value for key, value in wanted.items() if key not in unwanted}

    def execute(
        self, words: Sequence[str], folder: Path, timeout: float, *, python: str
    ) -> tuple[int, str, str]:
        """Run a uv command once, as a person types it in a folder.

        Args:
            words: Behind `uv`.
            folder: Where.
            timeout: Seconds that it may take.
            python: Interpreter that uv may not find by itself.

        Returns:
            Its exit status, standard output and standard error; -1 where it took longer than `timeout` seconds.
        """
        try:
            done = subprocess.run(
                [self.program, *words],
                cwd=folder,
                env={**self.environment(), "UV_PYTHON": python},
                check=False,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return -1, "", f"it takes longer than {timeout:.0f} s"
        return done.returncode, done.stdout, done.stderr

    def _once(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Outcome:
        with scratch_folder("uv") as neutral:
            done = subprocess.run(
                [self.program, *arguments],
                cwd=neutral,
                env=environment,
                check=False,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        reason = one_line(done.stderr) or _how_it_ended(done.returncode)
        return Outcome(done.returncode, done.stdout, reason, classify(done.returncode, done.stderr))


def _confined_builds(writable: Collection[str]) -> dict[str, str]:
    """Return the variables by which a build confines itself as it starts, see `build_only/harness_build.py`."""
    asked = {
        "isolated": not namespaces_forbidden(),
        "hidden": sorted({os.path.realpath(path) for path in private_folders()}),
        "readable": [str(RECORDER)],
        "writable": [os.path.realpath(path) for path in writable],
    }
    return {
        "PYTHONPATH": str(RECORDER / "build_only"),
        "PYTHONWARNINGS": "ignore::harness_build.Confined",
        "HARNESS_BUILD": json.dumps(asked),
    }


def _how_it_ended(code: int) -> str:
    if code < 0:
        name = next((item.name for item in signal.Signals if item == -code), str(-code))
        return f"uv was killed by {name}"
    return f"uv ended with exit status {code} and said nothing" if code else ""


def one_line(message: str) -> str:
    """Return uv's drawn, many-lined message as one plain line.

    Of a build's own output the last line is kept, which names the exception: what stands above it differs from
    run to run (temporary paths), and hints repeat what the message says.
    """
    for mark in ("╰─▶", "├─▶", "×", "│"):  # noqa: RUF001 - as uv prints them
        message = message.replace(mark, " ")
    parts: list[str] = []
    in_output = False
    for line in (line.strip() for line in message.splitlines()):
        if line.startswith("hint:"):
            break
        if line in {"[stdout]", "[stderr]"}:
            parts += [] if in_output else [line]
            in_output = True
        elif line and in_output:
            parts[-1] = line
        elif line.startswith(("error: ", "cause: ")) or (line and not parts):
            parts.append(line.removeprefix("error: ").removeprefix("cause: "))
        elif line:  # a wrapped line
            parts[-1] += f" {line}"
    return ": ".join(parts)
