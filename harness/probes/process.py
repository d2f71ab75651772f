"""The processes of probes: a time limit, a cap on output, and no survivor."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from harness.probes.isolation import Isolation
from harness.probes.parent import Parent
from harness.probes.probe import Execution
from harness.recording import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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
    """Knows every process that runs a probe, and can end all of them at once, from any thread.

    Should this process be killed, the parents of the probes see it and end them.

    Args:
        isolation: What is shut off of each probe.
    """

    def __init__(self, isolation: Isolation | None = None) -> None:
        self.isolation = isolation or Isolation()
        self.cancelled = False
        self._lock = threading.Lock()
        self._alive: dict[tuple[int, int], Callable[[], None]] = {}
        self._clean: Parent | None = None
        self._let_go: Callable[[], object] = lambda: None

    def close(self) -> None:
        """Let the clean parent go, which ends what still runs."""
        with self._lock:
            if self._clean is not None:
                self._let_go()
            self._clean = None

    def clean_parent(self) -> Parent:
        """Return the parent that starts programs, started if there is none, or if somebody has ended it."""
        with self._lock:
            if self._clean is not None and self._clean.gone:
                self._let_go()
                self._clean = None
            if self._clean is None:
                program: list[str | Path] = [sys.executable, "-I", "-S", RECORDER / "harness_clean.py"]
                isolated = str(int(bool(self.isolation.holds)))
                self._clean = Parent("the clean parent", program, [isolated], None)
                # It goes when nobody knows this object any more.
                self._let_go = weakref.finalize(self, self._clean.close)
            return self._clean

    def cancel(self) -> None:
        """End every process that runs, and let none start any more."""
        with self._lock:
            self.cancelled = True
            alive = list(self._alive.values())
        for end in alive:
            end()

    @contextlib.contextmanager
    def limited(
        self, parent: Parent, request: Mapping[str, Any], timeout: float
    ) -> Iterator[tuple[int, threading.Event]]:
        """Let a parent fork a child, and end the child with all that it started after `timeout` seconds.

        Args:
            parent: Forks it.
            request: What the parent is asked.
            timeout: Seconds.

        Yields:
            The child's number, and an event that is set if the child was ended for its time.

        Raises:
            KeyboardInterrupt: All was cancelled, before or meanwhile.
        """
        with self._lock:
            if self.cancelled:
                raise KeyboardInterrupt
            number = parent.begin(request)
            key = (id(parent), number)
            self._alive[key] = functools.partial(parent.end, number)
        late = threading.Event()

        def end_late() -> None:
            late.set()
            parent.end(number)

        timer = threading.Timer(timeout, end_late)
        timer.start()
        try:
            yield number, late
        except BaseException:
            parent.end(number)
            raise
        finally:
            timer.cancel()
            with self._lock:
                del self._alive[key]
        if self.cancelled:
            raise KeyboardInterrupt


def how_it_ended(status: int, *, late: bool, seconds: float, memory_peak: int | None) -> Execution:
    """Return the facts of an ended process from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    ended = "timeout" if late else "signal" if code < 0 else "exit"
    return Execution(ended, abs(code), seconds, memory_peak)


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
