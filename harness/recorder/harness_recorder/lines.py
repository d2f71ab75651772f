"""Strict JSON lines: one event a line, on disk as soon as it is written, NaN and infinities as strings."""

from __future__ import annotations

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


class Lines:
    """A file of events that is readable up to any cut; without a path it takes events and writes nothing.

    The first one in a process begins the file, all further ones of the same path write behind what is there.
    """

    def __init__(self, path: str | None) -> None:
        self._file = None
        if path:
            path = os.path.abspath(path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if path not in _BEGUN:
                open(path, "wb").close()
                _BEGUN.add(path)
            # Appending: several may have it open at a time, and none writes over what another one wrote.
            self._file = open(path, "a", encoding="utf-8", errors="replace")  # noqa: SIM115 - lives as long as self

    def write(self, event: str, **fields: Any) -> None:
        """Write one event and flush it."""
        if self._file is None:
            return
        record = {"event": event, **fields}
        try:
            text = json.dumps(record, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError):
            text = json.dumps(strict(record), allow_nan=False, ensure_ascii=False)
        self._file.write(text + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None
