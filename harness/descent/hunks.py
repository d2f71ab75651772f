"""The difference between two trees of files, cut into hunks that can be applied one by one."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Tree = dict[str, bytes]
"""{path below site-packages: content} of one release of a package."""

_QUOTED = re.compile(r"'([A-Za-z_][\w.]*)'")
_DEFINES = r"(?:\b(?:def|class)\s+{0}\b|\b(?:self|cls)\.{0}\s*[:=]|^\s*{0}\s*[:=,]|\bimport\b.*\b{0}\b|\b{0}\s*=|[(,]\s*{0}\b|^\s*{0},)"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One contiguous change of one file.

    Attributes:
        file: Path below site-packages.
        before_start, after_start: Number of the first line, from 1, in either tree.
        before, after: Lines with their ends, in either tree.
        whole: The file is in one of the trees only, or is no text: it is taken or left as a whole.
    """

    file: str
    before_start: int
    before: tuple[str, ...]
    after_start: int
    after: tuple[str, ...]
    whole: bool = False

    def after_lines(self) -> range:
        """Return the numbers of its lines in the newer tree."""
        return range(self.after_start, self.after_start + len(self.after))

    def before_lines(self) -> range:
        """Return the numbers of its lines in the older tree."""
        return range(self.before_start, self.before_start + len(self.before))


def hunks(before: Tree, after: Tree) -> list[Hunk]:
    """Return all hunks between two trees, file by file in the order of their lines."""
    found: list[Hunk] = []
    for file in sorted(before.keys() | after.keys()):
        old, new = before.get(file), after.get(file)
        if old == new:
            continue
        texts = (_text(old), _text(new))
        if old is None or new is None or texts[0] is None or texts[1] is None or not file.endswith(".py"):
            rows = [tuple((text or "").splitlines(keepends=True)) for text in texts]
            found.append(Hunk(file, 1, rows[0], 1, rows[1], whole=True))
            continue
        one, other = (text.splitlines(keepends=True) for text in texts if text is not None)
        matcher = SequenceMatcher(None, one, other, autojunk=False)
        found += [
            Hunk(file, first + 1, tuple(one[first:last]), start + 1, tuple(other[start:end]))
            for kind, first, last, start, end in matcher.get_opcodes()
            if kind != "equal"
        ]
    return found


def mixed(before: Tree, after: Tree, changes: Sequence[Hunk], applied: Collection[int]) -> Tree:
    """Return the older tree with some of the hunks applied.

    Args:
        before: The older tree.
        after: The newer one.
        changes: All hunks between them, as `hunks` returns them.
        applied: Numbers of those that are applied.
    """
    by_file: dict[str, list[int]] = {}
    for number, change in enumerate(changes):
        by_file.setdefault(change.file, []).append(number)
    tree = dict(before)
    for file, numbers in by_file.items():
        if changes[numbers[0]].whole:
            side = after if numbers[0] in applied else before
            tree.pop(file, None)
            if file in side:
                tree[file] = side[file]
            continue
        lines = (_text(before[file]) or "").splitlines(keepends=True)
        for number in reversed(numbers):
            if number in applied:
                change = changes[number]
                first = change.before_start - 1
                lines[first : first + len(change.before)] = change.after
        tree[file] = "".join(lines).encode()
    return tree


def was_executed(change: Hunk, older: Mapping[str, set[int]], newer: Mapping[str, set[int]]) -> bool:
    """Tell whether a job executes any line of a hunk.

    Args:
        change: The hunk.
        older: {file: lines of executed statements} of the older tree, as `executed_lines` returns them. A file that
            is no Python counts as executed, since nobody sees who reads it.
        newer: The same of the newer tree.
    """
    if not change.file.endswith(".py"):
        return True
    old, new = older.get(change.file, set()), newer.get(change.file, set())
    return bool(old.intersection(change.before_lines()) or new.intersection(change.after_lines()))


def executed_lines(tree: Tree, executed: Mapping[str, Sequence[int]]) -> dict[str, set[int]]:
    """Return all lines of the statements of which a line was executed; docstrings belong to none.

    Args:
        tree: The files.
        executed: {file: line numbers} as a trace has them.
    """
    found: dict[str, set[int]] = {}
    for file, numbers in executed.items():
        if file in tree:
            lines = set(numbers)
            spans = _spans(tree[file])
            found[file] = {
                line
                for first, last in spans
                if lines & set(range(first, last + 1))
                for line in range(first, last + 1)
            }
    return found


def learnt(message: str, changes: Sequence[Hunk], applied: Collection[int]) -> list[Tie]:
    """Return what an error shows: hunks that use a name go together with those that define it.

    Args:
        message: Of a NameError, ImportError, AttributeError or TypeError; it quotes the name.
        changes: All hunks.
        applied: Those that the failed mixture has.
    """
    ties = []
    for quoted in _QUOTED.findall(message):
        name = re.escape(quoted.rpartition(".")[2])
        defines, uses = re.compile(_DEFINES.format(name), re.MULTILINE), re.compile(rf"\b{name}\b")
        added, removed = set(), set()
        users, keepers = set(), set()
        for number, change in enumerate(changes):
            old, new = "".join(change.before), "".join(change.after)
            if number in applied:
                if uses.search(new):
                    users.add(number)
                if defines.search(old) and not defines.search(new):
                    removed.add(number)
            else:
                if defines.search(new) and not defines.search(old):
                    added.add(number)
                if uses.search(old):
                    keepers.add(number)
        if users and added:
            ties.append(Tie(frozenset(users), frozenset(added), message[:200]))
        if removed and keepers:
            ties.append(Tie(frozenset(removed), frozenset(keepers), message[:200]))
    return ties


def _spans(content: bytes) -> list[tuple[int, int]]:
    """Return (first, last line) of every simple statement and of the head of every compound one."""
    try:
        module = ast.parse(content)
    except (SyntaxError, ValueError):
        return [(1, content.count(b"\n") + 1)]
    spans = []
    for node in ast.walk(module):
        if not isinstance(node, ast.stmt):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        body = getattr(node, "body", None)
        last = node.end_lineno or node.lineno
        if body:
            last = max(first, body[0].lineno - 1) if body[0].lineno > node.lineno else node.lineno
        spans.append((first, last))
    return spans


def _text(content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None
