"""The Python interpreter that a scenario's environments are made with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from harness.errors import ToolMissingError

if TYPE_CHECKING:
    from harness.uv import Uv

_ASK = (
    "import json, platform, sys, sysconfig;"
    "print(json.dumps([platform.python_version(), sysconfig.get_platform()]))"
)


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
        return ".".join(self.version.split(".")[:2])


def ask(path: Path) -> Interpreter:
    """Return the facts of the interpreter at `path`.

    Raises:
        ToolMissingError: It does not run.
    """
    try:
        done = subprocess.run(
            [path, "-I", "-c", _ASK], check=True, capture_output=True, text=True, timeout=60
        )
        version, platform = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ToolMissingError(
            f"the Python interpreter {path} does not run ({error}); name another"
        ) from None
    return Interpreter(path, version, platform)


def find_interpreter(specifier: str, uv: Uv) -> Interpreter:
    """Return this process's own Python if it satisfies `specifier`, else one that uv finds or installs.

    Raises:
        ToolMissingError: None satisfies it and none could be installed.
    """
    own = ".".join(str(part) for part in sys.version_info[:3])
    if SpecifierSet(specifier).contains(own):
        return ask(_own_base())
    found = uv.run("python", "find", specifier, "--no-project", "--system")
    if found.code:
        uv.run("python", "install", specifier)
        found = uv.run("python", "find", specifier, "--no-project", "--system")
    if found.code:
        raise ToolMissingError(
            f"no Python {specifier} on this machine, and uv could not install one ({found.reason}); install it"
        )
    return ask(Path(found.stdout.strip()))


def _own_base() -> Path:
    """Return the interpreter behind the virtual environment that the harness itself runs in."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    base = Path(sys.base_prefix) / "bin" / name
    return base if base.exists() else Path(getattr(sys, "_base_executable", sys.executable))
