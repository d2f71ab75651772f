"""A job becomes a plain script: settings stand on top, and a few lines of a `Check` stand where the recorder was."""

from __future__ import annotations

import ast
import json
from string import Template
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.repro.edits import Edit, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.repro.checks import Check

_RECORDERS = {"harness_recorder", "harness"}
_PLAIN_CALLS = {"Recorder", "settings", "deterministic", "record", "output"}


def plain(text: str, values: Mapping[str, Any], check: Check, *, words: Sequence[str] = ()) -> str:
    """Return a job's text as a script that needs no harness.

    Args:
        text: Of the job.
        values: {setting: value} that the run gave it.
        check: What makes it fail as the bad release does.
        words: What its `sys.argv` holds behind its name, if it declares no settings and reads them.

    Raises:
        UsageError: It uses a part of the recorder for which no plain lines are known.
    """
    text = _settings_on_top(text, values)
    text = _without_docstrings(text)
    text = _without_recorder(text, check)
    text = _with_value(text, check)
    text = _without_imports(text)
    text = _with_arguments(text, words)
    return _with_modules(text, check)


def _imported(source: Source) -> dict[str, str]:
    """Return {name in the script: what it is of the recorder}; `harness` for the module itself."""
    found: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _RECORDERS:
            if node.module not in _RECORDERS or {one.name for one in node.names} - _PLAIN_CALLS:
                raise UsageError(
                    f"the job uses {source.of(node)!r}: `repro` knows plain lines for "
                    f"{', '.join(sorted(_PLAIN_CALLS))} alone; write the loop out, or take another job"
                )
            found |= {one.asname or one.name: one.name for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname or one.name: "module" for one in node.names if one.name in _RECORDERS}
    return found


def _called(node: ast.AST, names: Mapping[str, str]) -> str:
    """Return which function of the recorder an expression calls; empty for none."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Name):
        return names.get(node.func.id, "")
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return node.func.attr if names.get(node.func.value.id) == "module" else ""
    return ""


def _settings_on_top(text: str, values: Mapping[str, Any]) -> str:
    """Put each setting on top, as a constant of its own, in place of the declaration."""
    source = Source(text)
    names = _imported(source)
    for statement in source.tree.body:
        if (
            isinstance(statement, ast.Assign)
            and _called(statement.value, names) == "settings"
            and isinstance(statement.targets[0], ast.Name)
            and isinstance(statement.value, ast.Call)
            and isinstance(statement.value.args[0], ast.Dict)
        ):
            break
    else:
        return text
    config, declared = statement.targets[0].id, statement.value.args[0]
    lines = []
    taken = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}
    constant: dict[str, str] = {}
    for key, default in zip(declared.keys, declared.values, strict=True):
        if not isinstance(key, ast.Constant):
            raise UsageError("the job computes the names of its settings: `repro` cannot put them on top")
        name = str(key.value)
        constant[name] = name.upper() if name.upper() not in taken else f"{name.upper()}_"
        comment = source.lines[(default.end_lineno or 1) - 1].partition("  # ")[2].strip()
        said = _said(values[name]) if name in values else source.of(default)
        lines.append(f"{constant[name]} = {said}" + (f"  # {comment}" if comment else ""))
    edits = [
        source.replace(node, constant.get(node.attr, node.attr.upper()))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == config
    ]
    start, end = source.whole_lines([statement])
    return source.edited([Edit(start, end, "\n".join(lines) + "\n"), *edits])


def _without_docstrings(text: str) -> str:
    """Take the docstrings of functions out: they speak of settings that are decided, and of the recorder."""
    source = Source(text)
    if not _imported(source):
        return text
    first = [one.body[0] for one in ast.walk(source.tree) if isinstance(one, ast.FunctionDef)]
    return source.edited(
        source.drop([one])
        for one in first
        if isinstance(one, ast.Expr)
        and isinstance(one.value, ast.Constant)
        and isinstance(one.value.value, str)
    )


def _said(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _without_recorder(text: str, check: Check) -> str:
    """Take the recorder out, and put the check's lines in."""
    source = Source(text)
    names = _imported(source)
    block = next((one for one in ast.walk(source.tree) if _opens(one, names)), None)
    edits: list[Edit] = []
    if isinstance(block, ast.With):
        edits += _calls(source, block, check, names)
        text = source.edited(edits)
        source = Source(text)
        block = next(one for one in ast.walk(source.tree) if _opens(one, names))
        assert isinstance(block, ast.With)  # noqa: S101 - the one that was found above
        text = source.edited([_without_block(source, block, names)])
        source = Source(text)
    edits = [
        source.replace(node, _device(source, node))
        for node in ast.walk(source.tree)
        if _called(node, names) == "deterministic"
    ]
    return source.edited(edits)


def _opens(node: ast.AST, names: Mapping[str, str]) -> bool:
    return isinstance(node, ast.With) and _recorder_of(node, names) is not None


def _recorder_of(block: ast.With, names: Mapping[str, str]) -> ast.withitem | None:
    return next((one for one in block.items if _called(one.context_expr, names) == "Recorder"), None)


def _without_block(source: Source, block: ast.With, names: Mapping[str, str]) -> Edit:
    """Return the edit that takes the recorder out of its block, and the block too where that has no other context."""
    indentation = source.indentation(block)
    others = [
        source.of(one.context_expr) + (f" as {source.of(one.optional_vars)}" if one.optional_vars else "")
        for one in block.items
        if one is not _recorder_of(block, names)
    ]
    body = source.moved(block.body, f"{indentation}    " if others else indentation)
    head = f"{indentation}with {', '.join(others)}:\n" if others else ""
    return Edit(*source.whole_lines([block]), head + body)


def _device(source: Source, call: ast.AST) -> str:
    assert isinstance(call, ast.Call)  # noqa: S101 - the caller looked
    first = source.of(call.args[0]) if call.args else '"cpu"'
    return f"torch.device({first})"


def _calls(source: Source, block: ast.With, check: Check, names: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits of all that a job says to its recorder."""
    opened = _recorder_of(block, names)
    variable = opened.optional_vars if opened else None
    recorder = variable.id if isinstance(variable, ast.Name) else ""
    model = optimizer = ""
    for node in ast.walk(source.tree):
        if (
            _method(node, recorder) in {"begin", "attach", "prepare"}
            and isinstance(node, ast.Call)
            and node.args
        ):
            model = source.of(node.args[0])
            optimizer = source.of(node.args[1]) if len(node.args) > 1 else optimizer
    attached = any(_method(node, recorder) == "attach" for node in ast.walk(block))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and source.of(node) == f"{recorder}.stopped":
            yield source.replace(node, "False")
        elif isinstance(node, ast.Call) and _method(node, recorder):
            yield _plain_call(source, node, check, "" if attached else model)
        elif attached and _steps(node, optimizer):
            yield _behind(source, node, Template(check.weights).safe_substitute(model=model))


def _plain_call(source: Source, call: ast.Call, check: Check, model: str) -> Edit:
    """Return the edit of one call of the recorder; `model` is empty where something else follows the optimizer."""
    assert isinstance(call.func, ast.Attribute)  # noqa: S101 - the caller looked
    method, statement = call.func.attr, source.parents[call]
    if method == "config":
        return source.replace(call, source.of(call.args[0]))
    if isinstance(statement, ast.Assign):
        return source.replace(statement, f"{source.of(statement.targets[0])} = None")
    if not isinstance(statement, ast.Expr):
        raise UsageError(
            f"the job uses the value of recorder.{method}(...): `repro` has no plain lines for that"
        )
    loss = _loss(source, call, method)
    lines = check.start if method in {"begin", "attach"} else ""
    lines += Template(check.loss).safe_substitute(loss=loss) if loss else ""
    lines += Template(check.weights).safe_substitute(model=model) if method == "step" and model else ""
    return _in_place(source, statement, lines)


def _method(node: ast.AST, recorder: str) -> str:
    """Return which method of the recorder is called; empty for none."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    ):
        return node.func.attr if node.func.value.id == recorder else ""
    return ""


def _steps(node: ast.AST, optimizer: str) -> bool:
    """Tell whether a statement is a step of the optimizer."""
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "step"
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == optimizer
    )


def _loss(source: Source, call: ast.Call, method: str) -> str:
    """Return the loss that a call of the recorder is told."""
    if method in {"forward", "loss"} and call.args:
        return source.of(call.args[0])
    if method == "step":
        named = [one.value for one in call.keywords if one.arg == "loss"]
        return source.of(([*call.args, *named])[0]) if call.args or named else ""
    return ""


def _in_place(source: Source, statement: ast.stmt, lines: str) -> Edit:
    """Put lines in place of a statement."""
    if not lines:
        return source.drop([statement])
    start, end = source.whole_lines([statement])
    return Edit(start, end, _indented(lines, source.indentation(statement)))


def _behind(source: Source, statement: ast.AST, lines: str) -> Edit:
    assert isinstance(statement, ast.stmt)  # noqa: S101 - the caller looked
    _, end = source.whole_lines([statement])
    return Edit(end, end, _indented(lines, source.indentation(statement)))


def _indented(lines: str, indentation: str) -> str:
    return "".join(indentation + line for line in lines.splitlines(keepends=True))


def _with_value(text: str, check: Check) -> str:
    """Give the value that is judged a name where the script prints or records it, and judge it at the end.

    Where it is known more than once, or inside of a block, all values are kept in a list.
    """
    source = Source(text)
    edits, places = _places(source, check.signal)
    if not check.signal:
        return _ended(source.edited(edits), check.end)
    if not places:
        raise UsageError(
            f'where the script prints {check.signal} cannot be seen: print it as print(f"{check.signal}={{...}}") '
            "on a line of its own, or call harness.record"
        )
    taken = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}
    name = check.signal if check.signal.isidentifier() else "value"
    once = len(places) == 1 and places[0][0] in source.tree.body
    if once and isinstance(places[0][1], ast.Name):
        name = places[0][1].id
    elif name in taken:
        name = f"{name}_value"
    values, start, end = f"{name}_values", "", ""
    if not once:
        start, end = f"{values} = []\n", f"{name} = {values}[-1]\n"
        if check.window > 1:
            last = f"{values}[-{check.window}:]"
            end = f"{name} = sum({last}) / len({last})\n"
    for statement, value, printed in places:
        edits += _named(source, statement, value, name, "" if once else values, printed=printed)
    text = source.edited(edits)
    text = _on_top(text, start) if start else text
    return _ended(text, end + Template(check.end).safe_substitute(value=name))


def _places(source: Source, signal: str) -> tuple[list[Edit], list[tuple[ast.stmt, ast.expr, bool]]]:
    """Return the edits that take out what else is recorded, and (statement, value, printed) of each value of a signal."""
    names = _imported(source)
    edits: list[Edit] = []
    places: list[tuple[ast.stmt, ast.expr, bool]] = []
    for node in ast.walk(source.tree):
        if _called(node, names) in {"record", "output"} and isinstance(node, ast.Call):
            statement = source.parents[node]
            if not isinstance(statement, ast.Expr):
                raise UsageError(
                    f"{source.of(node)} is part of an expression: `repro` has no plain lines for that"
                )
            given = dict(zip(("name", "value"), node.args, strict=False))
            given |= {one.arg: one.value for one in node.keywords if one.arg}
            name, value = given.get("name"), given.get("value")
            if signal and value is not None and isinstance(name, ast.Constant) and name.value == signal:
                places.append((statement, value, False))
            else:
                edits.append(source.drop([statement]))
        elif signal and (printed := _printed(node, signal)) is not None:
            statement = _statement(source, node)
            if isinstance(statement, ast.Expr) and not source.indentation(statement).strip():
                places.append((statement, printed.value, True))
    return edits, places


def _named(
    source: Source, statement: ast.stmt, value: ast.expr, name: str, values: str, *, printed: bool
) -> list[Edit]:
    """Return the edits that give a value its name, and add it to a list where there is one."""
    text = source.of(value)
    lines = f"{values}.append({text})" if values else "" if text == name else f"{name} = {text}"
    if not printed:
        return [source.replace(statement, lines) if lines else source.drop([statement])]
    start, indentation = source.whole_lines([statement])[0], source.indentation(statement)
    if isinstance(value, ast.Name):
        return [Edit(start, start, f"{indentation}{lines}\n")] if lines else []
    more = f"{indentation}{values}.append({name})\n" if values else ""
    return [
        Edit(start, start, f"{indentation}{name} = {text}\n{more}"),
        source.replace(value, name),
    ]


def _ended(text: str, lines: str) -> str:
    return text.rstrip("\n") + "\n" + lines if lines else text


def _printed(node: ast.AST, name: str) -> ast.FormattedValue | None:
    """Return what an f-string has behind `NAME=`."""
    if not isinstance(node, ast.JoinedStr):
        return None
    for text, value in zip(node.values, node.values[1:], strict=False):
        if isinstance(text, ast.Constant) and isinstance(value, ast.FormattedValue):
            before = str(text.value)
            if before.endswith(f"{name}=") and not before.removesuffix(f"{name}=")[-1:].isidentifier():
                return value
    return None


def _statement(source: Source, node: ast.AST) -> ast.stmt:
    while not isinstance(node, ast.stmt):
        node = source.parents[node]
    return node


def _without_imports(text: str) -> str:
    source = Source(text)
    edits: list[Edit] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "") in _RECORDERS:
            edits.append(source.drop([node]))
        elif isinstance(node, ast.Import) and any(one.name in _RECORDERS for one in node.names):
            left = [source.of(one) for one in node.names if one.name not in _RECORDERS]
            edits.append(source.replace(node, f"import {', '.join(left)}") if left else source.drop([node]))
    return source.edited(edits)


def _with_arguments(text: str, words: Sequence[str]) -> str:
    """Give a script the arguments that it was run with, if it reads any."""
    source = Source(text)
    reads = any(
        isinstance(node, ast.Attribute) and node.attr in {"argv", "ArgumentParser"}
        for node in ast.walk(source.tree)
    )
    if not words or not reads:
        return text
    return _on_top(text, f"import sys\n\nsys.argv[1:] = {list(words)!r}\n")


def _with_modules(text: str, check: Check) -> str:
    """Put the check's first lines, and the imports that it needs, on top."""
    imports = "".join(f"import {name}\n" for name in check.modules)
    source = Source(text)
    again = [
        one for one in source.tree.body if isinstance(one, ast.Import) and f"{source.of(one)}\n" in imports
    ]
    text = source.edited(source.drop([one]) for one in again)
    lines = imports + ("\n" if imports and check.top else "") + check.top
    return _on_top(text, lines) if lines else text


def _on_top(text: str, lines: str) -> str:
    """Put lines behind the docstring and the imports of the future."""
    source = Source(text)
    head = [
        one
        for at, one in enumerate(source.tree.body)
        if (at == 0 and isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        or (isinstance(one, ast.ImportFrom) and one.module == "__future__")
    ]
    at = source.whole_lines(head[-1:])[1] if head else 0
    rest = text[at:].lstrip("\n")
    glue = (
        ""
        if lines.startswith("import ") and not lines.rstrip().count("\n") and rest.startswith("import ")
        else "\n"
    )
    return text[:at] + ("\n" if head else "") + lines + glue + rest
