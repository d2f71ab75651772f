"""The job's script, as far as it can be told without running it: whether it parses, and which settings it takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANDED_OVER = ("seed", "device", "threads")
"""Settings that every job gets besides its own."""


def parse(job: Path) -> ast.Module:
    """Return the syntax tree of a script.

    Raises:
        OSError: It cannot be read.
        SyntaxError, ValueError: It is no Python.
    """
    return ast.parse(job.read_text(encoding="utf-8"), str(job))


def declared(tree: ast.Module) -> dict[str, Any] | None:
    """Return the settings that a job declares by `harness_recorder.settings({...})`, with their defaults.

    A default that is no plain value is None, which any text can replace.

    Returns:
        None if that cannot be told: it declares none, declares them twice, or computes their names.
    """
    calls = list(_calls(tree))
    if len(calls) != 1 or not calls[0].args or not isinstance(calls[0].args[0], ast.Dict):
        return None
    found: dict[str, Any] = {}
    for name, value in zip(calls[0].args[0].keys, calls[0].args[0].values, strict=True):
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            return None
        try:
            found[name.value] = ast.literal_eval(value)
        except ValueError:
            found[name.value] = None
    return found


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of what was imported as `settings` from harness_recorder."""
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "harness_recorder"
        for alias in node.names
        if alias.name == "settings"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def readable(value: Any, default: Any) -> bool:
    """Tell whether a job can read a setting's value, which is handed over as text, as the type of its default.

    It is what `harness_recorder.settings` does with it.
    """
    if isinstance(default, bool):
        return str(value).lower() in {"true", "false"}
    if isinstance(default, int | float):
        try:
            type(default)(str(value))
        except ValueError:
            return False
    return True
