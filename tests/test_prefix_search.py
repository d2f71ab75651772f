"""The prefix search: every release for its first steps, few in full, and what is not executed in full is inferred."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, wheel

from harness.cli import main

STEPS, PREFIX = 200, 20
GOOD = "def loss(step):\n    return 1.0 / step\n"
OTHER = "def loss(step):\n    return 1.5 / step\n"
LATE = "def loss(step):\n    return 1.0 / step if step < 150 else 9.0\n"
EARLY = "def loss(step):\n    return float('nan') if step >= 3 else 1.0 / step\n"
DRAWN = "import random\ndef loss(step):\n    return 1.0 / step + random.random() / 1000\n"
NO_IMPORT = "raise ImportError('planted')\n"


def plant(index, history):
    index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
    for place, code in enumerate(history):
        index.add("toy", wheel("toy", f"1.{place}", code, ("helper",), uploaded=DAYS[place]))


@pytest.fixture
def found(toy, harness, monkeypatch):
    """Ask about a history of toy releases; returns what is printed and the report's arm."""

    def ask(history, *words, status=0):
        with ToyIndex() as index:
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
            monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
            plant(index, history)
            done = harness("bisect", "toy", "--set", f"steps={STEPS}", "--prefix", str(PREFIX), *words)
        assert done.returncode == status, done.stderr
        return done, json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))

    return ask


def by_release(report, name):
    return {one["version"].removeprefix("1."): one[name] for one in report["arms"][0]["releases"]}


def steps_executed():
    """Return how many steps all stored executions have, an execution that is kept twice counted once."""
    traces = {path.read_bytes() for path in Path("own/probes").glob("*/*/trace.jsonl")}
    return sum(trace.count(b'"event": "step"') for trace in traces)


def facts(path):
    return json.loads(path.read_text(encoding="utf-8"))


HISTORY = [
    GOOD,
    GOOD,
    GOOD,
    OTHER,
    OTHER,
    NO_IMPORT,
    OTHER,
    OTHER,
    EARLY,
    EARLY,
    EARLY,
    GOOD,
    GOOD,
    GOOD,
    GOOD,
]


def test_it_finds_what_the_sweep_finds_for_a_part_of_its_steps(found):
    done, report = found(HISTORY, "--search", "prefix", "--from", "1.0")
    arm = report["arms"][0]
    spent = steps_executed()
    _, swept = found(HISTORY, "--exhaustive", "--from", "1.0")
    # 1.2 and 1.3 begin otherwise: whichever came later went on, as 1.5 and 1.8 to 1.10, which ended by themselves.
    begun = [
        path for path in Path("own/probes").glob("*/0/probe.json") if "prefix" in facts(path)["instructions"]
    ]
    whole = [path for path in begun if b'"prefix": 20' not in (path.parent / "trace.jsonl").read_bytes()]
    assert len(whole) >= 5
    assert spent < steps_executed() * 0.6  # the sweep executes what is left
    said = [
        [
            {name: one[name] for name in ("kind", "signal", "before", "after", "confirmed")}
            for one in each["arms"][0]["boundaries"]
        ]
        for each in (report, swept)
    ]
    assert said[0] == said[1]
    verdicts, whole = by_release(report, "verdict"), by_release(swept, "verdict")
    inferred = by_release(report, "inferred")
    assert [name for name, text in inferred.items() if text] == ["1", "4", "6", "12", "13"]
    assert inferred["13"] == "equal to 1.14 for 20 steps, bit for bit"
    assert all(
        verdict == "untested" if inferred[name] else verdict == whole[name]
        for name, verdict in verdicts.items()
    )
    assert "5 of 15 releases were executed for 20 steps alone and inferred (5 good)" in " ".join(
        done.stdout.split()
    )
    (early,) = [one for one in arm["boundaries"] if one["before"] == "1.2"]
    assert (early["signal"], early["repeated_steps"]) == ("trace", PREFIX)
    assert arm["conclusion"] == swept["arms"][0]["conclusion"] == "non-monotone"
    summary = Path("reports/latest/summary.md").read_text(encoding="utf-8")
    assert "inferred" not in summary  # the sweep's


def test_a_regression_that_begins_late_and_is_repaired_in_its_class_is_never_called_good(found):
    history = [GOOD] * 5 + [LATE] * 2 + [GOOD] * 5
    _, report = found(history, "--search", "prefix", "--full-jobs", "2", "--from", "1.0")
    verdicts, inferred = by_release(report, "verdict"), by_release(report, "inferred")
    assert {verdicts["5"], verdicts["6"]} == {"untested"}
    assert inferred["5"] == "equal to 1.0 for 20 steps, bit for bit"
    assert "changes that begin later may lie there" in report["arms"][0]["answer"]
    summary = Path("reports/latest/summary.md").read_text(encoding="utf-8")
    assert "●≈≈≈≈≈≈≈≈≈≈●" in summary
    assert "≈ inferred" in summary
    page = Path("reports/latest/index.html").read_text(encoding="utf-8")
    assert "inferred from a release that begins equal" in page
    # With a budget that lets it look, it is found, and what is split off is searched to the end.
    _, report = found(history, "--search", "prefix", "--full-jobs", "8", "--from", "1.0")
    places = [
        (one["before"], one["after"]) for one in report["arms"][0]["boundaries"] if one["signal"] == "verdict"
    ]
    assert places == [("1.4", "1.5"), ("1.6", "1.7")]


def test_a_job_that_is_not_reproducible_is_not_inferred_from(found):
    _, report = found([DRAWN] * 4, "--search", "prefix", "--from", "1.0")
    assert "equal first steps prove nothing" in " ".join(report["warnings"])
    assert not any(by_release(report, "inferred").values())
    assert report["arms"][0]["search"]["strategy"] == "noisy"


def test_a_stored_run_is_judged_and_drawn_again_with_what_was_inferred(found, harness):
    _, report = found([GOOD] * 6, "--search", "prefix", "--full-jobs", "1", "--from", "1.0")
    before = by_release(report, "inferred")
    assert sum(map(bool, before.values())) == 4
    for verb in ("judge", "report"):
        done = harness(verb, "reports/latest")
        assert done.returncode == 0, done.stderr
        again = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
        assert by_release(again, "inferred") == before
        assert by_release(again, "verdict") == by_release(report, "verdict")


def test_auto_takes_it_where_a_sweep_is_dear(found, monkeypatch, toy):
    _, report = found([GOOD] * 5, "--from", "1.0")
    assert report["arms"][0]["search"]["strategy"] == "auto"
    monkeypatch.setattr("harness.sessions.cost.CHEAP_SWEEP", 0.0)
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
    shutil.rmtree("own/probes")
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        plant(index, [GOOD] * 5)
        main(["bisect", "toy", "--set", f"steps={STEPS}", "--prefix", str(PREFIX), "--from", "1.0"])
    report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
    assert report["arms"][0]["search"]["strategy"] == "prefix"
    assert by_release(report, "inferred")["2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--exhaustive", "--search", "binary"), "leave one of them out"),
        (("--search", "prefix", "--ranks", "2"), "the job has several ranks"),
    ],
)
def test_what_cannot_go_by_prefix_says_why(found, words, said):
    with pytest.raises(AssertionError, match=said):
        found([GOOD] * 2, *words)
