"""Whether the files of an environment are still those that were installed.

An environment's files are described when it is made: size, time of change, inode. A later look compares these facts,
which costs one system call a file and cannot be deceived by a job that sets back a file's time, since the kernel keeps
the time of change of the inode (ctime). A file whose facts differ is compared by content, where a content is known: by
the hash in a wheel's RECORD, else by the one that was taken when the environment was made.

Compiled modules (`__pycache__`) have no such hash. Python adds them when a module is first imported, so an added one is
taken in if its source is there; a changed one is damage.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.files import read_json, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STATE = "files.json"
"""Holds the description, in the environment's folder."""
OWN = (STATE, "environment.json", "unverified-")
"""How the names of the harness's own files begin that change with use."""

_COMPILED = f"{os.sep}__pycache__{os.sep}"

Facts = tuple[int, int, int, int]
"""Size in bytes, time of change of the content and of the inode in nanoseconds, number of the inode."""


@dataclass(frozen=True, slots=True)
class State:
    """What the files of an environment are.

    Attributes:
        inode: Of the folder that holds all packages; another one means that the environment was copied as a whole.
        files: {path in the environment: facts}.
        sums: {path: SHA-256 in hex} of files that no RECORD has a hash of, compiled modules left out.
    """

    inode: int
    files: dict[str, Facts]
    sums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is not as it was installed.

    Attributes:
        path: In the environment.
        kind: `changed`, `added` or `removed`.
        since: Time of the change in seconds since the epoch, as the file system keeps it.
    """

    path: str
    kind: str
    since: float


def describe(folder: Path) -> None:
    """Describe a new environment's files, and store that in it."""
    files = dict(_walk(folder))
    hashed = _recorded(folder)
    sums = {
        path: _sha256(folder / path)
        for path in files
        if path not in hashed and _COMPILED not in path and not (folder / path).is_symlink()
    }
    _store(folder, State(_inode(folder), files, sums))


def protect(folder: Path) -> None:
    """Take the write permission from the files of an environment's packages; folders keep it, so that all can go."""
    for site in folder.glob("lib/python*/site-packages"):
        for path, _ in _walk(site):
            file = site / path
            if not file.is_symlink():
                file.chmod(file.stat().st_mode & ~0o222)


def changes(folder: Path) -> list[Change]:
    """Return what is not as it was when the environment was described; what Python compiled since is taken in.

    Raises:
        OSError: The environment is gone, or cannot be read.
    """
    state = _read(folder)
    if state is None:
        return [Change(STATE, "removed", 0.0)]
    now = dict(_walk(folder))
    if now == state.files:
        return []
    differing = [
        path for path in sorted(state.files.keys() | now.keys()) if state.files.get(path) != now.get(path)
    ]
    present = any(path in state.files and path in now and _COMPILED not in path for path in differing)
    hashes = {**_recorded(folder), **state.sums} if present else {}
    copied = _inode(folder) != state.inode
    found = []
    for path in differing:
        kind = _kind(folder / path, state.files.get(path), now.get(path), hashes.get(path), copied=copied)
        if kind == "removed":
            found.append(Change(path, kind, _removed_at(folder / path)))
        elif kind:
            found.append(Change(path, kind, now[path][2] / 1e9))
    if not found:
        _store(folder, State(_inode(folder), now, state.sums))
    return found


def _kind(path: Path, before: Facts | None, after: Facts | None, sum_: str | None, *, copied: bool) -> str:
    """Return what happened to a file whose facts differ; empty if it is as it was installed, or compiled since."""
    compiled = _COMPILED in str(path)
    if after is None:
        return "" if compiled else "removed"
    if before is None:
        return "" if _compiled_since(path) else "added"
    if compiled and not path.name.endswith(".pyc"):
        return ""  # numba's, which are changed in use
    if compiled or path.is_symlink():
        same = copied and before[0] == after[0]
        return "" if same and (before[1] // 10**9 == after[1] // 10**9 or not compiled) else "changed"
    return "" if sum_ == _sha256(path) else "changed"


def _walk(folder: Path) -> Iterator[tuple[str, Facts]]:
    """Yield every file of an environment with its facts; the harness's own files are left out."""
    root = str(folder)
    start = len(root) + 1
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif len(entry.path) != start + len(entry.name) or not entry.name.startswith(OWN):
                    facts = entry.stat(follow_symlinks=False)
                    yield (
                        entry.path[start:],
                        (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino),
                    )


def _recorded(folder: Path) -> dict[str, str]:
    """Return {path: SHA-256 in hex} of all files that a RECORD has a hash of."""
    found = {}
    for record in folder.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        site = record.parent.parent
        with record.open(encoding="utf-8", errors="replace", newline="") as lines:
            for row in csv.reader(lines):
                if len(row) > 1 and row[1].startswith("sha256="):
                    raw = row[1].removeprefix("sha256=")
                    path = os.path.normpath(site / row[0])
                    found[os.path.relpath(path, folder)] = _hex(raw)
    return found


def _hex(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except ValueError:
        return ""


def _compiled_since(path: Path) -> bool:
    """Tell whether a file is what Python or numba leaves of a module that it has compiled: its source is there."""
    source = path.parent.parent / f"{path.name.partition('.')[0]}.py"
    return path.parent.name == "__pycache__" and source.exists()


def _removed_at(path: Path) -> float:
    """Return when a file was removed, at the latest: when the nearest folder that is left was changed."""
    while not path.parent.exists():
        path = path.parent
    return path.parent.stat().st_mtime


def _inode(folder: Path) -> int:
    return next((folder / "lib").glob("python*/site-packages")).stat().st_ino


def _sha256(path: Path) -> str:
    if not path.is_file():  # a pipe that was put in its place would be waited for
        return ""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _store(folder: Path, state: State) -> None:
    content = {"inode": state.inode, "files": state.files, "sums": dict(state.sums)}
    write_atomic(folder / STATE, json.dumps(content, separators=(",", ":")))


def _read(folder: Path) -> State | None:
    try:
        content = read_json(folder / STATE)
        files = {path: tuple(facts) for path, facts in content["files"].items()}
        return State(content["inode"], files, content["sums"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
