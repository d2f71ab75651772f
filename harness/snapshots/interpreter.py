"""Reads the environment of a Python that exists: nothing is installed or written there."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from harness.snapshots.snapshot import Gathered, Kind, Reason, Snapshot, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = """
import json, platform, sysconfig
from importlib.metadata import distributions
found = []
for one in distributions():
    found.append([one.metadata.get("Name"), one.metadata.get("Version"), one.read_text("direct_url.json")])
print(json.dumps([platform.python_version(), sysconfig.get_platform(), found]))
"""
"""What the interpreter executes: the standard library of Python 3.8 and nothing of the environment."""


def read_interpreter(path: Path) -> Snapshot:
    """Read what the environment of an interpreter holds.

    Raises:
        UnreadableError: It does not run, or is older than Python 3.8.
    """
    try:
        ended = subprocess.run(
            [path, "-I", "-B", "-c", _SCRIPT], capture_output=True, text=True, timeout=120, check=True
        )
        python, platform, found = json.loads(ended.stdout)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise UnreadableError(f"it cannot list its packages: {last}", certain=True) from None
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise UnreadableError(f"it does not run as a Python: {error}", certain=True) from None
    gathered, seen = Gathered(), set()
    for name, version, direct in found:
        if not name or canonicalize_name(name) in seen:
            continue  # the first one on the path is the one that is imported
        seen.add(canonicalize_name(name))
        if not version:
            gathered.block(name, Reason.NO_VERSION)
        elif direct:
            _add_direct(gathered, name, version, json.loads(direct))
        else:
            gathered.add(name, version)
    return gathered.snapshot(Kind.INTERPRETER, str(path), python=python, platform=platform)


def _add_direct(gathered: Gathered, name: str, version: str, direct: dict[str, Any]) -> None:
    """Take in a package that was installed from a URL (PEP 610)."""
    url = direct.get("url", "")
    if direct.get("dir_info", {}).get("editable"):
        reason = Reason.EDITABLE
    elif "vcs_info" in direct:
        reason = Reason.REPOSITORY
    else:
        reason = Reason.LOCAL_PATH if urlsplit(url).scheme == "file" else Reason.URL
    gathered.block(name, reason, url, version, version.partition("+")[0])
