"""Values that a script prints, a line each: `NAME=value`."""

from __future__ import annotations

import re

_VALUE = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf(?:inity)?|nan)"
_LINE = re.compile(
    rf"^[ \t]*([A-Za-z_][\w./-]*)[ \t]*=[ \t]*({_VALUE})[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)


def printed_values(output: str) -> dict[str, list[float]]:
    """Return {name: values in order} of all lines that are a name, `=` and a number, and nothing else."""
    found: dict[str, list[float]] = {}
    for match in _LINE.finditer(output):
        found.setdefault(match[1], []).append(float(match[2]))
    return found
