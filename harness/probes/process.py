"""Runs one command in a process group of its own: a time limit, a cap on output, and no survivor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING

import psutil

from harness.probes.probe import Execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HEAD, TAIL = 64 * 1024, 192 * 1024
"""Bytes of output kept from the beginning and from the end."""


class Output:
    """Collects the first and the last bytes of a stream that may be endless."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = bytearray()
        self.dropped = 0

    def add(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        room = HEAD - len(self.head)
        self.head += chunk[:room]
        self.tail += chunk[room:] if room > 0 else chunk
        if len(self.tail) > 2 * TAIL:
            self.dropped += len(self.tail) - TAIL
            del self.tail[:-TAIL]

    def content(self) -> bytes:
        """Return what was kept, with a line that says how much was left out between."""
        surplus = max(0, len(self.tail) - TAIL)
        dropped = self.dropped + surplus
        if not dropped:
            return bytes(self.head + self.tail)
        return bytes(self.head) + f"\n[{dropped} bytes left out]\n".encode() + bytes(self.tail[surplus:])


class Processes:
    """Starts processes and can end all of them at once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alive: set[int] = set()
        self.cancelled = False

    def cancel(self) -> None:
        """End every process that runs, and start none any more."""
        with self._lock:
            self.cancelled = True
            alive = list(self._alive)
        for pid in alive:
            _end_tree(pid)

    def run(
        self, command: Sequence[str], *, timeout: float, folder: Path, environment: Mapping[str, str]
    ) -> tuple[Execution, bytes]:
        """Run `command` to its end.

        Args:
            command: Program and arguments.
            timeout: Seconds; then its whole process tree is ended.
            folder: Working folder.
            environment: All of its variables.

        Returns:
            How it ended, and its capped output (stdout and stderr as they came).
        """
        output = Output()
        started = time.monotonic()
        with self._lock:
            if self.cancelled:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._alive.add(process.pid)
        assert process.stdout is not None  # noqa: S101 - for the type checker
        reader = threading.Thread(target=_drain, args=(process.stdout, output), daemon=True)
        reader.start()
        late = threading.Event()

        def end_late() -> None:
            late.set()
            _end_tree(process.pid)

        timer = threading.Timer(timeout, end_late)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
            with self._lock:
                self._alive.discard(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        _end_group(process.pid)
        reader.join(timeout=5)
        process.stdout.close()
        if self.cancelled:
            raise KeyboardInterrupt
        code = process.returncode
        ended = "timeout" if late.is_set() else "signal" if code < 0 else "exit"
        peak = usage.ru_maxrss * 1024  # Linux counts in KiB
        return Execution(ended, abs(code), time.monotonic() - started, peak), output.content()


def _drain(stream: IO[bytes], output: Output) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed under a survivor that kept the pipe
        while chunk := os.read(stream.fileno(), 65536):
            output.add(chunk)


def _end_tree(pid: int) -> None:
    """End a process and all its descendants, those included that left its process group."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(pid).children(recursive=True)
        _end_group(pid)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
