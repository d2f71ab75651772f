"""The Python interpreter that a scenario's environments are made with."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from harness.errors import ToolMissingError
from harness.version import minor_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.uv import Uv

_ASK = (
    "import json, platform, sys, sysconfig;"
    "print(json.dumps([platform.python_version(), sysconfig.get_platform()]))"
)

_NAME = re.compile(r"python3(\.\d+)?")
"""Names under which an interpreter is installed."""

_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python on this machine.

    Attributes:
        version: Full, as 3.11.7.
        platform: As `sysconfig.get_platform()`, for example linux-x86_64.
    """

    path: Path
    version: str
    platform: str

    @property
    def minor(self) -> str:
        """Major and minor version, as 3.11: what decides which wheels fit."""
        return minor_of(self.version)


def ask(path: Path) -> Interpreter:
    """Return the facts of the interpreter at `path`.

    Raises:
        ToolMissingError: It does not run.
    """
    try:
        done = subprocess.run(
            [path, "-I", "-c", _ASK], check=True, capture_output=True, text=True, timeout=60
        )
        version, of_platform = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ToolMissingError(
            f"the Python interpreter {path} does not run ({error}); name another"
        ) from None
    return Interpreter(path, version, of_platform)


def find_interpreter(wanted: str, uv: Uv) -> Interpreter:
    """Return the interpreter that is named, else this process's own if it will do, else one that is found or installed.

    uv gives up at the first program on the path that does not run, as a shim of pyenv whose version is not chosen.
    So where it finds none, the folders of version managers and of the path are looked through one by one.

    Args:
        wanted: A specifier, or the path of an interpreter or of a virtual environment.
        uv: Finds and installs.

    Raises:
        ToolMissingError: None satisfies it and none could be installed, or what is named does not run.
    """
    if os.sep in wanted:
        return ask(_program(Path(wanted)))
    specifier = SpecifierSet(wanted)
    own = ".".join(str(part) for part in sys.version_info[:3])
    if specifier.contains(own):
        # It is this process's own: to start it, only to be told what is known here, would take a while each time.
        return Interpreter(_own_base(), platform.python_version(), sysconfig.get_platform())
    found = uv.run("python", "find", wanted, "--no-project", "--system")
    if not found.code:
        return ask(Path(found.stdout.strip()))
    there = installed()
    fitting = [one for one in there if specifier.contains(one.version, prereleases=True)]
    if fitting:
        return fitting[0]
    uv.run("python", "install", wanted)
    found = uv.run("python", "find", wanted, "--no-project", "--managed-python")
    if found.code:
        raise ToolMissingError(
            f"no Python {wanted} on this machine, and uv could not install one ({found.reason}); "
            f"found here: {named(there) or 'none'}: take one of these by --python, or install what is wanted"
        )
    return ask(Path(found.stdout.strip()))


def installed() -> list[Interpreter]:
    """Return the interpreters that version managers and the folders of the path hold, each once, newest first.

    A program that does not run is left out.
    """
    names = [path for folder in _folders() for path in sorted(folder.glob("python3*"))]
    programs = {path.resolve(): path for path in names if _NAME.fullmatch(path.name)}
    found: dict[str, Interpreter] = {}
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for interpreter in filter(None, pool.map(_if_it_runs, programs.values())):
            found.setdefault(interpreter.version, interpreter)
    return sorted(found.values(), key=lambda one: Version(one.version), reverse=True)


def named(interpreters: Sequence[Interpreter]) -> str:
    """Return versions with their paths, for a message."""
    return ", ".join(f"{one.version} ({one.path})" for one in interpreters)


def _folders() -> Iterator[Path]:
    """Yield the folders in which interpreters may lie, those of version managers first: what lies there is whole."""
    home = Path.home()
    roots = {
        Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(os.environ.get("ASDF_DATA_DIR") or home / ".asdf") / "installs" / "python",
        Path(os.environ.get("MISE_DATA_DIR") or home / ".local" / "share" / "mise") / "installs" / "python",
    }
    for root in sorted(roots):
        yield from sorted(root.glob("*/bin"))
    yield from map(Path, filter(None, os.environ.get("PATH", "").split(os.pathsep)))


def _if_it_runs(path: Path) -> Interpreter | None:
    try:
        return ask(path)
    except ToolMissingError:
        return None


def _program(path: Path) -> Path:
    """Return the interpreter that a path means: itself, or that of a virtual environment's folder."""
    if not path.is_dir():
        return path
    program = path / "bin" / "python"
    if not program.exists():
        raise ToolMissingError(f"--python {path}: a folder without bin/python is no virtual environment")
    return program


def _own_base() -> Path:
    """Return the interpreter behind the virtual environment that the harness itself runs in."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    base = Path(sys.base_prefix) / "bin" / name
    return base if base.exists() else Path(getattr(sys, "_base_executable", sys.executable))
