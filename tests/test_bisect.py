"""The main job on the toy index: real uv, real environments, real processes, through the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from states import own_state
from toyindex import BAD, CRASH, DAYS, FLAKY, GOOD, HANG, HISTORY, ToyIndex, plant, wheel

EXPECTED = {
    "1.0": "good",
    "1.1": "good",
    "1.2": "skip",
    "1.3": "skip",
    "1.4": "skip",
    "2.0": "bad",
    "2.1": "bad",
    "2.2": "skip",
    "3.0": "good",
    "3.1": "good",
}


def report(folder="reports/latest"):
    text = Path(folder, "report.json").read_text(encoding="utf-8")
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def timeless(data):
    """Leave out of a report what may differ between two runs that found the same."""
    for key in ("run", "started", "command", "question", "warnings"):
        data.pop(key)
    for arm in data["arms"]:
        for row in arm["releases"]:
            for key in ("seconds", "memory_peak", "command"):
                row.pop(key)
    return data


def test_the_map_of_all_boundaries(toy, harness):
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    data = report()
    assert data["schema"] == 2
    assert data["scenario"] == data["package"] == "toy"
    assert {"python", "torch", "device", "cpu", "gpu"} <= data["host"].keys()
    assert data["environment"]["policy"] == "fixed"
    assert data["environment"]["pins"] == ["helper==1.0"]
    (arm,) = data["arms"]
    assert arm["name"] == "plain"
    assert {row["version"]: row["verdict"] for row in arm["releases"]} == EXPECTED
    assert arm["conclusion"] == "non-monotone"
    verdicts = [boundary for boundary in arm["boundaries"] if boundary["signal"] == "verdict"]
    places = [
        (one["kind"], one["before"], one["after"], one["skipped"], one["confirmed"]) for one in verdicts
    ]
    assert places == [
        ("regressed", "1.1", "2.0", ["1.2", "1.3", "1.4"], True),
        ("fixed", "2.1", "3.0", ["2.2"], True),
    ]
    reasons = {row["version"]: row["reason"] for row in arm["releases"]}
    assert "there-is-no-such-package" in reasons["1.2"]
    assert reasons["1.3"].startswith("cannot be installed")
    assert "planted: cannot be imported" in reasons["1.4"]
    assert "SIGKILL" in reasons["2.2"]
    bad = next(row for row in arm["releases"] if row["version"] == "2.0")
    assert bad["fingerprint"] == {"kind": "non-finite loss", "step": 3, "phase": "forward"}
    assert bad["seconds"]["training"] >= 0
    trace = [boundary for boundary in arm["boundaries"] if boundary["signal"] == "trace"]
    assert [(one["before"], one["after"]) for one in trace] == [("1.1", "2.0"), ("2.1", "3.0")]


def test_a_run_leaves_all_its_files(toy, harness):
    done = harness("bisect", "toy", "--search", "sweep", "--out", "elsewhere")
    folder = toy / "elsewhere" / "latest"
    assert str(folder.resolve().name) in done.stdout
    for name in ("index.html", "report.json", "junit.xml", "summary.md"):
        assert (folder / name).stat().st_size > 0
    for version in HISTORY:
        assert (folder / "locks" / f"{version}.txt").exists()
    assert "toy==2.0" in (folder / "locks" / "2.0.txt").read_text(encoding="utf-8")
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    cases = ET.parse(folder / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) == 1


def test_a_second_run_executes_nothing_and_says_the_same(toy, harness):
    harness("bisect", "toy", "--search", "sweep")
    first = report()
    started = time.monotonic()
    done = harness("bisect", "toy", "--search", "sweep")
    assert time.monotonic() - started < 60
    assert done.returncode == 0
    assert timeless(report()) == timeless(first)


def test_a_run_is_repeated_exactly_from_its_locks(toy, harness, toy_index, monkeypatch):
    """The index has moved on since: a new helper and a new toy would change what is resolved today."""
    harness("bisect", "toy", "--search", "sweep", "--out", "first")
    expected = timeless(report("first/latest"))
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    done = harness("bisect", "toy", "--search", "sweep", "--locks", "first/latest")
    assert done.returncode == 0, done.stderr
    assert timeless(report()) == expected
    lock = toy / "first" / "latest" / "locks" / "reference.txt"
    _, _, text = lock.read_text().partition("\n")  # without the sum, which shows a lock that was changed
    lock.write_text(text.replace("Python 3.", "Python 2."), encoding="utf-8")
    done = harness("bisect", "toy", "--locks", "first/latest")
    assert done.returncode == 2
    assert "made for Python 2." in done.stderr


@pytest.mark.parametrize("delay", [0.8, 1.6, 2.4])
def test_a_killed_run_goes_on_and_ends_with_the_same_report(toy, toy_state, harness, monkeypatch, delay):
    harness("bisect", "toy", "--search", "sweep")
    expected = timeless(report())
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "bisect", "toy", "--search", "sweep"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay)
    process.kill()
    process.wait()
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    assert timeless(report()) == expected


def test_ctrl_c_leaves_a_run_that_goes_on(toy, harness, monkeypatch):
    with ToyIndex() as index:
        index.packages = {"helper": []}
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        plant(index, {"1.0": GOOD, "1.1": BAD, "1.2": HANG})
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "bisect", "toy", "--search", "sweep", "--jobs", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background SIGINT is ignored, and a child would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs yet
        )
        deadline = time.monotonic() + 60
        while not list((toy / "fresh" / "probes").glob("*/0/probe.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "continues from there" in err
    assert "Traceback" not in err
    rows = {row["version"]: row["verdict"] for row in report()["arms"][0]["releases"]}
    assert rows["1.0"] == "good"
    assert rows["1.2"] == "untested"
    assert "report" in out


@pytest.fixture
def own_history(toy, monkeypatch):
    """Put a history of the test's own on an index of its own, with a fresh state directory."""
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
        yield lambda codes: plant(index, {f"1.{place}.0": code for place, code in enumerate(codes)})


def verdict_boundaries():
    (arm,) = report()["arms"]
    return arm, [
        (one["before"], one["after"], one["confirmed"])
        for one in arm["boundaries"]
        if one["signal"] == "verdict"
    ]


@pytest.mark.parametrize("search", ["auto", "sweep", "binary", "noisy"])
def test_a_flaky_release_does_not_move_the_answer(own_history, harness, search):
    """Its first execution of five fails: the hardest case, for the search meets the failure first."""
    own_history([GOOD, GOOD, GOOD, FLAKY, GOOD, GOOD, BAD, BAD, BAD])
    done = harness("bisect", "toy", "--search", search)
    assert done.returncode == 0, done.stderr
    arm, boundaries = verdict_boundaries()
    assert arm["conclusion"] == "regressed", arm["notes"]
    assert boundaries == [("1.5.0", "1.6.0", True)]


@pytest.mark.parametrize("search", ["auto", "sweep", "binary"])
def test_another_failure_in_the_middle_does_not_move_the_answer(own_history, harness, search):
    own_history([GOOD, GOOD, GOOD, GOOD, CRASH, GOOD, BAD, BAD, BAD])
    done = harness("bisect", "toy", "--search", search)
    assert done.returncode == 0, done.stderr
    arm, boundaries = verdict_boundaries()
    assert boundaries[-1] == ("1.5.0", "1.6.0", True)
    if any(row["verdict"] == "bad" for row in arm["releases"] if row["version"] == "1.4.0"):
        assert arm["conclusion"] == "non-monotone", arm["notes"]
        assert boundaries[:-1] == [("1.3.0", "1.4.0", True), ("1.4.0", "1.5.0", True)]
    else:
        assert arm["conclusion"] == "regressed", arm["notes"]
        assert boundaries[:-1] == []


def test_a_binary_search_probes_few_releases(own_history, harness):
    own_history([GOOD] * 11 + [BAD] * 9)
    done = harness("bisect", "toy", "--search", "binary", "--from", "1.0.0")
    assert done.returncode == 0, done.stderr
    arm, boundaries = verdict_boundaries()
    assert boundaries == [("1.10.0", "1.11.0", True)]
    assert sum(row["verdict"] != "untested" for row in arm["releases"]) <= 2 + 5
    assert "narrowed to" in done.stderr


def test_find_fix_assume_and_judging_a_search_again(own_history, harness):
    own_history([BAD, BAD, BAD, GOOD, GOOD, HANG])
    done = harness("bisect", "toy", "--search", "binary", "--find-fix", "--assume", "1.5.0=good")
    assert done.returncode == 0, done.stderr
    arm, boundaries = verdict_boundaries()
    assert arm["conclusion"] == "fixed"
    assert boundaries == [("1.2.0", "1.3.0", True)]
    before = timeless(report())
    assert harness("judge", "latest").returncode == 0
    assert timeless(report()) == before


def test_other_releases_other_arms_other_settings(toy, harness):
    done = harness(
        "bisect",
        "toy",
        "--from",
        "2.0",
        "--to",
        "2.1",
        "--arm",
        "plain",
        "--arm",
        "scaled",
        "--set",
        "steps=2",
    )
    assert done.returncode == 0
    arms = report()["arms"]
    assert [arm["name"] for arm in arms] == ["plain", "scaled"]
    assert arms[0]["parameters"]["steps"] == 2
    assert [row["version"] for row in arms[0]["releases"]] == ["2.0", "2.1"]
    assert {arm["conclusion"] for arm in arms} == {"never-good"}


def test_any_package_of_the_environment_can_be_the_one_under_test(toy, harness):
    done = harness("bisect", "toy", "--package", "helper")
    assert done.returncode == 0, done.stderr
    data = report()
    assert data["package"] == "helper"
    assert data["environment"]["pins"] == ["toy"]
    assert [row["version"] for row in data["arms"][0]["releases"]] == ["1.0", "2.0"]
    assert data["arms"][0]["conclusion"] == "always-good"


def test_several_seeds_are_told_together(toy, harness):
    harness("bisect", "toy", "--from", "1.1", "--to", "2.0", "--seeds", "3")
    rows = {row["version"]: row for row in report()["arms"][0]["releases"]}
    assert rows["2.0"]["reason"].startswith("3 of 3 seeds bad")
    assert len({execution["probe"] for execution in rows["1.1"]["executions"]}) == 3


def test_exit_codes_of_bisect(toy, harness):
    assert harness("bisect", "toy", "--search", "sweep", "--exit-code").returncode == 1
    assert harness("bisect", "toy", "--to", "1.1", "--exit-code").returncode == 0
    assert harness("bisect", "toy", "--from", "1.2", "--to", "1.4").returncode == 3
    assert "Inconclusive" in harness("bisect", "toy", "--from", "1.2", "--to", "1.4").stdout


def test_exit_codes_of_probe(toy, harness):
    codes = {
        version: harness("probe", "toy", "--release", version).returncode
        for version in ("1.0", "2.0", "1.2", "1.4")
    }
    assert codes == {"1.0": 0, "2.0": 1, "1.2": 125, "1.4": 125}


def test_a_stored_run_is_drawn_and_judged_again_without_a_probe(toy, harness):
    harness("bisect", "toy", "--search", "sweep")
    before = timeless(report())
    store = {
        path: path.stat().st_mtime
        for path in (toy / os.environ["HARNESS_HOME"] / "probes").rglob("probe.json")
    }
    (toy / "reports" / "latest" / "index.html").unlink()
    assert harness("report", "latest").returncode == 0
    assert (toy / "reports" / "latest" / "index.html").exists()
    assert harness("judge", "latest", "--exit-code").returncode == 1
    assert timeless(report()) == before
    scenario = toy / "scenarios" / "toy" / "scenario.toml"
    scenario.write_text(
        scenario.read_text().replace("loss_below = 0.5", "loss_below = 0.1"), encoding="utf-8"
    )
    done = harness("judge", "latest")
    assert "No good release" in done.stdout
    assert store == {path: path.stat().st_mtime for path in store}


def test_an_unreachable_index_is_told_and_the_last_listing_serves(toy, harness, monkeypatch):
    harness("bisect", "toy", "--search", "sweep")
    with ToyIndex() as gone:
        address = gone.url
    state = os.environ["HARNESS_HOME"]
    monkeypatch.setenv("UV_DEFAULT_INDEX", address)
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    done = harness("bisect", "toy")
    assert done.returncode == 4
    assert "cannot list the releases of toy" in done.stderr
    assert "Traceback" not in done.stderr
    assert state
