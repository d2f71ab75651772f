"""What a real run says: facts reach the sentence from the probe, over verdict and report, into every output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, wheel


@pytest.fixture
def answer(toy, harness, monkeypatch):
    """Ask about a toy package of its own; returns what is printed, the report's arm, and summary.md."""

    def ask(script, releases, *words, helper=""):
        with ToyIndex() as index:
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
            monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
            index.add("helper", wheel("helper", "1.0", helper, uploaded=DAYS[0]))
            for place, (code, day) in enumerate(zip(releases, DAYS, strict=False)):
                index.add("toy", wheel("toy", f"1.{place}", code, ("helper",), uploaded=day))
            (toy / "repro.py").write_text(script, encoding="utf-8")
            done = harness("bisect", "--package", "toy", *words, "--", "python", "repro.py")
        assert "Traceback" not in done.stderr
        report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
        return done.stdout, report["arms"][0], Path("reports/latest/summary.md").read_text(encoding="utf-8")

    return ask


def test_an_error_that_another_package_raises_everywhere_names_that_package(answer):
    calls = "import helper\ndef run(): helper.work()\n"
    said, arm, _ = answer("import toy\ntoy.run()\n", [calls] * 3, helper="def work(): raise KeyError('x')\n")
    assert arm["conclusion"] == "never-good"
    assert {(one["raised_in"], one["raised_version"]) for one in arm["releases"]} == {("helper", "1.0")}
    assert "The error is raised in helper 1.0; to ask about it: --package helper." in said


def test_an_end_that_cannot_be_imported_is_told_with_the_way_out(answer):
    old, new = "def old(): return 1\n", "def new(): return 1\n"
    said, arm, summary = answer("from toy import old\nold()\n", [old, old, new, new])
    assert {one["skip_kind"] for one in arm["releases"][2:]} == {"import-error"}
    for text in (said.replace("\n", " "), summary):
        assert (
            "1.2 and later could not be tested (cannot be imported: ImportError: cannot import name" in text
        )
        assert "if that is the failure you look for: --import-errors bad" in text
        assert "Nothing broke" not in text
    assert "PYTHONHASHSEED=0" in summary
    assert "- threads: 1" in summary


def test_a_module_that_nobody_brings_is_named(answer):
    _, arm, summary = answer("import toy\n", ["", "", "import nosuch\n"])
    assert arm["releases"][2]["module"] == "nosuch"
    assert "to supply nosuch: --with PACKAGE (often --with nosuch)" in summary


def test_another_failure_than_asked_was_tested_and_no_cause_is_sought_in_a_script(answer):
    codes = ["def run(): pass\n"] * 2
    codes += ["def run(): raise ValueError('domain')\n"] * 2 + ["def run(): assert False, 'sign'\n"] * 2
    said, arm, summary = answer("import toy\ntoy.run()\n", codes, "--error-matches", "sign")
    assert [one["skip_kind"] for one in arm["releases"]][2:4] == ["other-failure"] * 2
    for text in (said, summary):
        assert "could not be tested" not in text
        assert "1.2 and 1.3 between them failed in another way (ValueError)" in text
        assert "No cause was sought: the job hands no model to a recorder" in text


def test_the_deepest_line_of_the_package_in_a_traceback_is_named(answer):
    good = "import helper\ndef run(): helper.work(1)\n"
    bad = "import helper\ndef run():\n    inner()\ndef inner():\n    helper.work(0) or 'went wrong'\n"
    said, arm, _ = answer("import toy\ntoy.run()\n", [good, bad], helper="def work(by): return 1 / by\n")
    assert [one["raised_at"] for one in arm["releases"]] == [
        None,
        {"file": "toy/__init__.py", "line": 5, "text": "helper.work(0) or 'went wrong'", "function": "inner"},
    ]
    deepest = "1.1: toy/__init__.py:5, in inner, is the deepest line of toy in the traceback"
    issue = Path("reports/latest/issue.md").read_text(encoding="utf-8")
    page = Path("reports/latest/index.html").read_text(encoding="utf-8")
    assert f"{deepest}\n                helper.work(0) or 'went wrong'" in said
    assert "in inner, is the deepest line of toy in the traceback: `helper.work(0) or 'went wrong'`" in issue
    assert f"<p>{deepest}: <code>helper.work(0) or &#39;went wrong&#39;</code></p>" in page
