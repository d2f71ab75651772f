"""Which names a piece of a script binds, and which it reads."""

from __future__ import annotations

import ast
from collections import Counter


def bound(tree: ast.AST) -> Counter[str]:
    """Return {name: how many times it is bound}; whatever binds counts."""
    counts: Counter[str] = Counter()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names = [node.id]
        elif isinstance(node, ast.arg):
            names = [node.arg]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.alias):
            names = [(node.asname or node.name).split(".")[0]]
        elif isinstance(node, ast.Global | ast.Nonlocal):
            names = list(node.names) * 2
        counts.update(names)
    return counts


def read(tree: ast.AST) -> Counter[str]:
    """Return {name: how many times it is read}."""
    nodes = ast.walk(tree)
    return Counter(one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))
