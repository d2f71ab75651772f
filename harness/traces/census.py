"""The census of a model before training, compared between two releases.

The signal is each parameter's canonical name, dtype, shape and whether it is trained, and the optimizer's
settings. What a release *calls* a parameter is told beside a difference but makes none by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ASPECTS = ("dtype", "shape", "trainable")
_SHOWN = 4
"""Patterns of parameter names spelled out in one line."""


def census_digest(census: Mapping[str, Any] | None) -> str | None:
    """Return a digest of the signal, None without a census; equal digests mean equal models."""
    if census is None:
        return None
    rows = sorted([item["name"], *(item[aspect] for aspect in _ASPECTS)] for item in census["parameters"])
    return hashlib.sha256(json.dumps([rows, census.get("optimizer")], sort_keys=True).encode()).hexdigest()


def census_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what differs, grouped, a line for each kind of change, the largest group first.

    Example: `8 parameters: dtype float32 -> float16 (layers.*.q_proj.lora_A.weight, …)`.
    """
    old = {item["name"]: item for item in before["parameters"]}
    new = {item["name"]: item for item in after["parameters"]}
    groups: dict[str, list[str]] = defaultdict(list)
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in new:
            groups["gone"].append(name)
        elif name not in old:
            groups["new"].append(name)
        else:
            for aspect in _ASPECTS:
                values = (_say(aspect, old[name][aspect]), _say(aspect, new[name][aspect]))
                if values[0] != values[1]:
                    groups[_change(aspect, *values)].append(name)
    lines = [
        f"{counted(len(names), 'parameter')}: {change} ({_patterns(names)})"
        for change, names in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    return lines + _optimizer(before.get("optimizer") or {}, after.get("optimizer") or {})


def renamed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return how the releases' own names of the same parameters differ, by pattern, at most four lines."""
    old = {item["name"]: item["raw"] for item in before["parameters"]}
    pairs = {
        (_pattern(old[item["name"]]), _pattern(item["raw"]))
        for item in after["parameters"]
        if old.get(item["name"], item["raw"]) != item["raw"]
    }
    return [f"renamed: {one} -> {other}" for one, other in sorted(pairs)[:_SHOWN]]


def _optimizer(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [f"optimizer: {key} {old.get(key)} -> {new.get(key)}" for key in keys]


def _say(aspect: str, value: Any) -> str:
    if aspect == "trainable":
        return "trained" if value else "frozen"
    return str(value)


def _change(aspect: str, old: str, new: str) -> str:
    return f"{old} -> {new}" if aspect == "trainable" else f"{aspect} {old} -> {new}"


def _pattern(name: str) -> str:
    return re.sub(r"(?<=\.)\d+(?=\.)", "*", name)


def _patterns(names: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(_pattern(name) for name in names))
    more = f" and {len(distinct) - _SHOWN} more" if len(distinct) > _SHOWN else ""
    return ", ".join(distinct[:_SHOWN]) + more
