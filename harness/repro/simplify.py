"""What a script's fixed settings decide is decided: dead branches, names that are not used, and constants go.

Every rule is a function of a `Source` that returns edits; they are applied until none has anything to do. Rules may
take away what a reader would keep (a call without effect): whoever uses them executes the result.
"""

from __future__ import annotations

import ast
import operator
import sys
from typing import TYPE_CHECKING, Any

from harness.repro.edits import Edit, Source
from harness.repro.folding import aliases, calls, returned, spread, unreachable
from harness.repro.names import bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_UNKNOWN = object()
_MOST_ROUNDS = 50
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


def simplify(text: str) -> str:
    """Return a script without what its settings decide.

    Raises:
        SyntaxError: It is no Python.
    """
    for _ in range(_MOST_ROUNDS):
        before = text
        for rule in _RULES:
            source = Source(text)
            text = source.edited(rule(source))
        if text == before:
            break
    return text


def constants(source: Source) -> dict[str, Any]:
    """Return {name: value} of what the script sets on top, once, to a plain value."""
    found: dict[str, Any] = {}
    counts = bound(source.tree)
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name.isupper() and counts[name] == 1:
                value = _literal(statement.value)
                if value is not _UNKNOWN:
                    found[name] = value
    return found


def _is_plain(value: Any) -> bool:
    """Tell whether a constant takes the place of its name, which would say no more."""
    return value is None or isinstance(value, bool) or (isinstance(value, str) and not value)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return _UNKNOWN


def _value(node: ast.AST, known: Mapping[str, Any]) -> Any:
    """Return what an expression is whatever happens, or `_UNKNOWN`."""
    found: Any = _UNKNOWN
    if isinstance(node, ast.Constant):
        found = node.value
    elif isinstance(node, ast.Name):
        found = known.get(node.id, _UNKNOWN)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        truth = _truth(node.operand, known)
        found = _UNKNOWN if truth is None else not truth
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        found = _compared(node, known)
    elif isinstance(node, ast.IfExp):
        one, other = _value(node.body, known), _value(node.orelse, known)
        truth = _truth(node.test, known)
        if truth is not None:
            found = one if truth else other
        elif one is not _UNKNOWN and type(one) is type(other) and one == other:
            found = one
    elif isinstance(node, ast.BoolOp):
        found = _of_both(node, known)
    return found


def _compared(node: ast.Compare, known: Mapping[str, Any]) -> Any:
    """Return what a comparison of two known values gives, or `_UNKNOWN`."""
    left, right = _value(node.left, known), _value(node.comparators[0], known)
    compare = _ORDER.get(type(node.ops[0]))
    if left is _UNKNOWN or right is _UNKNOWN or compare is None:
        return _UNKNOWN
    try:
        return compare(left, right)
    except TypeError:
        return _UNKNOWN


def _of_both(node: ast.BoolOp, known: Mapping[str, Any]) -> Any:
    """Return what `and` or `or` gives, if its first operands decide it."""
    wanted = isinstance(node.op, ast.Or)
    for operand in node.values:
        value = _value(operand, known)
        if value is _UNKNOWN:
            return _UNKNOWN
        if bool(value) == wanted:
            return value
    return _value(node.values[-1], known)


def _truth(node: ast.AST, known: Mapping[str, Any]) -> bool | None:
    """Return what a condition is whatever happens; of `a and False` it is known whatever `a` is."""
    value = _value(node, known)
    if value is not _UNKNOWN:
        return bool(value)
    if isinstance(node, ast.BoolOp):
        wanted = isinstance(node.op, ast.Or)
        if any(_truth(operand, known) is wanted for operand in node.values):
            return wanted
    return None


def _branches(source: Source) -> Iterator[Edit]:
    """Take the branch of an `if` that is always taken."""
    known = constants(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.If) and (truth := _truth(node.test, known)) is not None:
            yield from _chosen(source, node, truth)
        elif isinstance(node, ast.IfExp) and (truth := _truth(node.test, known)) is not None:
            yield source.replace(node, _inside(source, node, node.body if truth else node.orelse))


def _inside(source: Source, outer: ast.AST, inner: ast.expr) -> str:
    """Return the text of an expression that takes the place of the one around it, in brackets where it needs them."""
    text, start = source.of(inner), source.span(outer)[0]
    bracketed = (
        source.text[:start].rstrip().endswith("(")
        and source.text[source.span(outer)[1] :].lstrip()[:1] == ")"
    )
    compound = isinstance(inner, ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.Lambda)
    within = isinstance(source.parents.get(outer), ast.expr)
    return f"({text})" if compound and within and not bracketed else text


def _chosen(source: Source, node: ast.If, truth: bool) -> Iterator[Edit]:
    start, _ = source.span(node)
    elif_ = source.text[start:].startswith("elif")
    indentation = source.lines[node.lineno - 1][: node.col_offset]
    if elif_:
        line = source.whole_lines([node])
        if truth:
            yield Edit(start - len(indentation), line[1], _else(source, node.body, indentation))
        elif not node.orelse:
            yield Edit(start - len(indentation), line[1])
        elif source.text[source.span(node.orelse[0])[0] :].startswith("elif"):
            yield Edit(start, source.span(node.orelse[0])[0])
        else:
            yield Edit(start - len(indentation), line[1], _else(source, node.orelse, indentation))
        return
    chosen = node.body if truth else node.orelse
    if not chosen:
        yield source.drop([node])
    elif not truth and source.text[source.span(chosen[0])[0] :].startswith("elif"):
        yield Edit(start, source.span(chosen[0])[0] + len("el"))
    else:
        yield Edit(*source.whole_lines([node]), source.moved(chosen, indentation))


def _else(source: Source, statements: list[ast.stmt], indentation: str) -> str:
    return f"{indentation}else:\n" + source.moved(statements, f"{indentation}    ")


def _operands(source: Source) -> Iterator[Edit]:
    """Leave out of `a and True`, `"" or b` and `x == x` what decides nothing."""
    known = constants(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.BoolOp):
            neutral = isinstance(node.op, ast.And)
            kept = [one for one in node.values[:-1] if _truth(one, known) is not neutral]
            kept.append(node.values[-1])
            if len(kept) < len(node.values):
                word = " and " if neutral else " or "
                yield source.replace(node, word.join(source.of(one) for one in kept))
            elif (value := _value(node, known)) is not _UNKNOWN and _is_plain(value):
                yield source.replace(node, repr(value))
        elif (
            isinstance(node, ast.IfExp)
            and (value := _value(node, known)) is not _UNKNOWN
            and _is_plain(value)
        ):
            yield source.replace(node, repr(value))


def _lookups(source: Source) -> Iterator[Edit]:
    """Decide `TABLE.get(KEY, other)` where the table has no such key."""
    known = constants(source)
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and len(node.args) == 2
            and isinstance(table := _value(node.func.value, known), dict)
            and (key := _value(node.args[0], known)) is not _UNKNOWN
            and key not in table
        ):
            yield source.replace(node, source.of(node.args[1]))


def _scopes(source: Source) -> Iterator[tuple[ast.AST, dict[str, int], dict[str, list[ast.Name]]]]:
    """Yield each function, and the module, with how often names are bound in it and where they are read."""
    functions = [one for one in ast.walk(source.tree) if isinstance(one, ast.FunctionDef)]
    for scope in [source.tree, *functions]:
        reads: dict[str, list[ast.Name]] = {}
        for node in ast.walk(scope):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                reads.setdefault(node.id, []).append(node)
        yield scope, bound(scope), reads


def _names(source: Source) -> Iterator[Edit]:
    """Put a constant that says nothing in place of the name that was given it once; settings on top keep theirs."""
    known = constants(source)
    for scope, counts, reads in _scopes(source):
        for node in ast.walk(scope):
            if not (isinstance(node, ast.Assign) and len(node.targets) == 1):
                continue
            target = node.targets[0]
            if not isinstance(target, ast.Name) or counts[target.id] != 1 or target.id.isupper():
                continue
            value = _value(node.value, known)
            if not _is_plain(value):
                continue
            for read in reads.get(target.id, ()):
                yield source.replace(read, repr(value))


def _unused(source: Source) -> Iterator[Edit]:
    """Leave out what binds a name that nobody reads, and loops and conditions around nothing.

    What a class binds is read as an attribute, by whoever knows the class: it stays.
    """
    read = {
        one.id for one in ast.walk(source.tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    }
    of_classes = [one.body for one in ast.walk(source.tree) if isinstance(one, ast.ClassDef)]
    for block in source.blocks():
        if block in of_classes:
            continue
        for statement in block:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield from _imports(source, statement, read)
            elif _is_idle(statement, read):
                yield source.drop([statement])
                break  # the block is another one then


def _imports(source: Source, statement: ast.Import | ast.ImportFrom, read: set[str]) -> Iterator[Edit]:
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        return
    names = [(one.asname or one.name).split(".")[0] for one in statement.names]
    dead = [at for at, name in enumerate(names) if name not in read]
    if not dead:
        return
    if isinstance(statement, ast.Import):  # loading a whole package may be what shows the fault
        if len(names) == len(dead) == 1 and names[0] in sys.stdlib_module_names:
            yield source.drop([statement])
        return
    if len(dead) == len(names):
        yield source.drop([statement])
        return
    items = [source.span(one) for one in statement.names]
    kept = [source.text[start:end] for at, (start, end) in enumerate(items) if at not in dead]
    text = f"from {'.' * statement.level}{statement.module or ''} import {', '.join(kept)}"
    if len(text) > 100:
        text = text.partition(" import ")[0] + " import (\n" + "".join(f"    {one},\n" for one in kept) + ")"
    yield source.replace(statement, text)


def _is_idle(statement: ast.stmt, read: set[str]) -> bool:
    """Tell whether nothing would miss a statement."""
    if isinstance(statement, ast.FunctionDef):
        return statement.name not in read and not statement.decorator_list  # a decorator may keep it
    if isinstance(statement, ast.Assign):
        targets = [
            one.id if isinstance(one, ast.Name) else ""
            for target in statement.targets
            for one in _flat(target)
        ]
        return all(name and name not in read for name in targets) and _harmless(statement.value)
    if isinstance(statement, ast.For | ast.If):
        rest = [*statement.body, *statement.orelse]
        head = statement.iter if isinstance(statement, ast.For) else statement.test
        return all(isinstance(one, ast.Pass) for one in rest) and _harmless(head)
    return False


def _flat(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, ast.Tuple | ast.List) else [target]


def _harmless(node: ast.AST) -> bool:
    """Tell whether an expression may be left out: it calls nothing, or only what reads."""
    reads = {
        "endswith",
        "startswith",
        "get",
        "items",
        "keys",
        "values",
        "named_parameters",
        "parameters",
        "len",
    }
    reads |= {"getattr", "hasattr", "str", "int", "float", "max", "min", "nullcontext", "lower", "strip"}
    return all(
        (getattr(one.func, "attr", "") or getattr(one.func, "id", "")) in reads
        for one in ast.walk(node)
        if isinstance(one, ast.Call)
    )


def _contexts(source: Source) -> Iterator[Edit]:
    """Take the body of `with nullcontext():` out of it."""
    null = {
        node.targets[0].id
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_null(node.value)
    }
    null = {name for name in null if bound(source.tree)[name] == 1}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.With) and len(node.items) == 1 and node.items[0].optional_vars is None:
            context = node.items[0].context_expr
            if _is_null(context) or (isinstance(context, ast.Name) and context.id in null):
                yield Edit(*source.whole_lines([node]), source.moved(node.body, source.indentation(node)))


def _is_null(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) == "nullcontext"
    )


def _passes(source: Source) -> Iterator[Edit]:
    """Leave out a `pass` that stands beside something else."""
    for block in source.blocks():
        idle = [one for one in block if isinstance(one, ast.Pass)]
        if idle and len(block) > 1:
            yield source.drop(idle[:1])


def _blank_lines(source: Source) -> Iterator[Edit]:
    """Leave two blank lines around functions and classes, one elsewhere, and none at the beginning."""
    at = 0
    before = ""
    run: list[tuple[int, int]] = []
    for line in source.lines:
        if line.strip():
            apart = line.startswith(("def ", "class ", "@")) or (
                before[:1].isspace() and not line[:1].isspace()
            )
            most = 0 if not before else 2 if apart else 1
            for start, end in run[most:]:
                yield Edit(start, end)
            before, run = line, []
        else:
            run.append((at, at + len(line)))
        at += len(line)


_RULES: tuple[Callable[[Source], Iterator[Edit]], ...] = (
    _lookups,
    _branches,
    _operands,
    _names,
    unreachable,
    returned,
    aliases,
    calls,
    spread,
    _contexts,
    _unused,
    _passes,
    _blank_lines,
)
