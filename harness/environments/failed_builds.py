"""Locks with a package that could not be built, remembered, so that a repeated run builds nothing again.

Whether a build works depends on the machine too: on its compilers, its libraries, and variables. So a failure counts only
while these are as they were, and for a day, since what a build requires is taken from the index as it stands.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from harness.files import read_json, to_json, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTS_FOR = timedelta(days=1)
_TOOLS = (
    *("cc", "gcc", "clang", "c++", "g++", "clang++", "gfortran", "ld", "make", "ninja", "cmake", "meson"),
    *("pkg-config", "rustc", "cargo", "nvcc", "swig", "git"),
)
_INSTALLED = (
    *("/var/lib/dpkg/status", "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/var/lib/pacman/local"),
    *("/lib/apk/db/installed", "/usr/include", "/usr/local/include", "/usr/local/lib"),
)
"""What changes when a library is installed: lists of package managers, and folders."""
_VARIABLES = (
    *("AR", "BLAS", "C_INCLUDE", "CARGO", "CC", "CFLAGS", "CMAKE", "CONDA", "CPATH", "CPLUS", "CPP"),
    *("CUDA", "CXX", "F77", "FC", "FFLAGS", "FORCE_", "LAPACK", "LD", "LIBRARY_PATH", "MAKE"),
    *("MAX_JOBS", "MESON", "NINJA", "NPY_", "OPENBLAS", "PATH", "PIP_", "PKG_CONFIG", "RUST"),
    *("SETUPTOOLS", "SKBUILD", "TORCH_", "UV_"),
)
"""How the names of variables begin that builds read."""


def remember(environment: Path, reason: str, *, confined: bool) -> None:
    """Keep that a lock cannot be built.

    Args:
        environment: Folder that its environment would have.
        reason: Why, as uv said it.
        confined: Whether builds are shut off, which some do not bear.
    """
    facts = {"reason": reason, "at": time.time(), "machine": _machine(confined=confined)}
    write_atomic(_place(environment), to_json(facts))


def recall(environment: Path, *, confined: bool) -> tuple[str, str]:
    """Return why a lock cannot be built, and what to tell about it; empty texts where a build may work now."""
    place = _place(environment)
    try:
        facts = read_json(place)
        reason, at = str(facts["reason"]), float(facts["at"])
        same = facts["machine"] == _machine(confined=confined)
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""
    if not same or not 0 <= time.time() - at < COUNTS_FOR.total_seconds():
        return "", ""
    when = datetime.fromtimestamp(at, UTC)
    return reason, f"could not be built at {when:%H:%M} UTC, and is not built again; remove {place} to try it"


def _place(environment: Path) -> Path:
    return environment.with_name(f"{environment.name}.failed.json")


def _machine(*, confined: bool) -> str:
    """Return a digest of what decides on this machine whether a build works."""
    tools = {name: _stamp(path) for name in _TOOLS if (path := shutil.which(name))}
    installed = {path: _stamp(path) for path in (*_INSTALLED, *_own_managers()) if Path(path).exists()}
    variables = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)}
    facts = [tools, installed, variables, confined]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _own_managers() -> Iterator[str]:
    """Yield what changes when Homebrew or the active conda environment gets a library."""
    if brew := shutil.which("brew"):
        yield str(Path(brew).parents[1] / "Cellar")
    if conda := os.environ.get("CONDA_PREFIX"):
        yield str(Path(conda) / "conda-meta")


def _stamp(path: str) -> tuple[str, int]:
    place = Path(path).resolve()
    return str(place), place.stat().st_mtime_ns
