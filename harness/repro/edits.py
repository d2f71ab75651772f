"""Changes of a source text at the places of its syntax tree: what is not touched keeps its layout and its comments."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replaces `text[start:end]`."""

    start: int
    end: int
    text: str = ""


class Source:
    """A script's text with its syntax tree.

    Raises:
        SyntaxError: It is no Python.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """{node: the node that it is a part of}."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where an expression or a statement begins and ends."""
        place = [getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")]
        return self._offset(place[0], place[1]), self._offset(place[2], place[3])

    def _offset(self, line: int, column: int) -> int:
        """Turn a line and a column in bytes of UTF-8 into an offset in characters."""
        raw = self.lines[line - 1].encode()[:column] if line <= len(self.lines) else b""
        return self._starts[line - 1] + len(raw.decode())

    def of(self, node: ast.AST) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def first_line(self, statement: ast.stmt) -> int:
        """Return the number of a statement's first line: of its first decorator, or of a comment right above it."""
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        number = min([statement.lineno, *(one.lineno for one in decorators)])
        while number > 1 and self.lines[number - 2].strip().startswith("#"):
            number -= 1
        return number

    def whole_lines(self, statements: Sequence[ast.stmt]) -> tuple[int, int]:
        """Return where the lines of neighbouring statements begin and end, comments right above them included."""
        last = statements[-1].end_lineno or statements[-1].lineno
        return self._starts[self.first_line(statements[0]) - 1], self._starts[last]

    def indentation(self, statement: ast.stmt) -> str:
        """Return the white space before a statement."""
        return self.lines[statement.lineno - 1][: statement.col_offset]

    def moved(self, statements: Sequence[ast.stmt], indentation: str) -> str:
        """Return the lines of neighbouring statements with another indentation."""
        start, end = self.whole_lines(statements)
        own = self.indentation(statements[0])
        rows = self.text[start:end].splitlines(keepends=True)
        return "".join(indentation + row.removeprefix(own) if row.strip() else row for row in rows)

    def replace(self, node: ast.AST, text: str) -> Edit:
        """Return the edit that puts a text in place of a node."""
        return Edit(*self.span(node), text)

    def drop(self, statements: Sequence[ast.stmt]) -> Edit:
        """Return the edit that takes neighbouring statements of one block out."""
        return Edit(*self.whole_lines(statements))

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """Yield every block of statements, the module's first."""
        for node in ast.walk(self.tree):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    yield block

    def drop_item(self, node: ast.AST, items: Sequence[tuple[int, int]], at: int) -> Edit:
        """Return the edit that takes one of the items between the brackets of a node out, its comma included.

        Args:
            node: A call, a dictionary or a list.
            items: Where all its items begin and end, in order.
            at: Index of the item.
        """
        start, end = items[at]
        if at + 1 < len(items):
            return Edit(start, items[at + 1][0])
        if at:
            return Edit(items[at - 1][1], end)
        _, whole = self.span(node)
        rest = self.text[end:whole]
        trailing = len(rest) - len(rest.lstrip(" \t\n,"))
        before = len(self.text[:start].rstrip())
        return Edit(before, end + trailing)

    def drop_comment(self, node: ast.AST) -> Edit:
        """Return the edit that takes out the comment right above the statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        line = min([node.lineno, *(one.lineno for one in decorators)])
        return Edit(self._starts[self.first_line(node) - 1], self._starts[line - 1])

    def edited(self, edits: Iterable[Edit]) -> str:
        """Return the text with the edits; of two that overlap the first and longer one counts.

        A block that they empty gets `pass`.
        """
        parts, at = [], 0
        for edit in sorted(self._with_pass(list(edits)), key=lambda one: (one.start, -one.end)):
            if edit.start < at:
                continue
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return "".join([*parts, self.text[at:]])

    def _with_pass(self, edits: list[Edit]) -> list[Edit]:
        gone = [one for one in edits if not one.text and one.end > one.start]
        for block in self.blocks() if gone else ():
            if block is self.tree.body:
                continue
            spans = [self.span(statement) for statement in block]
            over = [
                next((one for one in gone if one.start <= start and end <= one.end), None)
                for start, end in spans
            ]
            first, whole = over[0], self.span(self.parents[block[0]])
            if first is not None and None not in over and first.start > whole[0]:
                edits.append(Edit(first.start, first.end, f"{self.indentation(block[0])}pass\n"))
                edits.remove(first)
        return edits
