"""Which lines of a few functions are executed how often, and how long each takes with all that it calls.

A line's time ends where the next line of its function begins. Only these functions are traced, so all else keeps its speed.
"""

from __future__ import annotations

import linecache
import sys
import threading
import time
from typing import Any, Dict, List, Tuple

from .watchpoint import relative

_clock = time.perf_counter


class LineProfile:
    """Counts and times lines between `start` and `stop`.

    Args:
        asked: {`functions`: [[file, first line], ...]}.
    """

    def __init__(self, asked: Dict[str, Any]) -> None:
        self._wanted = {(str(file), int(line)) for file, line in asked["functions"]}
        self._known: Dict[int, Tuple[Any, Any]] = {}
        self._lines: Dict[Tuple[str, int], Dict[int, List[float]]] = {}
        self._paths: Dict[str, str] = {}

    def start(self) -> None:
        """Begin; functions that are being executed already are followed too."""
        frame: Any = sys._getframe(1)  # noqa: SLF001
        while frame is not None:
            lines = self._of(frame.f_code)
            if lines is not None:
                frame.f_trace = self._follow(lines, frame.f_lineno)
            frame = frame.f_back
        threading.settrace(self._called)
        sys.settrace(self._called)

    def stop(self) -> Dict[str, Any]:
        """End; return the fields of the event."""
        damaged = sys.gettrace() != self._called
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        functions = [
            {
                "file": file,
                "line": first,
                "lines": [
                    [line, *row, linecache.getline(self._paths[file], line).strip()]
                    for line, row in sorted(rows.items())
                ],
            }
            for (file, first), rows in self._lines.items()
        ]
        return {"damaged": damaged, "functions": functions}

    def _of(self, code: Any) -> Dict[int, List[float]] | None:
        """Return the lines of a function that is asked about."""
        known = self._known.get(id(code))
        if known is None:  # the code is kept, so that its id stays its own
            key = (relative(code.co_filename), code.co_firstlineno)
            self._paths[key[0]] = code.co_filename
            lines = self._lines.setdefault(key, {}) if key in self._wanted else None
            known = self._known[id(code)] = (code, lines)
        return known[1]

    def _called(self, frame: Any, _event: str, _argument: Any) -> Any:
        lines = self._of(frame.f_code)
        return None if lines is None else self._follow(lines, frame.f_lineno)

    def _follow(self, lines: Dict[int, List[float]], first: int) -> Any:
        row = lines.setdefault(first, [0, 0.0])
        since = _clock()

        def follow(frame: Any, event: str, _argument: Any) -> Any:
            nonlocal row, since
            now = _clock()
            row[1] += now - since
            if event == "line":
                row = lines.setdefault(frame.f_lineno, [0, 0.0])
                row[0] += 1
            since = _clock()
            return follow

        return follow
