"""Which hunks need which others, read from the files without an execution.

Who uses a name needs who brings it, by two rules. A name that the other tree does not know at all, neither in this file nor in any other one, is needed where
it is used (functions, methods, attributes, parameters, keywords). A name that a module binds in one tree alone is needed
where the module, or another one that imports it, uses it. Both hold for what the bad side brings, and for what it
takes away. Besides, hunks without which a file cannot be compiled go together.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.descent.hunks import compiles, mixed
from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.descent.hunks import Hunk
    from harness.sessions.overlay import Tree

_WORD = re.compile(rb"[A-Za-z_]\w*")
_WINDOW = 6
"""Hunks beside one that are tried along with it, where a file cannot be compiled with it alone."""
_BUILT_IN = frozenset(dir(builtins))
Places = dict[str, set[int]]
"""{name: lines}."""


@dataclass(slots=True)
class _File:
    """What a Python file says of names.

    Attributes:
        brings: Everything that its lines give a name: functions, classes, parameters, attributes, imports.
        uses: Names, attributes and keywords that its lines use.
        binds: What its module binds by itself.
        imports: (module, name, line) of what it imports by name; an empty name is the module itself.
        everything: It imports all names of another module, so that what it binds is not known.
    """

    brings: Places = field(default_factory=lambda: defaultdict(set))
    uses: Places = field(default_factory=lambda: defaultdict(set))
    binds: Places = field(default_factory=lambda: defaultdict(set))
    imports: list[tuple[str, str, int]] = field(default_factory=list)
    everything: bool = False


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two trees: what its changed files say, and which hunks hold a line of it."""

    tree: Tree
    files: Mapping[str, _File]
    hunk_of: Mapping[tuple[str, int], int]
    words: frozenset[str]

    def hunks(self, file: str, lines: Iterable[int]) -> frozenset[int]:
        """Return the hunks that hold any of some lines."""
        places = (self.hunk_of.get((file, line)) for line in lines)
        return frozenset(place for place in places if place is not None)


def name_ties(changes: Sequence[Hunk], good: Tree, bad: Tree, *, older_is_bad: bool) -> list[Tie]:
    """Return which hunks go together: applied is what stands as in the bad tree.

    Args:
        changes: All hunks between both trees.
        good: The good tree.
        bad: The bad tree.
        older_is_bad: Whether the older tree is the bad one.
    """
    before, after = (bad, good) if older_is_bad else (good, bad)
    older, newer = _side(before, changes, older=True), _side(after, changes, older=False)
    good_side, bad_side = (newer, older) if older_is_bad else (older, newer)
    found: dict[tuple[frozenset[int], frozenset[int]], Tie] = {}
    for user, binders, name in _needs(bad_side, good_side):
        if binders and user not in binders:
            tie = Tie(frozenset({user}), binders, f"{name} is used where it is brought")
            found[tie.applied, tie.needed] = tie
    for user, binders, name in _needs(good_side, bad_side):
        if binders and user not in binders:
            tie = Tie(binders, frozenset({user}), f"{name} is used where it stays")
            found[tie.applied, tie.needed] = tie
    for brought, gone in _moved(changes, good_side, bad_side):
        for tie in (
            Tie(brought, gone, "the module lies elsewhere"),
            Tie(gone, brought, "the module lies elsewhere"),
        ):
            found[tie.applied, tie.needed] = tie
    return list(found.values())


def _moved(
    changes: Sequence[Hunk], good: _Side, bad: _Side
) -> Iterator[tuple[frozenset[int], frozenset[int]]]:
    """Yield (hunks that bring a module, hunks that take it away) of each that is a file here and a package there."""
    whole: dict[str, set[int]] = defaultdict(set)
    for number, change in enumerate(changes):
        if change.whole and change.file.endswith(".py"):
            whole[change.file].add(number)
    for file, brought in whole.items():
        stem = file.removesuffix(".py").removesuffix("/__init__")
        other = f"{stem}/__init__.py" if file == f"{stem}.py" else f"{stem}.py"
        if file in bad.tree and file not in good.tree and other in good.tree and other not in bad.tree:
            yield frozenset(brought), frozenset(whole[other])


def _side(tree: Tree, changes: Sequence[Hunk], *, older: bool) -> _Side:
    hunk_of = {
        (change.file, line): number
        for number, change in enumerate(changes)
        for line in (change.before_lines() if older else change.after_lines())
    }
    changed = {change.file for change in changes if change.file.endswith(".py")}
    files = {file: found for file in sorted(changed & tree.keys()) if (found := _read(file, tree[file]))}
    words = frozenset(
        word.decode()
        for name, content in tree.items()
        if name.endswith(".py")
        for word in set(_WORD.findall(content))
    )
    return _Side(tree, files, hunk_of, words)


def _needs(here: _Side, there: _Side) -> Iterator[tuple[int, frozenset[int], str]]:
    """Yield (hunk, hunks of which it needs one, name) for what only this side brings."""
    own = here.words - there.words
    brought: dict[str, set[int]] = defaultdict(set)
    for file, one in here.files.items():
        for name, lines in one.brings.items():
            if name in own:
                brought[name] |= here.hunks(file, lines)
    for file, one in here.files.items():
        for name, lines in one.uses.items():
            for user in here.hunks(file, lines) if name in own else ():
                yield user, frozenset(brought[name]), name
        yield from _bound(file, one, here, there)
        yield from _imported(one, file, here, there)


def _bound(file: str, one: _File, here: _Side, there: _Side) -> Iterator[tuple[int, frozenset[int], str]]:
    """Yield what the uses of names need that this module binds here alone."""
    other = there.files.get(file)
    if one.everything or (other is not None and other.everything):
        return
    for name in one.binds.keys() - (other.binds.keys() if other else set()) - _BUILT_IN:
        binders = here.hunks(file, one.binds[name])
        for user in here.hunks(file, one.uses.get(name, ())):
            yield user, binders, name


def _imported(one: _File, file: str, here: _Side, there: _Side) -> Iterator[tuple[int, frozenset[int], str]]:
    """Yield what imports need that another module of the package binds here alone, or that is here alone."""
    for module, name, line in one.imports:
        for user in here.hunks(file, [line]):
            path = _path(module, here.tree)
            inner = _path(f"{module}.{name}", here.tree) if name else None
            for there_is in filter(None, (path, inner)):
                if there_is not in there.tree and there_is in here.files:
                    lines = range(1, here.tree[there_is].count(b"\n") + 2)
                    yield user, here.hunks(there_is, lines), module
            known = here.files.get(path or "")
            other = there.files.get(path or "")
            if known and other and name in known.binds and name not in other.binds and not other.everything:
                yield user, here.hunks(path or "", known.binds[name]), name


def _path(module: str, tree: Tree) -> str | None:
    """Return the file of a module; None where it is none of the package's."""
    stem = module.replace(".", "/")
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in tree), None)


def _read(file: str, content: bytes) -> _File | None:
    try:
        module = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    found = _File()
    package = file.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(module):
        _note(node, found, package)
    for statement in _own(module):
        for name, line in _bindings(statement):
            found.binds[name].add(line)
    return found


def _note(node: ast.AST, found: _File, package: Sequence[str]) -> None:
    """Take in what one node brings and uses."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            found.brings[node.name].add(node.lineno)
        case ast.arg():
            found.brings[node.arg].add(node.lineno)
        case ast.keyword() if node.arg:
            found.uses[node.arg].add(node.lineno)
        case ast.Name():
            (found.uses if isinstance(node.ctx, ast.Load) else found.brings)[node.id].add(node.lineno)
        case ast.Attribute():
            line = node.end_lineno or node.lineno
            (found.uses if isinstance(node.ctx, ast.Load) else found.brings)[node.attr].add(line)
        case ast.ImportFrom():
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                found.everything |= alias.name == "*"
                found.imports.append((origin, alias.name, alias.lineno))
        case ast.Import():
            found.imports += [(alias.name, "", alias.lineno) for alias in node.names]
        case ast.Constant() if isinstance(node.value, str) and node.value.isidentifier():
            found.brings[node.value].add(node.lineno)  # setattr, __all__, a key


def _own(module: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that a module executes itself, those of its branches included."""
    left: list[ast.stmt] = [*module.body]
    while left:
        statement = left.pop()
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for name in ("body", "orelse", "finalbody"):
            left += getattr(statement, name, [])
        for handler in getattr(statement, "handlers", []):
            left += handler.body


def _bindings(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """Yield (name, line) of what one statement of a module binds."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, statement.lineno
        case ast.Import() | ast.ImportFrom():
            for alias in statement.names:
                yield (alias.asname or alias.name.partition(".")[0]), alias.lineno
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.For() | ast.With():
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, node.lineno


def syntax_ties(changes: Sequence[Hunk], numbers: Sequence[int], before: Tree, after: Tree) -> list[Tie]:
    """Return which hunks of one file go together since it cannot be compiled with a part of them; applied is as after.

    Args:
        changes: All hunks between both trees.
        numbers: Those of the file, in the order of their lines.
        before: The older tree.
        after: The newer one.
    """
    own = [changes[number] for number in numbers]
    file = own[0].file
    old, new = ({file: tree[file]} if file in tree else {} for tree in (before, after))

    def stands(applied: frozenset[int]) -> bool:
        return compiles(mixed(old, new, own, applied).get(file, b""))

    every = frozenset(range(len(own)))
    found = []
    for place in every:
        if not own[place].exchangeable():
            group = _group(place, len(own), stands)
            found += [(place, other) for other in group]
            group = _group(place, len(own), lambda back: stands(every - back))
            found += [(other, place) for other in group]
    return [
        Tie(frozenset({numbers[one]}), frozenset({numbers[other]}), f"{file} cannot be compiled otherwise")
        for one, other in dict.fromkeys(found)
    ]


def _group(place: int, count: int, stands: Callable[[frozenset[int]], bool]) -> frozenset[int]:
    """Return the nearest hunks with which one stands, itself left out; all if none of the near ones suffice."""
    for width in range(1, _WINDOW + 2):
        for first in range(max(0, place - width + 1), min(place, count - width) + 1):
            window = frozenset(range(first, first + width))
            if stands(window):
                return window - {place}
    return frozenset(range(count)) - {place}
