"""Thousands of releases of which a binary search executed a few: a small page, drawn in steps as many as releases."""

from __future__ import annotations

import cProfile
import re

import pytest

from harness.releases.release import Release
from harness.report.cache import FigureCache
from harness.report.folding import columns
from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report
from harness.report.page import draw
from harness.runs.hints import prereleases_left_out


def searched(count, *, arms=2):
    """A report on `count` releases, halved to the boundary at two thirds."""
    before = 2 * count // 3
    executed, low, high = {0, count - 1}, 0, count - 1
    while high - low > 1:
        middle = (low + high) // 2
        executed.add(middle)
        low, high = (middle, high) if middle <= before else (low, middle)
    releases = [
        ReleaseResult(
            f"1.{n}",
            f"20{10 + n // 365:02d}-01-01T00:00:00+00:00",
            ("good" if n <= before else "bad") if n in executed else "untested",
            "it was executed" if n in executed else "not executed",
        )
        for n in range(count)
    ]
    boundary = BoundaryResult("regressed", "verdict", f"1.{before}", f"1.{before + 1}", confirmed=True)
    found = [ArmResult(f"arm{n}", {}, "regressed", "", [boundary], releases) for n in range(arms)]
    facts = {"host": {}, "environment": {"policy": "fixed", "pins": []}}
    return Report("run", "job", "", "toy", "2024-01-01T00:00:00+00:00", "", arms=found, **facts)


def test_the_page_of_5000_releases_shows_what_was_executed_one_by_one():
    report = searched(5000)
    html, _ = draw(report, {}, issue="", cache=FigureCache(None))
    assert len(html) < 600_000
    cells = re.findall(r'<a class="cell([^"]*)" href="#([^"]+)"', html)
    executed = sum(row.verdict != "untested" for row in report.arms[0].releases)
    assert executed <= len(cells) // 2 < 2 * executed + 2
    ids = set(re.findall(r' id="([^"]+)"', html))
    assert {link for _, link in cells} <= ids
    assert re.search(r'class="edge regressed" style="--a:0;--i:(\d+)', html)
    assert "1.1\N{EN DASH}1.2498" in html
    shown = sum(len(column.versions) for column in columns(report, {}))
    assert shown == 5000


def test_few_releases_have_a_column_each():
    assert all(len(column.versions) == 1 for column in columns(searched(200), {}))


@pytest.mark.parametrize("arms", [1, 3])
def test_drawing_takes_steps_in_proportion_to_the_releases(arms):
    few, many = (steps(searched(count, arms=arms)) for count in (500, 2000))
    assert many < 5 * few


def steps(report):
    """Return how many functions are called to draw a report: it is the same on every machine."""
    draw(report, {}, issue="", cache=FigureCache(None))  # what the first drawing loads is not counted
    profile = cProfile.Profile()
    profile.runcall(draw, report, {}, issue="", cache=FigureCache(None))
    return sum(entry.callcount for entry in profile.getstats())


def test_prereleases_that_are_left_out_are_found_in_one_pass():
    class Counted(Release):
        compared = 0

        def __eq__(self, other):
            Counted.compared += 1
            return super().__eq__(other)

        __hash__ = Release.__hash__

    class Asked:
        package, first, last, prereleases = "toy", None, None, False

    listed = [Counted(f"1.{n}{'rc1' if n % 5 == 0 else ''}") for n in range(500)]
    assert len(prereleases_left_out(Asked, listed)) == 100
    assert Counted.compared == 0
