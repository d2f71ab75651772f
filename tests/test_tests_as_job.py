"""Tests as the job: pytest's exit statuses, each test an arm of its own, and a notebook beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, installed_wheel, wheel

from harness.releases.release import Release
from harness.report.tests import sentence, table
from harness.runs.gather import result_of_tests
from harness.scenario.script import command_digest, is_pytest
from harness.sessions.arm_map import ArmMap
from harness.sessions.finding import Finding
from harness.traces.trace import Trace
from harness.verdicts.pytest_status import judge_tests, outcomes
from harness.verdicts.verdict import Judgement, Verdict

TESTS = """\
import pytest
import toy


def test_add():
    assert toy.add(1, 2) == 3


@pytest.mark.parametrize("value", range(4))
def test_half(value):
    assert toy.half(value) == value / 2


@pytest.fixture
def made():
    return toy.half(2)


def test_fixture(made):
    assert made == 1


def test_skipped():
    pytest.skip("not here")


@pytest.mark.xfail
def test_expected():
    assert False
"""
RELEASES = {
    "1.0": "def add(a, b):\n    return a + b\ndef half(a):\n    return a / 2\n",
    "1.1": "def add(a, b):\n    return a + b\ndef half(a):\n    return a // 2\n",
    "2.0": "def add(a, b):\n    return a - b\ndef half(a):\n    return a // 2\n",
    "2.1": "def add(a, b):\n    return a - b\ndef half(a):\n    return a / 2\n",
    "3.0": "def add(a, b):\n    return a + b\n",
    "3.1": "raise ImportError('planted')\n",
}


def event(node, outcome, phase="call", exception="", message=""):
    return {"node": node, "outcome": outcome, "phase": phase, "exception": exception, "message": message}


def trace(*tests, **ended):
    return Trace(tests=tests, pytest={"status": 0, "errors": [], "elsewhere": [], **ended})


FAILED = event("a.py::test", "failed", exception="KeyError", message="'x'")
BROKEN = {"node": "a.py", "exception": "ImportError", "message": "no toy"}


@pytest.mark.parametrize(
    ("code", "found", "verdict", "said"),
    [
        (0, trace(event("a.py::test", "passed")), "good", "1 test passes"),
        (0, trace(event("a", "passed"), event("b", "skipped")), "good", "1 test passes, 1 skipped"),
        (1, trace(FAILED, event("b", "passed")), "bad", "1 of 2 tests fails: a.py::test: KeyError: 'x'"),
        (2, trace(errors=[BROKEN]), "skip", "a.py cannot be collected: ImportError: no toy"),
        (2, trace(), "skip", "pytest was interrupted (exit status 2): last words"),
        (3, trace(), "skip", "pytest failed by an error of its own (exit status 3): last words"),
        (4, trace(), "skip", "pytest does not understand its command line (exit status 4): last words"),
        (5, trace(), "skip", "pytest collected no test (exit status 5): last words"),
        (
            0,
            trace(event("a", "passed"), elsewhere=["/src/toy.py"]),
            "skip",
            "the tests load /src/toy.py, not",
        ),
    ],
)
def test_exit_statuses_of_pytest(code, found, verdict, said):
    judged = judge_tests(found, code, "last words", {})
    assert (judged.verdict, judged.reason[: len(said)]) == (verdict, said)


def test_a_file_that_cannot_be_imported_is_bad_where_that_is_looked_for():
    judged = judge_tests(trace(errors=[BROKEN]), 2, "", {"import_errors": "bad"})
    assert (judged.verdict, judged.fingerprint.exception) == ("bad", "ImportError")


def test_a_failing_teardown_makes_a_test_bad_that_passed():
    found = outcomes(trace(event("a", "passed"), event("a", "error", "teardown", "OSError", "gone")))
    assert found["a"].verdict == "bad"
    assert found["a"].reason == "OSError: gone (in teardown)"


def finding(**tests):
    events = [event(node, outcome, exception="AssertionError") for node, outcome in tests.items()]
    return Finding(Judgement(Verdict.GOOD, ""), trace=trace(*events))


def grouped(*releases):
    """Return what a report says of tests, each release executed as often as it has outcomes."""
    firsts = [several[0] for several in releases]
    repeats = [several[1:] for several in releases]
    found = ArmMap(firsts, repeats, [None] * len(firsts), None)
    return result_of_tests([Release(f"1.{place}", None) for place in range(len(firsts))], found)


def test_tests_that_change_alike_are_one_row():
    good, bad = finding(a="passed", b="passed", c="passed"), finding(a="failed", b="failed", c="passed")
    found = grouped([good, good], [bad, bad], [good])
    assert [(group.tests, group.verdicts) for group in found.groups] == [
        (["a", "b"], ["good", "bad", "good"]),
        (["c"], ["good", "good", "good"]),
    ]
    assert [(one.kind, one.after, one.confirmed) for one in found.groups[0].changes] == [
        ("regressed", "1.1", True),
        ("fixed", "1.2", False),
    ]
    header, rows = table(found)
    assert header == ["tests", "", "1.0 -> 1.1", "1.1 -> 1.2", "fails with"]
    assert rows == [["2", "a, b", "broke", "repaired?", "AssertionError"]]
    assert sentence(found) == ("3 tests, 2 broke at a release, 2 were repaired at a release, 1 always passes")


def test_a_test_whose_executions_disagree_is_flaky_and_no_boundary():
    good, bad = finding(a="passed"), finding(a="failed")
    found = grouped([good], [good, bad], [bad])
    assert found.flaky == {"a": ["1.1"]}
    (change,) = found.groups[0].changes
    assert (change.before, change.after, change.skipped) == ("1.0", "1.2", ["1.1"])


def test_thousands_of_tests_are_grouped():
    half = {f"t{number}": "passed" for number in range(5000)}
    broken = half | {f"t{number}": "failed" for number in range(0, 5000, 2)}
    found = grouped([finding(**half)], [finding(**broken)])
    assert [len(group.tests) for group in found.groups] == [2500, 2500]
    assert table(found)[1][0][1] == "t0, t2, t4 and 2497 more"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("python", "-m", "pytest", "x"), True),
        (("python3.11", "-m", "pytest"), True),
        (("pytest", "x"), True),
        (("python", "pytest"), False),
        (("python", "-m", "unittest"), False),
        (("bash", "-c", "pytest"), False),
    ],
)
def test_which_commands_run_pytest(command, expected):
    assert is_pytest(command) is expected


def test_another_test_or_setting_is_another_job(tmp_path):
    (tmp_path / "tests").mkdir()
    files = ["tests/test_a.py", "tests/conftest.py", "pytest.ini", "helper.py"]
    for name in files:
        (tmp_path / name).write_text("import helper\n" if name == files[0] else "\n", encoding="utf-8")
    (tmp_path / "other.py").write_text("\n", encoding="utf-8")
    command = ("python", "-m", "pytest", "tests/test_a.py::test_x")
    digests = {command_digest(command, None, tmp_path)}
    for name in files[:3]:
        (tmp_path / name).write_text("# changed\n", encoding="utf-8")
        digests.add(command_digest(command, None, tmp_path))
    assert len(digests) == 4
    (tmp_path / "other.py").write_text("# changed\n", encoding="utf-8")
    assert command_digest(command, None, tmp_path) in digests


@pytest.fixture(scope="module")
def releases():
    """An index with a toy package whose releases break and repair tests, and pytest itself."""
    with ToyIndex() as index:
        for (version, code), day in zip(RELEASES.items(), DAYS, strict=False):
            index.add("toy", wheel("toy", version, code, uploaded=day))
        for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
            index.add(name, installed_wheel(name, uploaded=DAYS[0]))
        yield index


@pytest.fixture
def job(toy, releases, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", releases.url)
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
    return toy


def stored():
    return json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))["arms"][0]


def test_one_sweep_says_of_each_test_where_it_broke(job, harness):
    (job / "test_toy.py").write_text(TESTS, encoding="utf-8")
    done = harness("bisect", "--package", "toy", "--pytest", "test_toy.py")
    assert done.returncode == 0, done.stdout + done.stderr
    arm = stored()
    assert [row["verdict"] for row in arm["releases"]] == ["good", "bad", "bad", "bad", "bad", "skip"]
    assert "test_toy.py cannot be collected: ImportError: planted" in arm["releases"][-1]["reason"]
    found = {
        tuple(group["tests"]): [
            (one["kind"], one["before"], one["after"], one["confirmed"]) for one in group["changes"]
        ]
        for group in arm["tests"]["groups"]
    }
    half = [f"test_toy.py::test_half[{value}]" for value in range(4)]
    broke, repaired = ("regressed", "1.0", "1.1", True), ("fixed", "2.0", "2.1", True)
    gone = ("regressed", "2.1", "3.0", True)
    assert found == {
        (half[1], half[3]): [broke, repaired, gone],
        ("test_toy.py::test_add",): [("regressed", "1.1", "2.0", True), ("fixed", "2.1", "3.0", True)],
        (half[0], half[2]): [gone],
        ("test_toy.py::test_fixture",): [gone],
        ("test_toy.py::test_expected",): [],
        ("test_toy.py::test_skipped",): [],
    }
    assert "1.0 -> 1.1  1.1 -> 2.0" in done.stdout
    assert not (job / ".pytest_cache").exists()
    for name, words in (
        ("summary.md", "## Each test"),
        ("issue.md", "### Each test"),
        ("index.html", 'id="tests"'),
    ):
        assert words in Path(f"reports/latest/{name}").read_text(encoding="utf-8")
    again = harness("judge", "latest")
    assert again.returncode == 0, again.stderr
    assert stored()["tests"] == arm["tests"]


def test_tests_that_load_another_copy_of_the_package_say_nothing(job, harness):
    (job / "toy").mkdir()
    (job / "toy" / "__init__.py").write_text(RELEASES["1.0"], encoding="utf-8")
    (job / "test_toy.py").write_text(TESTS, encoding="utf-8")
    done = harness(
        "probe", "--package", "toy", "--release", "1.1", "--", "python", "-m", "pytest", "test_toy.py"
    )
    assert done.returncode == 125, done.stdout
    assert "not the release that is installed: run them from a folder without it" in done.stdout


def test_a_wrong_command_line_of_pytest_is_a_skip(job, harness):
    done = harness("probe", "--package", "toy", "--release", "1.0", "--", "pytest", "--no-such-option")
    assert done.returncode == 125, done.stdout
    assert "pytest does not understand its command line (exit status 4)" in done.stdout


def test_tests_and_a_command_are_not_given_together(harness):
    done = harness("bisect", "--package", "toy", "--pytest", "test_toy.py", "--", "python", "x.py")
    assert done.returncode == 2
    assert "--pytest and a command behind --: give one of them" in done.stderr
