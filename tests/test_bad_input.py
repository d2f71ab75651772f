"""Bad input: one clear message that says what and where, the right exit status, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from states import own_state

SCENARIO = "scenarios/toy/scenario.toml"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bisect", "toyy"], 2, "did you mean toy?"),
        (["bisect", "toy", "--arm", "fp8"], 2, "no arm 'fp8'; it has: plain, scaled"),
        (["bisect", "toy", "--from", "9.9"], 2, "--from 9.9: the index lists no such release"),
        (["bisect", "toy", "--from", "3.0", "--to", "1.0"], 2, "swap"),
        (["bisect", "toy", "--jobs", "0"], 2, "above 0"),
        (["bisect", "toy", "--search", "guess"], 2, "invalid choice"),
        (["bisect", "toy", "--set", "steps"], 2, "NAME=VALUE"),
        (["bisect", "toy", "--locks", "nosuch"], 2, "expected a run's folder"),
        (["bisect", "toy", "--assume", "1.0"], 2, "RELEASE=VERDICT"),
        (["bisect", "toy", "--assume", "1.0=fine"], 2, "one of good, bad, skip"),
        (["bisect", "toy", "--assume", "9.9=good"], 2, "no such release in the range"),
        (["bisect", "toy", "--confidence", "2"], 2, "between 0.5 and 1"),
        (["bisect", "toy", "--torch", "rocm"], 2, "expected one of auto, cpu, cuXXX"),
        (["bisect", "toy", "--package", "nosuch"], 2, "nosuch"),
        (["bisect", "toy", "--patch", "nosuch"], 2, "--patch nosuch: there is no such file"),
        (["bisect", "toy", "--patch", SCENARIO], 2, f"--patch {SCENARIO}: git reads no patch there"),
        (["probe", "toy"], 2, "--release"),
        (["probe", "toy", "--release", "nine"], 2, "no version number"),
        (["releases", "nosuch"], 2, "check the spelling"),
        (["report", "nosuch"], 2, "no run 'nosuch'"),
        (["judge", "nosuch"], 2, "no run 'nosuch'"),
        ([], 2, "COMMAND"),
    ],
)
def test_the_message_says_what_is_wrong(toy, harness, words, code, said):
    done = harness(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_commits_belong_to_one_package_and_a_patch_to_commits(toy, harness):
    Path("fix.patch").write_text("--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n", encoding="utf-8")
    done = harness("bisect", "toy", "--patch", "fix.patch")
    assert done.returncode == 2
    assert "--patch without --commits: commits are what it is applied to" in done.stderr
    subprocess.run(["git", "init", "-q", "clone"], check=True)
    two = ("--package", "toy", "--package", "helper")
    done = harness("bisect", *two, "--commits", "clone", "--", "python", "-c", "import toy")
    assert done.returncode == 2
    assert "--commits with two packages: which of them the commits are of cannot be told" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('package = "toy"', 'package = "toy', "not valid TOML"),
        ('package = "toy"', "", "the key 'package' is missing"),
        ('package = "toy"', 'package = "toy"\npakage = 1', "unknown key 'pakage' (did you mean package?)"),
        ("timeout = 20", 'timeout = "soon"', "timeout = 'soon': expected a number"),
        ("timeout = 20", "timeout = -1", "timeout = -1: expected a number above 0"),
        (
            '["helper==1.0"]',
            '["helper=1.0"]',
            "pins = 'helper=1.0': expected a requirement such as \"torch==2.13.0\"",
        ),
        ('["helper==1.0"]', '["toy==1.0"]', "since it is the package under test"),
        ('python = ">=3.8"', 'python = "three"', "python = 'three': expected a specifier"),
        ("scale = 1.0", "scale = [1.0]", "arms.plain.scale = [1.0]: expected text, a number"),
        ("default = false", 'default = "no"', "arms.scaled.default = 'no': expected true or false"),
        ('kind = "training"', 'kind = "magic"', "kind = 'magic': expected one of training"),
        ("loss_below = 0.5", "loss_under = 0.5", "unknown key 'loss_under'"),
        ("loss_below = 0.5", 'loss_below = "low"', "loss_below = 'low': expected a number"),
    ],
)
def test_a_malformed_scenario_names_file_key_and_value(toy, harness, old, new, said):
    path = toy / SCENARIO
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = harness("bisect", "toy")
    assert done.returncode == 2
    assert "scenario.toml" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_job_that_is_missing_or_does_not_parse(toy, harness):
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("def broken(:\n", encoding="utf-8")
    done = harness("probe", "toy", "--release", "1.0")
    assert done.returncode == 2
    assert "job.py:1: the job does not parse" in done.stderr
    job.unlink()
    done = harness("probe", "toy", "--release", "1.0")
    assert done.returncode == 2
    assert "there is no such file" in done.stderr


@pytest.mark.parametrize("alone", [True, False], ids=["script", "scenario"])
def test_a_job_that_calls_its_recorder_wrongly_says_nothing_of_a_release(toy, harness, alone):
    """Every release was called bad, for an error that the recorder raised during the training."""
    script = (
        "from harness_recorder import Recorder\nimport toy\n"
        "with Recorder() as recorder:\n    recorder.begin()\n    recorder.forward(toy.loss(1))\n    recorder.forward(1.0)\n"
    )
    (toy / "scenarios" / "toy" / "job.py").write_text(script, encoding="utf-8")
    question = ("--package", "toy", "--", "python", "scenarios/toy/job.py") if alone else ("toy",)
    done = harness("bisect", "--from", "1.0", "--to", "1.1", *question)
    assert done.returncode == 3, done.stderr
    assert (
        "the job calls its recorder wrongly: step 1: the recorder was told of the end of forward"
        in done.stdout
    )
    assert "call forward(loss), backward() and step() in this order" in done.stdout
    assert " bad" not in done.stdout


def test_debug_shows_where(toy, harness):
    done = harness("bisect", "toyy", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_uv_missing(toy, harness, monkeypatch):
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    code = "import sys; sys.modules['uv'] = None; from harness.cli import main; sys.exit(main(['probe', 'toy', '--release', '1.0']))"
    monkeypatch.setenv("PATH", "/nowhere")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 4
    assert "python -m pip install uv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tiny file system needs root")
def test_no_disk_space_is_told_and_nothing_looks_finished(toy, harness, monkeypatch):
    tiny = toy / "tiny"
    tiny.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tiny], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        monkeypatch.setenv("HARNESS_HOME", str(tiny))
        done = harness("bisect", "toy", "--search", "sweep")
        assert not list(tiny.glob("environments/*/environment.json"))
    finally:
        subprocess.run(["umount", tiny], check=True)
    assert done.returncode == 4
    assert "no disk space left" in done.stderr.lower() or "no space left" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_is_told(toy, harness, monkeypatch):
    monkeypatch.setenv("HARNESS_HOME", "/dev/null/home")
    done = harness("probe", "toy", "--release", "1.0")
    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
