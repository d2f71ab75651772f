"""Makes a script smaller by experiment: what can go or shrink while both sides keep what they show.

A pure search: it is handed a text and a function that executes one, and knows nothing of releases. The steps, in order:
numbers on top are made smaller, statements go, then arguments and the items of dictionaries. What fails to parse, or
reads a name that nothing binds, is never executed.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.repro.edits import Edit, Source
from harness.repro.simplify import constants, simplify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass
class Reduction:
    """The search and its path.

    Attributes:
        holds: Executes a script; tells whether both sides keep what they show.
        text: The smallest script so far.
        most: Scripts that are executed at most.
        note: Called with a line for each step.
        tried: Scripts that were executed.
        path: What was done, a line each.
        first: The script that was given.
    """

    holds: Callable[[str], bool]
    text: str
    most: int
    note: Callable[[str], None] = lambda _line: None
    tried: int = 0
    path: list[str] = field(default_factory=list)
    _known: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first = self.text

    def run(self) -> str:
        """Return the smallest script that was found; the given one if none is to be executed."""
        if not self.most:
            return self.text
        self._attempt(simplify(self.text))
        self._numbers()
        for what, groups in (("statements", _statements), ("arguments", _arguments)):
            before = self.text
            self._leave_out(groups)
            if self.text != before:
                few, many = _lines(self.text), _lines(before)
                self._did(f"{what} left out" + (f": {many} -> {few} lines" if few < many else ""))
        self._numbers()
        return self.text

    def _attempt(self, text: str) -> bool:
        """Take a script if it holds."""
        if text == self.text or self.tried >= self.most or not _complete(text):
            return False
        if text not in self._known:
            self.tried += 1
            self._known[text] = self.holds(text)
        if self._known[text]:
            self.text = text
        return self._known[text]

    def _did(self, step: str) -> None:
        self.path.append(step)
        self.note(f"made smaller: {step}")

    def _numbers(self) -> None:
        """Make whole numbers on top as small as they can be: 1, else half and half again."""
        for name in list(constants(Source(self.text))):
            first = value = constants(Source(self.text)).get(name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 1:
                continue
            if self._attempt(self._with(name, 1)):
                value = 1
            while value > 2 and self._attempt(self._with(name, value // 2)):
                value //= 2
            if value != first:
                self._did(f"{name} {first} -> {value}")

    def _with(self, name: str, value: int) -> str:
        source = Source(self.text)
        for statement in source.tree.body:
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == name:
                return source.edited([source.replace(statement.value, str(value))])
        return self.text

    def _leave_out(self, groups: Callable[[Source], Iterator[Sequence[Edit]]]) -> None:
        """Leave out what can go, large groups first; each is tried once."""
        refused: set[tuple[str, ...]] = set()
        found = True
        while found:
            source = Source(self.text)
            found = False
            for edits in groups(source):
                left_out = tuple(source.text[edit.start : edit.end] for edit in edits)
                smaller = None if left_out in refused else simplify_or_none(source.edited(edits))
                if smaller is not None and self._attempt(smaller):
                    found = True
                    break
                refused.add(left_out)  # and stays, though it might go later: else each trial would come again


def simplify_or_none(text: str) -> str | None:
    """Return a script simplified; None if it does not parse."""
    try:
        return simplify(text)
    except SyntaxError:
        return None


def _lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def _statements(source: Source) -> Iterator[list[Edit]]:
    """Yield runs of neighbouring statements that may go: halves and quarters of a block first, then each alone."""
    loops = [one.body for one in ast.walk(source.tree) if isinstance(one, ast.While)]  # might never end
    blocks = [[one for one in block if not _kept(one)] for block in source.blocks() if block not in loops]
    for parts in (2, 4, 0):
        for block in blocks:
            size = max(2, -(-len(block) // parts)) if parts else 1
            if parts and len(block) < 2 * parts:
                continue
            for start in reversed(range(0, len(block), size)):
                chosen = block[start : start + size]
                yield [source.drop([one]) for one in chosen]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.With | ast.For) and not isinstance(source.parents[node], ast.For):
            yield [Edit(*source.whole_lines([node]), source.moved(node.body, source.indentation(node)))]


def _kept(statement: ast.stmt) -> bool:
    """Tell whether a statement is no candidate: what makes the script fail, and what goes by itself once unused."""
    if isinstance(statement, ast.Assert | ast.Import | ast.ImportFrom | ast.Pass):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _arguments(source: Source) -> Iterator[list[Edit]]:
    """Yield each keyword of a call and each item of a dictionary or a list, with the comment above, which may speak of it."""
    alone: list[list[Edit]] = []
    known = constants(source)
    sizes = {name for name, value in known.items() if type(value) is int}  # a default may be far larger
    for node in ast.walk(source.tree):
        items: list[tuple[int, int]] = []
        first = 0
        if isinstance(node, ast.Call) and node.keywords and not _in_check(source, node):
            items = sorted(source.span(one) for one in [*node.args, *node.keywords])
            first = len(node.args)
        elif isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
            items = [
                (source.span(key)[0], source.span(value)[1])
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            ]
        elif isinstance(node, ast.List) and len(node.elts) > 1:
            items = [source.span(one) for one in node.elts]
        alone += [
            [source.drop_item(node, items, at), source.drop_comment(node)]
            for at in reversed(range(first, len(items)))
            if not sizes & set(re.findall(r"\w+", source.text[items[at][0] : items[at][1]]))
        ]
    yield from alone


def _in_check(source: Source, node: ast.AST) -> bool:
    """Tell whether an expression belongs to what makes the script fail: an assertion, or a filter of warnings."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "filterwarnings":
        return True
    while node in source.parents:
        if isinstance(node, ast.Assert):
            return True
        node = source.parents[node]
    return False


def _complete(text: str) -> bool:
    """Tell whether a script parses and binds every name that it reads."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    bound = set(dir(builtins)) | {"__file__", "__name__"}
    read: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return read <= bound
