"""Hears what libraries warn of, as Python warnings or by `logging`, and writes each different one into the trace.

Nothing is hooked but the two places that every shown warning goes through anyway, and nothing is shown or hidden that
would not be without it. What the filters of `warnings` leave out is not heard; PYTHONWARNINGS changes them.
"""

from __future__ import annotations

import atexit
import os
import warnings
from typing import Any

from .imports import when_imported
from .lines import Lines
from .ranks import trace_path

_MOST = 200  # different ones that are kept; further ones are counted together
_LONGEST = 500


class Heard:
    """What was heard so far in this process; what it forks hears nothing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._process = os.getpid()
        self._counts: dict[tuple[str, str, str], int] = {}
        self._more = 0

    def listen(self) -> None:
        """Hear everything from now on."""
        shown = warnings.showwarning

        def showwarning(message: Any, category: Any, filename: Any, *rest: Any, **named: Any) -> None:
            self._take(category.__name__, str(message), str(filename))
            shown(message, category, filename, *rest, **named)

        warnings.showwarning = showwarning
        when_imported("logging", self._listen_to)
        atexit.register(self._count)

    def _listen_to(self, logging: Any) -> None:
        """Hear what is logged, once the module is there."""
        called = logging.Logger.callHandlers

        def call_handlers(logger: Any, record: Any) -> None:
            if record.levelno >= logging.WARNING:
                try:
                    message = record.getMessage()
                except Exception:  # its own handlers tell what is wrong with it
                    message = str(record.msg)
                self._take("log " + record.levelname, message, record.name)
            called(logger, record)

        logging.Logger.callHandlers = call_handlers

    def _take(self, category: str, message: str, where: str) -> None:
        if os.getpid() != self._process:
            return
        key = (category, message[:_LONGEST], where)
        if key in self._counts:
            self._counts[key] += 1
        elif len(self._counts) == _MOST:
            self._more += 1
        else:
            self._counts[key] = 1
            lines = Lines(self._path)
            lines.write("warning", category=category, message=key[1], where=where)
            lines.close()

    def _count(self) -> None:
        """Write how often each was heard, in the order of the `warning` events."""
        if self._counts and os.getpid() == self._process:
            lines = Lines(self._path)
            lines.write("warned", counts=list(self._counts.values()), more=self._more)
            lines.close()


def listen() -> None:
    """Hear all warnings of this process, if it writes a trace."""
    path = trace_path()
    if path:
        Heard(path).listen()
