"""Locks on disk: each file begins with a sum of what follows, so that a damaged one is known."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from harness.files import put_aside, read_regular, write_atomic
from harness.locks.lock import parse_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.locks.lock import Lock

_SUM = re.compile(r"\A# sum: (\S*)\n")


def write_lock(path: Path, lock: Lock) -> None:
    """Store a lock."""
    write_atomic(path, lock_file(lock), durable=False)


def lock_file(lock: Lock) -> str:
    """Return a lock as a file has it: a requirements file that begins with a sum of what follows."""
    text = lock.text()
    return f"# sum: {_sum(text)}\n{text}"


def carries_sum(text: str) -> bool:
    """Tell whether a file begins as a lock with a sum."""
    return bool(_SUM.match(text))


def read_lock(path: Path, root: Path, told: Callable[[str], None]) -> Lock | None:
    """Return a stored lock; None if there is none, or if it was damaged and has been put aside.

    Args:
        path: Where; a lock of an older harness has no sum.
        root: State directory; damaged files go to its folder `damaged`.
        told: Called with a line about a damaged one.
    """
    try:
        content = lock_content(read_regular(path).decode("utf-8", "replace"))
    except FileNotFoundError:
        return None
    except ValueError:
        content = None
    if content is None:
        told(put_aside(path, root, "lock", "is resolved again"))
        return None
    return parse_lock(content)


def lock_content(text: str) -> str | None:
    """Return a stored lock without the sum that it begins with; None if it is damaged."""
    found = _SUM.match(text)
    content = text[found.end() :] if found else text
    try:
        parse_lock(content)
    except ValueError:
        return None
    return None if found and found[1] != _sum(content) else content


def _sum(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
