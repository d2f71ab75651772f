"""Without a word of the user's, remedies are tried where the job is broken, if that is cheap; and the answer says what helps."""

from __future__ import annotations

import pytest
from test_bisect import report

import harness
from harness import Axis, Job, Plan, Question, Subject
from harness.cause import attribute
from harness.report.remedies import not_tried

REMEDIES = """
[fixes.careful]
by = "practice"
set = { careful = true }

[fixes.longer]
by = "article"
set = { steps = 6 }

[fixes.pin]
release = "last good"
"""


@pytest.fixture
def remedied(toy):
    """The toy scenario with remedies, one of which cures."""
    folder = toy / "scenarios" / "toy"
    job = (folder / "job.py").read_text(encoding="utf-8")
    job = job.replace('"scale": 1.0,', '"scale": 1.0, "careful": False,')
    job = job.replace("toy.loss(step)", "(0.1 if config.careful else toy.loss(step))")
    (folder / "job.py").write_text(job, encoding="utf-8")
    with (folder / "scenario.toml").open("a", encoding="utf-8") as file:
        file.write(REMEDIES)
    return toy


def test_the_first_and_the_newest_bad_release_get_them(remedied, harness):
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    (matrix,) = report("reports/latest")["interventions"]
    assert (matrix["releases"], matrix["baseline"]) == (["2.0", "2.1"], ["bad", "bad"])
    assert "  What helps: Cures every bad release tested (2.0, 2.1): careful, pin." in done.stdout
    assert "Recommended (article) and cures nothing here: longer." in done.stdout
    page = (remedied / "reports" / "latest" / "index.html").read_text(encoding="utf-8")
    places = [page.index(f'id="{name}"') for name in ("answer", "remedies", "map", "changes", "probes")]
    assert places == sorted(places)
    none = harness("bisect", "toy", "--search", "sweep", "--no-fixes")
    assert "What helps" not in none.stdout
    assert report("reports/latest")["interventions"] == []


def test_what_takes_long_is_left_and_said(remedied, monkeypatch):
    monkeypatch.setattr(attribute, "CHEAP_REMEDIES", 0.0)
    asked = Question(
        subject=Subject(scenario="toy"),
        axes=(Axis(first="1.0", last="2.1"),),
        job=Job(arms=("plain",)),
        plan=Plan(search="sweep"),
    )
    made = harness.bisect(asked)
    assert made.interventions == []
    assert made.remedies_left["plain"] > 0
    assert not_tried(made) == [
        "Remedies were not tried in plain: that would take about 1 min; --fixes tries them."
    ]


def test_where_nothing_is_broken_another_environment_is_offered(toy, harness):
    done = harness("bisect", "toy", "--from", "3.0")
    assert (
        "if it fails in another environment, what changed is found by: python -m harness blame" in done.stdout
    )
    (line,) = [line for line in done.stdout.splitlines() if "harness blame" in line]
    assert line.split("harness ")[1].startswith("blame toy --good reports/")
    assert "/locks/3.1.txt --bad ENV" in line
