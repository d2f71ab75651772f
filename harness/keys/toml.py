"""TOML text: values written on one line, and the line of a file that a key stands in."""

from __future__ import annotations

import json
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TABLE = re.compile(r"\s*\[+([^\[\]]+)\]+\s*(#.*)?")
_KEY = re.compile(r"""\s*([A-Za-z0-9_."' -]+?)\s*=""")


def toml_text(value: Any) -> str:
    """Return a value on one line, as TOML has it: tables inline, floats with a point.

    Args:
        value: What `tomllib` returns for such a value; dates excepted.
    """
    if isinstance(value, dict):
        inside = ", ".join(f"{toml_key(name)} = {toml_text(item)}" for name, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_text(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    # What JSON escapes, TOML's basic strings read alike, the delete character excepted.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def toml_key(name: str) -> str:
    """Return a key, quoted where it has to be."""
    return name if _BARE.fullmatch(name) else toml_text(name)


def line_of(text: str, key: str) -> int | None:
    """Return the number of the line that a dotted key stands in; failing that, of the table around it.

    It is told by the look of the lines, since the TOML parser keeps no places; in text that goes over several lines
    it can be mistaken.
    """
    places: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.fullmatch(line):
            table = _plain(header[1])
            places.setdefault(table, number)
        elif found := _KEY.match(line):
            name = _plain(found[1])
            places.setdefault(f"{table}.{name}" if table else name, number)
    while key and key not in places:
        key = key.rpartition(".")[0]
    return places.get(key)


def _plain(key: str) -> str:
    return re.sub(r"""["']|\s(?=\.)|(?<=\.)\s""", "", key.strip())
