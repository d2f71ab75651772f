"""The difference between two trees of files, cut into hunks that can be applied one by one."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise, product
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.sessions.overlay import Tree

_ALIKE = 0.6
"""Likeness of two lines above which one is taken for the other's changed form."""
_MOST_PAIRS = 4_000
"""Pairs of lines that are compared in one block."""
Block = tuple[int, int, int, int]
"""First line and end in the older file, first line and end in the newer one, from 0, the ends left out."""
_HEAD = re.compile(r"([ \t]*)(?:@|def\b|async def\b|class\b)")


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

    def module(self) -> str:
        """Return the last part of the name of the module that its file is."""
        return self.file.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]

    def touches(self, later: Hunk) -> bool:
        """Tell whether the next hunk of its file begins where this one ends, in both trees."""
        before, after = self.before_start + len(self.before), self.after_start + len(self.after)
        return (before, after) == (later.before_start, later.after_start)

    def exchangeable(self) -> bool:
        """Tell whether its lines are whole statements of one indentation on both sides: then its file compiles either way."""
        sides = ["".join(side) for side in (self.before, self.after)]
        margins = {text[: len(text) - len(text.lstrip(" \t"))] for text in sides}
        return len(margins) == 1 and all(text.strip() and _parses(text) for text in sides)

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
            for kind, *block in matcher.get_opcodes()
            if kind != "equal"
            for fine in _finer(one, other, (block[0], block[1], block[2], block[3]))
            for first, last, start, end in _by_definition(one, other, fine)
        ]
    return found


def _finer(one: Sequence[str], other: Sequence[str], block: Block) -> list[Block]:
    """Split a replaced block at the pair of lines that are most alike, as `difflib.ndiff` does, again above and below.

    Args:
        one: Lines of the older file.
        other: Lines of the newer file.
        block: In either file.
    """
    first, last, start, end = block
    if first == last and start == end:
        return []
    best, pair = _ALIKE, None
    if (last - first) * (end - start) <= _MOST_PAIRS:
        for row, column in product(range(first, last), range(start, end)):
            likeness = _likeness(one[row], other[column])
            if likeness > best:
                best, pair = likeness, (row, column)
    if pair is None or (last - first, end - start) == (1, 1):
        return [block]
    row, column = pair
    middle = [] if one[row] == other[column] else [(row, row + 1, column, column + 1)]
    above = _finer(one, other, (first, row, start, column))
    return [*above, *middle, *_finer(one, other, (row + 1, last, column + 1, end))]


def _by_definition(one: Sequence[str], other: Sequence[str], block: Block) -> list[Block]:
    """Split what was only added, or only removed, before each function and class of the outermost indentation."""
    first, last, start, end = block
    if first != last and start != end:
        return [block]
    lines = other[start:end] if first == last else one[first:last]
    heads = [_HEAD.match(line) for line in lines]
    outermost = min((len(head[1]) for head in heads if head), default=0)
    begins = [place for place, head in enumerate(heads) if head and len(head[1]) == outermost]
    # A decorator begins what it decorates.
    cuts = [place for place in begins if place and not (place - 1 in begins and _decorates(lines[place - 1]))]
    edges = list(pairwise([0, *cuts, len(lines)]))
    if first == last:
        return [(first, first, start + begin, start + stop) for begin, stop in edges]
    return [(first + begin, first + stop, start, start) for begin, stop in edges]


def _decorates(line: str) -> bool:
    return line.lstrip().startswith("@")


def _likeness(one: str, other: str) -> float:
    """Return how alike two lines are, 0 to 1; lines of another indentation, and empty ones, are not."""
    mine, theirs = one.strip(), other.strip()
    if not mine or not theirs or len(one) - len(one.lstrip()) != len(other) - len(other.lstrip()):
        return 0.0
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    return 0.0 if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE else matcher.ratio()


def mixed(
    before: Tree,
    after: Tree,
    changes: Sequence[Hunk],
    applied: Collection[int],
    both: Collection[int] = (),
) -> Tree:
    """Return the older tree with some of the hunks applied.

    Args:
        before: The older tree.
        after: The newer one.
        changes: All hunks between them, as `hunks` returns them.
        applied: Numbers of those that are applied.
        both: Numbers of those whose lines stand there as before and as after.
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
            change = changes[number]
            first = change.before_start - 1
            if number in both:
                lines[first : first + len(change.before)] = (*change.before, *change.after)
            elif number in applied:
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


def executed_lines(
    tree: Tree, executed: Mapping[str, Sequence[int]], *, heads: bool = True
) -> dict[str, set[int]]:
    """Return all lines of the statements of which a line was executed; docstrings belong to none.

    Args:
        tree: The files.
        executed: {file: line numbers} as a trace has them.
        heads: Heads of functions count even where no line of their bodies was executed: importing executes them.
    """
    found: dict[str, set[int]] = {}
    for file, numbers in executed.items():
        if file in tree:
            lines = set(numbers)
            found[file] = {
                line
                for first, last, inner in _spans(tree[file])
                if lines.intersection(range(first, last + 1))
                and (heads or inner is None or lines.intersection(inner))
                for line in range(first, last + 1)
            }
    return found


def broken(tree: Tree) -> list[str]:
    """Return the Python files of a tree that cannot be compiled."""
    return [file for file, content in tree.items() if file.endswith(".py") and not compiles(content)]


@lru_cache(maxsize=20_000)
def compiles(content: bytes) -> bool:
    """Tell whether a Python file can be compiled: an argument that stands there twice is seen by no parser."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(content, "file.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _parses(text: str) -> bool:
    try:
        ast.parse(dedent(text))
    except (SyntaxError, ValueError):
        return False
    return True


def _spans(content: bytes) -> list[tuple[int, int, range | None]]:
    """Return (first, last line, lines of its body if it is a function) of every simple statement and every head."""
    try:
        module = ast.parse(content)
    except (SyntaxError, ValueError):
        return [(1, content.count(b"\n") + 1, None)]
    spans: list[tuple[int, int, range | None]] = []
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
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        inner = (
            range(last + 1, (node.end_lineno or last) + 1) if function and node.end_lineno != last else None
        )
        spans.append((first, last, inner))
    return spans


def _text(content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None
