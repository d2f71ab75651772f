"""Plain numbers that modules carry (a scaling, a rank, a switch), compared and changed under canonical names.

Modules that differ in a layer's number alone share a pattern, so a large model has as few lines as a small one.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Iterator

from .names import canonical

_MOST_VALUES = 8  # different values of one attribute kept a pattern
_MOST_KEYS = 8  # entries of a dictionary that still count as plain settings


def attributes(model: Any) -> list[dict[str, Any]]:
    """Return [{`module` (pattern), `path`, `values`}]: numbers and switches, a dictionary's entry as `name.key`.

    Where a wrapper and what it wraps share a canonical name, the wrapper's attribute counts.
    """
    seen: dict[tuple[str, str], None] = {}
    found: dict[tuple[str, str], list[Any]] = {}
    for raw, module in model.named_modules():
        name = canonical(raw)
        for path, value in _plain(module):
            if (name, path) in seen:
                continue
            seen[name, path] = None
            values = found.setdefault((pattern(name), path), [])
            if value not in values and len(values) < _MOST_VALUES:
                values.append(value)
    return [{"module": name, "path": path, "values": values} for (name, path), values in found.items()]


def set_attribute(model: Any, modules: list[str], path: str, value: Any) -> int:
    """Set an attribute wherever a module of these patterns has it; return how often that was."""
    count = 0
    done = set()
    for raw, module in model.named_modules():
        name = canonical(raw)
        if name in done or not any(fnmatchcase(name, one) for one in modules):
            continue
        if path in dict(_plain(module)):
            key, _, entry = path.partition(".")
            if entry:
                vars(module)[key][entry] = value
            else:
                setattr(module, key, value)
            done.add(name)
            count += 1
    return count


def pattern(name: str) -> str:
    """Return a canonical name with every layer's number as `*`."""
    return re.sub(r"(?<=\.)\d+(?=\.|$)", "*", name)


def _plain(module: Any) -> Iterator[tuple[str, Any]]:
    for key, value in vars(module).items():
        if key.startswith("_") or key == "training":
            continue
        if isinstance(value, (bool, int, float)):
            yield key, value
        elif isinstance(value, dict) and 0 < len(value) <= _MOST_KEYS:
            for entry, inner in value.items():
                if isinstance(entry, str) and "." not in entry and isinstance(inner, (bool, int, float)):
                    yield f"{key}.{entry}", inner
