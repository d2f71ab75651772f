"""The functions of a file of Python, by line."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import NamedTuple


class Function(NamedTuple):
    """One function.

    Attributes:
        first: Its first line, of a decorator if it has one.
        line: The line of `def`.
        last: Its last line.
        name: As Python qualifies it: with its class, and `<locals>` inside of a function.
    """

    first: int
    line: int
    last: int
    name: str


@lru_cache(maxsize=2_000)
def functions_in(content: bytes) -> tuple[Function, ...]:
    """Return the functions of a file, the inner ones first; none where it cannot be read as Python."""
    try:
        waiting: list[tuple[ast.AST, str]] = [(ast.parse(content), "")]
    except (SyntaxError, ValueError):
        return ()
    found: list[Function] = []
    while waiting:
        node, above = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inside = above
            if isinstance(child, ast.ClassDef):
                inside = f"{above}{child.name}."
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = f"{above}{child.name}.<locals>."
                first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
                last = child.end_lineno or child.lineno
                found.append(Function(first, child.lineno, last, f"{above}{child.name}"))
            waiting.append((child, inside))
    return tuple(sorted(found, key=lambda one: one.line, reverse=True))
