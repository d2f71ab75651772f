"""What became of each test, release by release: facts, grouped where they are equal, and the table of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.report.markdown import md
from harness.report.text import one_line
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_NAMES = 3
_MOST_ROWS = 200
WORDS = {"regressed": "broke", "fixed": "repaired"}
"""What a change is called in the table."""


@dataclass(frozen=True, slots=True)
class ChangeOfTests:
    """A change of some tests between two neighbouring releases in which they have a verdict.

    Attributes:
        kind: regressed or fixed.
        before, after: The releases.
        skipped: Releases between them without a verdict of these tests.
        untested: Releases between them that were not executed.
        confirmed: Both sides were executed again, and agree.
        reason: What the first of the tests fails with on the bad side.
    """

    kind: str
    before: str
    after: str
    skipped: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    confirmed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GroupOfTests:
    """Tests that have the same verdict in every release, and fail with the same exceptions where that changes.

    Attributes:
        tests: As pytest calls them.
        verdicts: One a release, in order.
        changes: Oldest first.
    """

    tests: list[str]
    verdicts: list[str]
    changes: list[ChangeOfTests] = field(default_factory=list)

    @property
    def alike(self) -> str:
        """The one verdict of all releases in which the tests have one; empty where it changes, or there is none."""
        found = {verdict for verdict in self.verdicts if verdict in {"good", "bad"}}
        return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True, slots=True)
class TestsResult:
    """All tests of one arm.

    Attributes:
        releases: Versions, oldest first.
        groups: Those with changes first, by their first change.
        flaky: {test: releases in which executions disagree}.
    """

    __test__ = False

    releases: list[str]
    groups: list[GroupOfTests]
    flaky: dict[str, list[str]] = field(default_factory=dict)


def sentence(result: TestsResult) -> str:
    """Return how many tests broke, were repaired, and never changed."""
    changed = [group for group in result.groups if group.changes]
    alike = {
        verdict: _count([one for one in result.groups if one.alike == verdict]) for verdict in ("good", "bad")
    }
    silent = _count([one for one in result.groups if not one.changes and not one.alike])
    counts = [
        (_count(result.groups), "test", "tests"),
        (_count(_with(changed, "regressed")), "broke at a release", "broke at a release"),
        (_count(_with(changed, "fixed")), "was repaired at a release", "were repaired at a release"),
        (alike["good"], "always passes", "always pass"),
        (alike["bad"], "always fails", "always fail"),
        (silent, "has no verdict", "have no verdict"),
        (len(result.flaky), "is flaky", "are flaky"),
    ]
    return ", ".join(counted(number, one, more) for number, one, more in counts if number)


def _with(groups: Sequence[GroupOfTests], kind: str) -> list[GroupOfTests]:
    """Return the groups that have a change of a kind."""
    return [one for one in groups if any(change.kind == kind for change in one.changes)]


def _count(groups: Sequence[GroupOfTests]) -> int:
    return sum(len(group.tests) for group in groups)


def names(tests: Sequence[str]) -> str:
    """Return some of the tests by name, and how many more there are."""
    shown = ", ".join(one_line(test, 120) for test in tests[:_MOST_NAMES])
    return shown + (f" and {len(tests) - _MOST_NAMES} more" if len(tests) > _MOST_NAMES else "")


def table(result: TestsResult) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of tests and boundaries; tests that never change have no row.

    A change that was not confirmed has a question mark.
    """
    places = {(one.before, one.after) for group in result.groups for one in group.changes}
    order = {version: place for place, version in enumerate(result.releases)}
    columns = sorted(places, key=lambda place: (order[place[1]], order[place[0]]))
    header = ["tests", "", *(f"{before} -> {after}" for before, after in columns), "fails with"]
    rows = [list(_row(group, columns)) for group in result.groups if group.changes]
    return header, rows[:_MOST_ROWS]


def _row(group: GroupOfTests, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield str(len(group.tests))
    yield names(group.tests)
    own = {(one.before, one.after): one for one in group.changes}
    for place in columns:
        change = own.get(place)
        yield "" if change is None else WORDS[change.kind] + ("" if change.confirmed else "?")
    yield next((one_line(one.reason, 160) for one in group.changes if one.reason), "")


def markdown(result: TestsResult) -> list[str]:
    """Return sentence and table as Markdown."""
    header, rows = table(result)
    drawn = [
        f"| {' | '.join(map(md, header))} |",
        "|" + "---|" * len(header),
        *(f"| {' | '.join(md(cell, 600) for cell in row)} |" for row in rows),
        "",
    ]
    return [f"{sentence(result)}.", "", *(drawn if rows else [])]
