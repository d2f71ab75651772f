"""Runs one command in a process group of its own: a time limit, a cap on output, and no survivor."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from harness.probes.probe import Execution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REAPER = Path(__file__).with_name("reaper.py")

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
    """Knows every process that runs a probe, and can end all of them at once, from any thread.

    Should this process be killed, its `reaper` ends them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alive: set[int] = set()
        self._reaper: IO[bytes] | None = None
        self.cancelled = False

    def close(self) -> None:
        """Let the reaper go, which ends what still runs."""
        with self._lock:
            if self._reaper is not None:
                self._let_go()
            self._reaper = None

    def _start_reaper(self) -> None:
        """Start the reaper if there is none; it goes when nobody knows this object any more."""
        if self._reaper is None:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(REAPER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt from the keyboard is not for it
            )
            self._reaper = process.stdin
            self._let_go = weakref.finalize(self, process.communicate)

    def _tell(self, change: str, pid: int) -> None:
        """Tell the reaper that a process group runs or is over; where it is gone, all goes on."""
        if self._reaper is not None:
            with contextlib.suppress(OSError):
                self._reaper.write(f"{change}{pid}\n".encode())
                self._reaper.flush()

    def cancel(self) -> None:
        """End every process that runs, and let none start any more."""
        with self._lock:
            self.cancelled = True
            alive = list(self._alive)
        for pid in alive:
            end_tree(pid)

    @contextlib.contextmanager
    def limited(self, start: Callable[[], int], timeout: float) -> Iterator[threading.Event]:
        """Start a process and end its whole tree when the block ends, or after `timeout` seconds.

        Args:
            start: Starts it in a process group of its own and returns its id.
            timeout: Seconds.

        Yields:
            An event that is set if it was ended for its time.

        Raises:
            KeyboardInterrupt: All was cancelled, before or meanwhile.
        """
        with self._lock:
            if self.cancelled:
                raise KeyboardInterrupt
            self._start_reaper()
            pid = start()
            self._alive.add(pid)
            self._tell("+", pid)
        late = threading.Event()

        def end_late() -> None:
            late.set()
            end_tree(pid)

        timer = threading.Timer(timeout, end_late)
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            with self._lock:
                self._alive.discard(pid)
            end_group(pid)
            with self._lock:
                self._tell("-", pid)
        if self.cancelled:
            raise KeyboardInterrupt

    def run(
        self, command: Sequence[str], *, timeout: float, folder: Path, environment: Mapping[str, str]
    ) -> tuple[Execution, bytes]:
        """Run `command` to its end in a clean process.

        Args:
            command: Program and arguments.
            timeout: Seconds; then its whole process tree is ended.
            folder: Working folder.
            environment: All of its variables.

        Returns:
            How it ended, and its capped output (stdout and stderr as they came).
        """
        if self.cancelled:
            raise KeyboardInterrupt
        reading, writing = os.pipe()
        started = time.monotonic()
        processes: list[subprocess.Popen[bytes]] = []

        def start() -> int:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=writing,
                    stderr=writing,
                    start_new_session=True,
                )
            finally:
                os.close(writing)
            processes.append(process)
            return process.pid

        with collecting(lambda: reading) as output, self.limited(start, timeout) as late:
            _, status, usage = os.wait4(processes[0].pid, 0)
            processes[0].returncode = os.waitstatus_to_exitcode(status)
        seconds, peak = time.monotonic() - started, peak_above_own(usage.ru_maxrss)
        return how_it_ended(status, late=late.is_set(), seconds=seconds, memory_peak=peak), output.content()


def peak_above_own(kibibytes: int) -> int | None:
    """Return the peak of a process in bytes, given what wait4 says of it; None below this process's own.

    Linux lets a process begin with the peak of the one that started it (`exec_mmap` in fs/exec.c).
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * 1024 if kibibytes > own else None


def how_it_ended(
    status: int, *, late: bool, seconds: float, memory_peak: int | None, start: str = "clean"
) -> Execution:
    """Return the facts of an ended process from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    ended = "timeout" if late else "signal" if code < 0 else "exit"
    return Execution(ended, abs(code), seconds, memory_peak, start=start)


@contextlib.contextmanager
def collecting(open_stream: Callable[[], int]) -> Iterator[Output]:
    """Collect what comes out of a stream while the block runs, and shortly after.

    Args:
        open_stream: Returns the descriptor to read, which is closed afterwards; called in a thread of its own,
            since opening a FIFO waits for its writer.
    """
    output = Output()
    reader = threading.Thread(target=_drain, args=(open_stream, output), daemon=True)
    reader.start()
    try:
        yield output
    finally:
        reader.join(timeout=5)  # a survivor may hold the stream open


def _drain(open_stream: Callable[[], int], output: Output) -> None:
    stream = open_stream()
    try:
        while chunk := os.read(stream, 65536):
            output.add(chunk)
    finally:
        os.close(stream)


def end_tree(pid: int) -> None:
    """End a process and all its descendants, those included that left its process group."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(pid).children(recursive=True)
        end_group(pid)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


def end_group(pid: int) -> None:
    """End a whole process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
