"""Lays other files of the package under test over its installed ones, and proves which of its files were loaded.

The environment variable HARNESS_OVERLAY names a folder that holds the package as it shall be. It comes before the
installed packages; version and entry points stay those of the environment. At the script's end an `overlay` event tells
the digest of every file of the package that was loaded, and which of them lay elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any, Dict, List

from .lines import Lines
from .ranks import trace_path
from .watchpoint import modules_of

VARIABLE = "HARNESS_OVERLAY"


def lay() -> None:
    """Put the overlay before the installed packages, in this process and in those that it starts."""
    folder = os.environ[VARIABLE]
    sys.path.insert(1, folder)
    further = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = folder + (os.pathsep + further if further else "")


def tell(package: str) -> None:
    """Write the `overlay` event.

    Args:
        package: The distribution whose modules the overlay replaces.
    """
    root = os.path.abspath(os.environ[VARIABLE]) + os.sep
    files: Dict[str, str] = {}
    elsewhere: List[str] = []
    for path in loaded(package):
        if not path.startswith(root):
            elsewhere.append(path)
            continue
        with open(path, "rb") as file:
            files[path[len(root) :].replace(os.sep, "/")] = hashlib.sha256(file.read()).hexdigest()
    lines = Lines(trace_path())
    lines.write("overlay", files=files, elsewhere=sorted(elsewhere))
    lines.close()


def loaded(package: str) -> List[str]:
    """Return the files of all loaded modules that a distribution brings."""
    tops = modules_of(package)
    found: List[str] = []
    for name, module in list(sys.modules.items()):
        path: Any = getattr(module, "__file__", None)
        if name.partition(".")[0] in tops and path:
            found.append(os.path.abspath(path))
    return sorted(set(found))
