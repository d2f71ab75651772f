"""What opening a boundary into its commit, hunks and lines says, once for terminal, page, Markdown and issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness.report import commits, hunks, lines

if TYPE_CHECKING:
    from harness.report.attribution import LineResult
    from harness.report.commits import CommitAnswer
    from harness.report.model import BoundaryResult


class Row(NamedTuple):
    """One sentence; `link`: of what it names; `code`: the line of code that it is about. Both may be empty."""

    said: str
    link: str = ""
    code: str = ""


def rows(boundary: BoundaryResult, package: str) -> list[Row]:
    """Return all that is known of the change at a boundary: its commit, its lines, its hunks, and what is innocent."""
    answer, opened = boundary.commits, boundary.hunks
    found = _commit(answer)
    found += [_line(line, package) for line in answer.lines if line.last] if answer else []
    found += map(Row, hunks.sentences(opened)) if opened else []
    return [*found, *map(Row, commits.further(answer))] if answer else found


def brief(boundary: BoundaryResult, package: str) -> list[Row]:
    """Return the five rows that a maintainer needs: the commit, the line, the change, what is innocent, the way there."""
    answer, opened = boundary.commits, boundary.hunks
    if answer is None or answer.culprit is None or opened is None:
        return rows(boundary, package)
    setting = [line for line in answer.lines if line.last and line.code]
    # A line that changes the property says more than one that only creates it.
    setting.sort(key=lambda line: (line.previous is None, line.side != "after"))
    return [
        *_commit(answer),
        *(_line(line, package) for line in setting[:1]),
        Row("; ".join(hunks.change(opened))),
        Row("; ".join(hunks.innocents(opened))),
        *map(Row, commits.further(answer)[:1]),
    ]


def _commit(answer: CommitAnswer | None) -> list[Row]:
    said = commits.headline(answer) if answer else ""
    return [Row(said, answer.culprit.link if answer.culprit else "")] if answer and said else []


def _line(line: LineResult, package: str) -> Row:
    return Row(lines.sentence(line, package), code=line.code.text if line.code else "")


def patch(boundary: BoundaryResult) -> str:
    """Return the smallest change as a diff; empty where none is known."""
    opened = boundary.hunks
    return "\n".join(map(hunks.diff, hunks.shown(opened))) if opened else ""
