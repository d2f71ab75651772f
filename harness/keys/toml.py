"""Values as TOML text, for messages, references and files that are written once."""

from __future__ import annotations

import json
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


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
