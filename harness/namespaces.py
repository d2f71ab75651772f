"""Whether this machine allows namespaces, and which of its folders are private: for probes and for builds."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_HIDDEN = (
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/opt",
    "/proc",
    "/sbin",
    "/sys",
    "/usr",
)
"""Folders without which no program runs."""


@cache
def namespaces_forbidden() -> str:
    """Return why no process can be shut off on this machine, empty if it can: tried once in a process."""
    words = [sys.executable, "-I", "-S", str(RECORDER / "harness_try.py")]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    try:
        return str(json.loads(done.stdout)["why"])
    except ValueError:  # another system than Linux, or a Python without ctypes
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else "it cannot be tried"


def mounted_within(folder: Path) -> list[str]:
    """Return the places inside of a folder on which something else is mounted.

    Where there are any, a process without privileges may not lay a copy over the folder: it could show what they cover.
    """
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # another system than Linux
        return []
    places = (line.split(" ")[4] for line in table.splitlines())
    plain = (re.sub(r"\\(\d{3})", lambda escape: chr(int(escape[1], 8)), place) for place in places)
    return [place for place in plain if place.startswith(f"{folder.resolve()}/")]


def private_folders() -> Iterator[Path]:
    """Yield folders that are none of a job's business: homes, sockets of the machine, the harness's working folder."""
    found = [Path("/run"), Path("/home"), Path.cwd()]
    with suppress(KeyError):  # a user of a container may have no name
        found.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    found += [Path(os.environ[name]) for name in ("HOME", "XDG_RUNTIME_DIR") if os.environ.get(name)]
    yield from (path for path in found if str(path.resolve()) not in NEVER_HIDDEN)
