"""Every "reproduce" command of every kind of run, executed as printed, finds its probes stored: it executes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from printed_commands import check, report, rows
from states import own_state
from toyindex import BAD, DAYS, GOOD, ToyIndex, wheel

SCRIPT = 'import os\nimport toy\nprint(f"loss={toy.loss(3)!r}")\nassert toy.loss(3) == toy.loss(3)\n'
PRINTS = 'import toy\nprint(f"loss={toy.loss(3)!r}")\n'
RANGE = ("--from", "1.0", "--to", "2.1", "--leave-out", "1.3")  # 1.3 would be built anew in each test


@pytest.fixture
def fresh(toy, monkeypatch):
    """A state directory of its own, so that what is stored is what the run under test stored."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    (toy / "repro.py").write_text(SCRIPT, encoding="utf-8")
    (toy / "prints.py").write_text(PRINTS, encoding="utf-8")
    return toy


SCENARIOS = {
    "plain": (),
    "arm": ("--arm", "scaled"),
    "seeds": ("--seeds", "2"),
    "device": ("--device", "cpu"),
    "set": ("--set", "steps=7"),
    "pre": ("--pre",),
    "with": ("--with", "helper==1.0"),
    "env": ("--env", "SHADE=blue"),
    "memory": ("--memory", "3.5"),
    "online": ("--online",),
    "python": ("--python", "3.11"),
    "timeout": ("--timeout", "60"),
    "leave-out": ("--leave-out", "1.1"),
    "search": ("--search", "sweep", "--any-failure", "--no-cause"),
}


@pytest.mark.parametrize("words", SCENARIOS.values(), ids=SCENARIOS)
def test_of_a_scenario(words, fresh, harness):
    done = harness("bisect", "toy", *RANGE, *words)
    assert done.returncode in (0, 3), done.stderr
    check(report(), harness)


COMMANDS = {
    "exit status": (("repro.py",), ()),
    "arguments": (("repro.py", "--verbose", "-x"), ()),
    "expect": (("prints.py",), ("--metric", "loss", "--expect", "<5")),
    "error": (("repro.py",), ("--error-matches", "Assertion", "--import-errors", "bad")),
    "stdout": (("prints.py",), ("--bad-when-stdout-matches", "loss=nan")),
    "metric": (("prints.py",), ("--metric", "loss")),
    "env": (("repro.py",), ("--env", "SHADE=blue", "--timeout", "30", "--python", "3.11")),
}


@pytest.mark.parametrize(("script", "words"), COMMANDS.values(), ids=COMMANDS)
def test_of_a_command(script, words, fresh, harness):
    done = harness(
        "bisect", "--package", "toy", *RANGE, "--with", "helper==1.0", *words, "--", "python", *script
    )
    assert done.returncode in (0, 3), done.stderr
    check(report(), harness)


def test_of_a_scenario_that_is_gone(fresh, harness):
    assert harness("bisect", "toy", *RANGE).returncode == 0
    shutil.move(fresh / "scenarios", fresh / "elsewhere")
    done = harness("report")
    assert done.returncode == 0, done.stderr
    found = report()
    assert "job/toy" in found["command"]
    check(found, harness)


def test_of_a_scenario_that_has_changed(fresh, harness):
    assert harness("bisect", "toy", *RANGE).returncode == 0
    job = fresh / "scenarios" / "toy" / "job.py"
    job.write_text("# another one\n" + job.read_text(encoding="utf-8"), encoding="utf-8")
    assert harness("report").returncode == 0
    check(report(), harness)


def test_judge_of_a_scenario_given_by_its_path(fresh, harness):
    shutil.move(fresh / "scenarios" / "toy", fresh / "mine")
    assert harness("bisect", "mine", *RANGE).returncode == 0
    done = harness("judge")
    assert done.returncode == 0, done.stderr
    assert "oracle" not in done.stderr


def test_judge_does_not_take_another_scenario_of_the_same_name(fresh, harness):
    shutil.copytree(fresh / "scenarios" / "toy", fresh / "mine" / "toy")
    assert harness("bisect", "mine/toy", *RANGE).returncode == 0
    before = [row["verdict"] for row in rows(report())]
    toml = fresh / "scenarios" / "toy" / "scenario.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8").split("[oracle]")[0] + '[oracle]\nkind = "census"\n',
        encoding="utf-8",
    )
    shutil.rmtree(fresh / "mine")
    done = harness("judge")
    assert done.returncode == 0, done.stderr
    assert "judged by the run's own oracle" in done.stderr
    assert [row["verdict"] for row in rows(report())] == before


def test_judge_says_which_oracle_it_takes(fresh, harness):
    assert harness("bisect", "toy", *RANGE).returncode == 0
    toml = fresh / "scenarios" / "toy" / "scenario.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8").split("[oracle]")[0]
        + '[oracle]\nkind = "training"\nloss_below = 0.001\n',
        encoding="utf-8",
    )
    own = harness("judge", "--oracle", "run")
    assert own.stderr == ""
    assert "good" in {row["verdict"] for row in rows(report())}
    present = harness("judge")
    assert "present oracle" in present.stderr
    assert "good" not in {row["verdict"] for row in rows(report())}
    job = fresh / "scenarios" / "toy" / "job.py"
    job.write_text("# another one\n" + job.read_text(encoding="utf-8"), encoding="utf-8")
    changed = harness("judge")
    assert "has another job now" in changed.stderr
    gone = harness("judge", "--oracle", "present")
    assert gone.returncode == 0
    shutil.rmtree(fresh / "scenarios")
    gone = harness("judge", "--oracle", "present")
    assert gone.returncode == 2
    assert "--oracle run" in gone.stderr


def test_a_run_keeps_the_files_of_its_job(fresh, harness):
    assert harness("bisect", "toy", *RANGE).returncode == 0
    kept = Path("reports/latest/job/toy")
    assert sorted(path.name for path in kept.iterdir()) == ["job.py", "scenario.toml"]
    assert report()["job"]["files"].keys() == {"toy/job.py", "toy/scenario.toml"}
    done = harness("bisect", "--package", "toy", *RANGE, "--with", "helper==1.0", "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
    assert Path("reports/latest/job/repro.py").read_text(encoding="utf-8") == SCRIPT


def test_of_releases_whose_dependencies_follow_the_newest_one(fresh, harness, monkeypatch):
    """All are locked with the newest release of the range, and a single one by hand has the same lock."""
    with ToyIndex() as index:
        for version in ("1.0", "2.0", "3.0"):
            index.add("helper", wheel("helper", version, "", uploaded=DAYS[0]))
        for version, code, needed in (
            ("1.0", GOOD, "helper"),
            ("1.1", GOOD, "helper<3"),
            ("2.0", BAD, "helper<2"),
        ):
            index.add("toy", wheel("toy", version, code, requires=(needed,), uploaded=DAYS[1]))
        index.add("toy", wheel("toy", "2.1", BAD, requires=("helper",), uploaded=DAYS[2]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        done = harness("bisect", "--package", "toy", "--to", "2.0", "--", "python", "repro.py")
        assert done.returncode == 0, done.stderr
        check(report(), harness)
        done = harness(
            "bisect",
            "--package",
            "toy",
            "--to",
            "2.0",
            "--metric",
            "loss",
            "--find-fix",
            "--",
            "python",
            "prints.py",
        )
        assert done.returncode == 0, done.stderr
        check(report(), harness)
