"""A parent of probes, seen from the harness: a process that forks a child a probe and says how each ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from harness.files import hold_scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_READY_WITHIN = 300.0
"""Seconds that getting ready, which may load the shared libraries, may take."""


class ParentGoneError(Exception):
    """A parent cannot serve a probe; carries why."""


class ParentRefusesError(ParentGoneError):
    """A parent is there and does not fork; carries why."""


class Parent:
    """Starts a parent and talks with it; `harness_serve` tells the protocol. Several threads may use it.

    Args:
        name: What messages call it.
        command: Program and script; the descriptor for answers is put behind them.
        arguments: What follows the descriptor.
        variables: Returns all of its environment variables, given a folder of its own; None: those of this process.

    Attributes:
        seconds: What getting ready took.

    Raises:
        ParentGoneError: It does not get ready.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        arguments: Sequence[str | Path],
        variables: Callable[[Path], Mapping[str, str]] | None,
    ) -> None:
        self._name = name
        self._folder, self._held = hold_scratch("parent")
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {0: queue.Queue()}
        self._lock = threading.Lock()
        self._count = 0
        self._gone = ""
        reading, writing = os.pipe()
        try:
            with (self._folder / "log.txt").open("wb") as log:
                self._process = subprocess.Popen(
                    [*command, str(writing), *arguments],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=None if variables is None else variables(self._folder),
                    pass_fds=(writing,),
                    start_new_session=True,  # an interrupt from the keyboard is not for it
                )
        finally:
            os.close(writing)
        threading.Thread(target=self._listen, args=(reading,), daemon=True).start()
        self.seconds = float(self._answer(0, timeout=_READY_WITHIN)["ready"])

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return bool(self._gone)

    def close(self) -> None:
        """End it, and what it forked."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def begin(self, request: Mapping[str, Any]) -> int:
        """Fork a child; return the number by which it is known.

        Raises:
            ParentGoneError: The parent refuses, or is gone.
            OSError: There is no such program, or the child could not be confined.
        """
        with self._lock:
            self._count += 1
            number = self._count
            self._answers[number] = queue.Queue()
            if self._gone:
                self._answers[number].put({"gone": self._gone})
        self._ask({"id": number, **request})
        self._answer(number)
        return number

    def end(self, number: int) -> None:
        """Let a child end, with all that it started."""
        with contextlib.suppress(ParentGoneError):
            self._ask({"id": number, "end": True})

    def wait(self, number: int) -> dict[str, Any]:
        """Wait until a child has ended; return {"status": wait status, "memory_peak": bytes or None}.

        Raises:
            ParentGoneError: The parent is gone, and the child with it.
            OSError: As `begin`.
        """
        try:
            return self._answer(number)
        finally:
            with self._lock:
                del self._answers[number]

    def _ask(self, request: Mapping[str, Any]) -> None:
        try:
            assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
            with self._lock:
                self._process.stdin.write((json.dumps(request) + "\n").encode())
                self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise ParentGoneError(f"{self._name} is gone ({error})") from error

    def _answer(self, number: int, timeout: float | None = None) -> dict[str, Any]:
        try:
            answer = self._answers[number].get(timeout=timeout)
        except queue.Empty:
            answer = {"gone": f"not ready after {timeout:.0f} s"}
        if "gone" in answer:
            raise ParentGoneError(f"{self._name} is gone: {answer['gone']}")
        if "refused" in answer:
            raise ParentRefusesError(f"{self._name} refuses: {answer['refused']}")
        if "failed" in answer:
            raise OSError(*answer["failed"])
        return answer

    def _listen(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8") as answers:
            for line in answers:
                answer = json.loads(line)
                with self._lock:
                    waiting = self._answers.get(answer.get("id", 0))
                if waiting is not None:
                    waiting.put(answer)
        try:
            log = (self._folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # `close` was quicker, and nobody waits any more
            log = ""
        with self._lock:
            self._gone = log.splitlines()[-1] if log else "it said nothing"
            for waiting in self._answers.values():
                waiting.put({"gone": self._gone})
