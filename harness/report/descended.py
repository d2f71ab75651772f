"""What opening a boundary into its commit, hunks and lines says, once for terminal, page, Markdown and issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from harness.report import causes, commits, hunks, lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.report.attribution import LineResult
    from harness.report.commits import CommitAnswer
    from harness.report.hunks import HunkAnswer
    from harness.report.model import ArmResult, Report


class Opened(Protocol):
    """A boundary that was opened: one of a report, or one inside a culprit of two environments."""

    @property
    def commits(self) -> CommitAnswer | None:
        """Which commit does it."""

    @property
    def hunks(self) -> HunkAnswer | None:
        """Which hunks do it."""


class Row(NamedTuple):
    """One sentence; `link`: of what it names; `code`: the line of code that it is about. Both may be empty."""

    said: str
    link: str = ""
    code: str = ""


def known(boundary: Opened) -> bool:
    """Tell whether a boundary was opened."""
    return boundary.commits is not None or boundary.hunks is not None


def rows(boundary: Opened, package: str) -> list[Row]:
    """Return all that is known of the change at a boundary: its commit, its lines, its hunks, and what is innocent."""
    answer, opened = boundary.commits, boundary.hunks
    found = _commit(answer)
    found += [_line(line, package) for line in answer.lines if line.last] if answer else []
    found += map(Row, hunks.sentences(opened)) if opened else []
    return [*found, *map(Row, commits.further(answer))] if answer else found


def brief(boundary: Opened, package: str) -> list[Row]:
    """Return the five rows that a maintainer needs: the commit, the line, the change, what is innocent, the way there."""
    answer, opened = boundary.commits, boundary.hunks
    if answer is None or answer.culprit is None or opened is None:
        return rows(boundary, package)
    return [
        *_commit(answer),
        *_decisive(answer.lines, package),
        Row("; ".join(hunks.change(opened))),
        Row("; ".join(hunks.innocents(opened))),
        *map(Row, commits.further(answer)[:1]),
    ]


def of_the_break(report: Report, arm: ArmResult) -> list[Row]:
    """Return what did it at an arm's newest break in few rows: the commit, where it is known, and the line."""
    cause = causes.of_the_break(report, arm)
    opened = [
        one.commits
        for one in arm.boundaries
        if cause and one.commits and (one.before, one.after) == (cause.before, cause.after)
    ]
    lines_of_cause = _decisive(cause.lines, report.package) if cause else []
    return [*(row for one in opened for row in _commit(one)), *lines_of_cause]


def _decisive(several: Iterable[LineResult], package: str) -> list[Row]:
    """Return the line that says most: one that changes the property says more than one that only creates it."""
    setting = [line for line in several if line.last and line.code]
    setting.sort(key=lambda line: (line.previous is None, line.side != "after"))
    return [_line(line, package) for line in setting[:1]]


def _commit(answer: CommitAnswer | None) -> list[Row]:
    said = commits.headline(answer) if answer else ""
    return [Row(said, answer.culprit.link if answer.culprit else "")] if answer and said else []


def _line(line: LineResult, package: str) -> Row:
    return Row(lines.sentence(line, package), code=line.code.text if line.code else "")


def patch(boundary: Opened) -> str:
    """Return the smallest change as a diff; empty where none is known."""
    opened = boundary.hunks
    return "\n".join(map(hunks.diff, hunks.shown(opened))) if opened else ""
