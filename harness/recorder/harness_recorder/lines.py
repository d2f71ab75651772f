"""Strict JSON lines: one event a line, on disk as soon as it is written, NaN and infinities as strings."""

from __future__ import annotations

import io
import json
import math
import os
from typing import Any

_TO_TEXT = {math.inf: "Infinity", -math.inf: "-Infinity"}


def strict(value: Any) -> Any:
    """Return `value` as strict JSON can hold it: non-finite floats, and whatever JSON does not know, as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else _TO_TEXT.get(value, "NaN")
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [strict(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


_BEGUN: set[str] = set()  # the files that this process has begun: they are gone on with, not begun anew
_MARK = "HARNESS_TRACE_BEGUN"  # the file that this process or one that started it has begun, for the processes it starts


class Lines:
    """A file of events that is readable up to any cut; without a path it takes events and writes nothing.

    The first one begins the file, all further ones of the same path write behind what is there, also those of
    processes that are started later. It belongs to the process that made it: what a forked child writes into one that
    it inherited is left out, since parent and child would write the same events.
    """

    def __init__(self, path: str | None) -> None:
        self._file: io.FileIO | None = None
        self._process = os.getpid()
        if path:
            path = os.path.abspath(path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if path not in _BEGUN and os.environ.get(_MARK) != path:
                open(path, "wb").close()
                os.environ[_MARK] = path
            _BEGUN.add(path)
            # Appending: several may have it open at a time, and none writes over what another one wrote. Without a
            # buffer: a line is one write, so that lines of two processes do not mix.
            self._file = io.FileIO(path, "a")

    def write(self, event: str, **fields: Any) -> None:
        """Write one event; it is in the file when this returns."""
        if self._file is None or os.getpid() != self._process:
            return
        record = {"event": event, **fields}
        try:
            text = json.dumps(record, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError):
            text = json.dumps(strict(record), allow_nan=False, ensure_ascii=False)
        line = memoryview((text + "\n").encode("utf-8", "replace"))
        while line:
            line = line[self._file.write(line) :]

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None
