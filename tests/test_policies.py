"""Policy `as-of`: every release with the packages of its own day, those of today beside it, and what tells both apart."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from toyindex import DAYS, ToyIndex, wheel

JOB = "import dayapp\ndayapp.run()\n"
APP = "import daylib\ndef run():\n    daylib.run()\n"
WORKS, FAILS = "def run():\n    pass\n", "def run():\n    raise ValueError('planted')\n"


@pytest.fixture(scope="module")
def dated():
    """Serve a package with a release a day, and what it requires, which breaks on the third day."""
    with ToyIndex(metadata=True) as index:
        for day in range(4):
            index.add("dayapp", wheel("dayapp", f"1.{day}", APP, ("daylib",), uploaded=DAYS[day]))
        index.add("daylib", wheel("daylib", "1.0", WORKS, uploaded=DAYS[0]))
        index.add("daylib", wheel("daylib", "2.0", FAILS, uploaded=DAYS[2]))
        yield index


@pytest.fixture
def asked(toy, harness, monkeypatch, dated):
    """Ask about the releases; returns the process and the report."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", dated.url)
    Path("job.py").write_text(JOB, encoding="utf-8")

    def ask(*words):
        done = harness(
            "bisect", "--package", "dayapp", *words, "--", "python", "job.py", env=dict(os.environ)
        )
        assert "Traceback" not in done.stderr, done.stderr
        path = Path("reports/latest/report.json")
        return done, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    return ask


def test_the_day_of_a_release_and_today_disagree_and_the_offered_blame_tells_why(asked, harness):
    done, report = asked("--policy", "as-of")
    assert done.returncode == 0, done.stderr
    (arm,) = report["arms"]
    verdicts = {row["version"]: row["verdict"] for row in arm["releases"]}
    assert verdicts == {"1.0": "good", "1.1": "good", "1.2": "bad", "1.3": "bad"}
    assert report["environment"]["policy"] == "as-of"
    assert "as the index stood at the end of the day of its upload" in report["environment"]["proof"]
    (boundary,) = [one for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert boundary["dependencies"]["outcome"] == "dependencies"
    disagree = [one["version"] for one in report["policies"] if one["as_of"] != one["fixed"]]
    assert disagree == ["1.0", "1.1"]
    (offered,) = [line for line in done.stdout.splitlines() if "what does it to 1.1 is found by: " in line]
    assert offered.startswith(
        "  job: 1.1 and 1 other release are good with the packages of their day (exit status 0)"
    )
    judged = harness("judge")
    assert judged.returncode == 0, judged.stderr
    stored = json.loads((Path("reports") / report["run"] / "report.json").read_text(encoding="utf-8"))
    assert stored["policies"] == report["policies"]
    words = shlex.split(offered.partition("found by: ")[2])
    again = harness(*words[3:])
    assert again.returncode == 0, again.stderr
    assert "daylib 1.0 -> 2.0 did it, alone" in again.stdout
    for name in ("summary.md", "index.html"):
        text = (Path("reports") / report["run"] / name).read_text(encoding="utf-8")
        assert "locks/fixed/1.1.txt" in text, name


def test_with_the_packages_of_today_nothing_is_good_and_the_package_that_fails_is_offered(asked, harness):
    done, report = asked()
    assert report["arms"][0]["conclusion"] == "never-good"
    assert report["policies"] == []
    assert "what changed is found by: python -m harness blame --good ENV --bad " in done.stdout
    (offered,) = [
        line for line in done.stdout.splitlines() if "whether its release matters is found by: " in line
    ]
    assert offered.startswith("  the error of 1.3 is raised in daylib; ")
    again = harness(*shlex.split(offered.partition("found by: ")[2])[3:])
    assert again.returncode == 0, again.stderr
    assert "daylib 2.0 broke the job: 1.0 is the last good release, 2.0 the first bad one" in again.stdout


def test_what_cannot_be_asked_of_days(asked, harness):
    done, _ = asked("--policy", "as-of", "--package", "daylib")
    assert done.returncode == 2
    assert "--policy as-of and two packages: a pair of releases has no one day" in done.stderr
