"""A release that cannot be built is built once, and again when something changed that may help."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, broken_sdist, wheel

NOT_AGAIN = "toy 1.1 could not be built at "


@pytest.fixture
def asked(toy, harness, monkeypatch):
    """Ask about three releases, of which the second one cannot be built; returns what asks again."""
    monkeypatch.setenv("HARNESS_HOME", str(toy / "fresh"))
    code = "def ok():\n    return True\n"
    with ToyIndex() as index:
        index.add("toy", wheel("toy", "1.0", code, uploaded=DAYS[0]))
        index.add("toy", broken_sdist("toy", "1.1", uploaded=DAYS[1]))
        index.add("toy", wheel("toy", "1.2", code, uploaded=DAYS[2]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        (toy / "repro.py").write_text("import toy\nassert toy.ok()\n", encoding="utf-8")

        def ask(*words):
            done = harness(
                "bisect", "--package", "toy", "--search", "sweep", *words, "--", "python", "repro.py"
            )
            assert done.returncode == 0, done.stderr
            report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
            (row,) = [one for one in report["arms"][0]["releases"] if one["version"] == "1.1"]
            assert row["verdict"] == "skip"
            assert "cannot be installed: " in row["reason"]
            assert "this release cannot be built" in row["reason"]
            return NOT_AGAIN in done.stderr, row["reason"]

        again, reason = ask()
        assert not again
        yield ask, reason


def failure():
    (found,) = Path(os.environ["HARNESS_HOME"]).glob("environments/*.failed.json")
    return found


def test_it_is_not_built_again_and_says_the_same(asked):
    ask, reason = asked
    assert ask() == (True, reason)
    assert ask("--no-cause") == (True, reason)


def test_another_compiler_or_variable_lets_it_be_built_again(asked, toy, monkeypatch):
    ask, _ = asked
    monkeypatch.setenv("CFLAGS", "-O0")
    assert not ask()[0]
    assert ask()[0]
    compiler = toy / "bin" / "gcc"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\n", encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{compiler.parent}{os.pathsep}{os.environ['PATH']}")
    assert not ask()[0]
    os.utime(compiler, (1, 1))
    assert not ask()[0]
    assert not ask("--isolation", "none")[0]


def test_a_failure_counts_for_a_day_and_a_damaged_note_for_nothing(asked):
    ask, _ = asked
    place = failure()
    facts = json.loads(place.read_text(encoding="utf-8"))
    for at, again in ((time.time() - 23 * 3600, True), (time.time() - 25 * 3600, False)):
        place.write_text(json.dumps({**facts, "at": at}), encoding="utf-8")
        assert ask()[0] == again
    for text in (
        "",
        "[]",
        "{}",
        json.dumps({**facts, "at": "yesterday"}),
        json.dumps({**facts, "at": 1e300}),
    ):
        place.write_text(text, encoding="utf-8")
        assert not ask()[0], text


def test_it_is_remembered_wherever_the_environments_are(asked, toy, monkeypatch):
    ask, _ = asked
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "other"))
    assert ask()[0]
