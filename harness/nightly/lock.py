"""One night at a time: a lock of the operating system, which a killed night lets go of, and a note of who holds it."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from harness.errors import HarnessError
from harness.files import read_json, to_json, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.sessions.driver import Watcher
    from harness.state import State


@contextmanager
def only_night(state: State, watcher: Watcher, *, wait: bool) -> Iterator[None]:
    """Hold the lock of a state directory's nights.

    Args:
        state: Whose.
        watcher: Is told that it waits.
        wait: Wait for another night to end, in place of complaining.

    Raises:
        HarnessError: Another night holds it.
    """
    state.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(state.root / "nightly.lock")
    note = state.root / "nightly.holder.json"  # not in the lock's own file, which whoever asks for it empties
    try:
        lock.acquire(timeout=0)
    except Timeout:
        said = f"another night holds {state.root / 'nightly.lock'}{_holder(note)}"
        if not wait:
            raise HarnessError(f"{said}; let it end, or wait for it with --wait") from None
        watcher.note(f"waiting: {said}")
        lock.acquire()
    try:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        write_atomic(
            note, to_json({"process": os.getpid(), "host": socket.gethostname(), "started": started})
        )
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _holder(note: Path) -> str:
    try:
        facts = read_json(note)
        return f" (process {facts['process']} on {facts['host']}, since {facts['started']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
