"""Rules that fold a script: what is named once and used once stands where it is used.

Rules of `harness.repro.simplify`, as told there. An expression is moved only where it means the same: what it names is
bound once, and nothing else of that name is bound where it goes.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from harness.repro.names import bound, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.repro.edits import Edit, Source

Scope = ast.Module | ast.FunctionDef


def unreachable(source: Source) -> Iterator[Edit]:
    """Leave out what stands behind the end of a block."""
    for block in source.blocks():
        ends = [isinstance(one, ast.Return | ast.Raise | ast.Break | ast.Continue) for one in block]
        if True in ends[:-1]:
            yield source.drop(block[ends.index(True) + 1 :])


def returned(source: Source) -> Iterator[Edit]:
    """Turn `x = E; return x` into `return E`."""
    for function in _functions(source):
        if len(function.body) < 2:
            continue
        assigned, last = function.body[-2:]
        name = _assigned(assigned)
        if (
            isinstance(assigned, ast.Assign)
            and isinstance(last, ast.Return)
            and isinstance(last.value, ast.Name)
            and name == last.value.id
            and bound(function)[name] == read(function)[name] == 1
        ):
            yield source.replace(last.value, _whole(source.of(assigned.value)))


def aliases(source: Source) -> Iterator[Edit]:
    """Put what a name stands for in place of the name: another name, or a part of a module."""
    modules = _modules(source)
    scopes: list[Scope] = [source.tree, *_functions(source)]
    for scope in scopes:
        counts = bound(scope)
        steady = _steady(scope)
        for statement in scope.body:
            name = _assigned(statement)
            if not isinstance(statement, ast.Assign) or not name or name.isupper() or counts[name] != 1:
                continue
            root = _root(statement.value)
            of_module = root in modules and (scope is source.tree or root not in counts)
            another = isinstance(statement.value, ast.Name) and (root in steady or of_module)
            if another or (of_module and read(scope)[name] == 1):
                for node in ast.walk(scope):
                    if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                        yield source.replace(node, source.of(statement.value))


def calls(source: Source) -> Iterator[Edit]:
    """Put what a function returns in place of its one call, if it does nothing else."""
    reads = read(source.tree)
    for function in _functions(source):
        only = function.body[0]
        name = function.name
        if function not in source.tree.body or len(function.body) > 1 or not isinstance(only, ast.Return):
            continue
        if only.value is None or reads[name] != 1 or bound(source.tree)[name] != 1 or function.decorator_list:
            continue
        for call in ast.walk(source.tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name:
                text = _with_arguments(source, function, only.value, call)
                if text:
                    yield source.replace(call, text)


def spread(source: Source) -> Iterator[Edit]:
    """Turn `f(**{"a": 1})` into `f(a=1)`."""
    for call in ast.walk(source.tree):
        if not isinstance(call, ast.Call):
            continue
        for keyword in call.keywords:
            if keyword.arg is None and isinstance(keyword.value, ast.Dict):
                names = [
                    key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
                    for key in keyword.value.keys
                ]
                others = {one.arg for one in call.keywords}
                if names and all(name.isidentifier() and name not in others for name in names):
                    before = source.lines[keyword.lineno - 1][: keyword.col_offset]
                    between = ", " if before.strip() else f",\n{before}"
                    values = map(source.of, keyword.value.values)
                    said = [f"{name}={value}" for name, value in zip(names, values, strict=True)]
                    yield source.replace(keyword, between.join(said))


def _with_arguments(source: Source, function: ast.FunctionDef, value: ast.expr, call: ast.Call) -> str:
    """Return what a call's value is, in brackets where it needs them; empty where that cannot be said in one expression."""
    taken = function.args
    plain = not (taken.posonlyargs or taken.kwonlyargs or taken.vararg or taken.kwarg or taken.defaults)
    names = [one.arg for one in taken.args]
    if not plain or call.keywords or len(call.args) != len(names):
        return ""
    if not all(isinstance(one, ast.Name | ast.Constant) for one in call.args):
        return ""
    inside = bound(value)
    scope = _scope(source, call)
    there = set() if isinstance(scope, ast.Module) else set(bound(scope))
    free = set(read(value)) - set(names) - set(inside)
    given = {one.id for one in call.args if isinstance(one, ast.Name)}
    if scope is function or free & there or given & set(inside) or set(names) & set(inside):
        return ""
    start, _ = source.span(value)
    text = source.of(value)
    found = [
        (*source.span(node), source.of(call.args[names.index(node.id)]))
        for node in ast.walk(value)
        if isinstance(node, ast.Name) and node.id in names
    ]
    for first, last, other in sorted(found, reverse=True):
        text = text[: first - start] + other + text[last - start :]
    compound = isinstance(value, ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.Lambda | ast.UnaryOp)
    return f"({text})" if compound and isinstance(source.parents[call], ast.expr) else _whole(text)


def _whole(text: str) -> str:
    """Return an expression that may stand anywhere in a statement: one of several lines needs brackets."""
    try:
        ast.parse(text)
    except SyntaxError:
        return f"({text})"
    return text


def _functions(source: Source) -> list[ast.FunctionDef]:
    return [one for one in ast.walk(source.tree) if isinstance(one, ast.FunctionDef)]


def _scope(source: Source, node: ast.AST) -> ast.AST:
    """Return the function that a node is part of, or the module."""
    while node in source.parents and not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
        node = source.parents[node]
    return node


def _assigned(statement: ast.stmt) -> str:
    """Return the name that a plain assignment binds; empty for none."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return target.id if isinstance(target, ast.Name) else ""
    return ""


def _root(node: ast.expr) -> str:
    """Return the first name of a dotted one; empty for anything else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _steady(scope: Scope) -> set[str]:
    """Return the names that a scope binds once, outside of any loop or condition: they keep their value."""
    counts = bound(scope)
    names = [_assigned(one) for one in scope.body]
    names += [one.name for one in scope.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    if isinstance(scope, ast.FunctionDef):
        names += [one.arg for one in scope.args.args]
    return {name for name in names if name and counts[name] == 1}


def _modules(source: Source) -> set[str]:
    """Return the names that the script imports on top and never binds again."""
    counts = bound(source.tree)
    found = {
        (one.asname or one.name).split(".")[0]
        for statement in source.tree.body
        if isinstance(statement, ast.Import)
        for one in statement.names
    }
    return {name for name in found if counts[name] == 1}
