"""Repeats have other hash seeds than first executions, and a verdict that depends on it is told as that."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, plant, wheel

OLD = "def first(names):\n    return sorted(names)[0]\n"
NEW = "def first(names):\n    return next(iter(set(names)))\n"


def first_of_set(seed: int, letters: str) -> str:
    """Return what a set of the letters yields first with a hash seed, as a Python of its own says."""
    ask = f"print(next(iter(set({letters!r}))))"
    variables = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(
        [sys.executable, "-c", ask], env=variables, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def ask(toy, harness, monkeypatch):
    """Put a history and a script to the harness in a fresh state directory; returns the report and its only arm."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def run(history: dict[str, str], text: str, *words: str):
            plant(index, history)
            (toy / "repro.py").write_text(text, encoding="utf-8")
            done = harness("bisect", "--package", "toy", *words, "--", "python", "repro.py")
            data = json.loads((toy / "reports" / "latest" / "report.json").read_text())
            return done, data["arms"][0]

        yield run


def test_a_verdict_that_depends_on_the_hash_seed_is_told(ask):
    """The seed of first executions passes, that of the first repeats fails."""
    letters, fails = next(
        (letters, fails)
        for letters in ("abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx")
        if (fails := first_of_set(1, letters)) not in {first_of_set(0, letters), letters[0]}
    )
    text = f"import toy\nassert toy.first({letters!r}) != {fails!r}, 'order'\n"
    _, arm = ask({"1.0": OLD, "1.1": OLD, "1.2": NEW, "1.3": NEW}, text)
    fact = arm["hash_seed"]
    assert (fact["fails"], fact["passes"], fact["executions"]) == ("1", "0", 4)
    assert fact["version"] in {"1.2", "1.3"}
    (note,) = [note for note in arm["notes"] if "depends on the hash seed" in note]
    assert "PYTHONHASHSEED=1 fails, 0 passes" in note
    rows = {row["version"]: {one["hash_seed"] for one in row["executions"]} for row in arm["releases"]}
    assert rows["1.3"] >= {"0", "1"}
    assert {one["hash_seed"]: one["verdict"] for one in arm["releases"][0]["executions"]}["0"] == "good"


def test_a_job_that_fails_at_random_does_not_depend_on_the_hash_seed(ask, toy):
    """Every second execution fails, whatever its seed: the further ones contradict each other."""
    counts = (
        "import pathlib\n"
        "path = pathlib.Path(__file__).with_name('count')\n"
        "count = len(path.read_text()) if path.exists() else 0\n"
        "path.write_text('x' * (count + 1))\n"
        "import toy\nassert count % 2 == 0, 'by turns'\n"
    )
    _, arm = ask({"1.0": OLD, "1.1": OLD}, counts, "--jobs", "1", "--isolation", "none")
    verdicts = {one["verdict"] for row in arm["releases"] for one in row["executions"]}
    assert verdicts == {"good", "bad"}
    assert arm["hash_seed"] == {}
    assert not [note for note in arm["notes"] if "hash seed" in note]


def test_a_hash_seed_of_the_user_holds_everywhere(ask):
    text = "import os, toy\nassert os.environ['PYTHONHASHSEED'] == '7'\n"
    done, arm = ask({"1.0": OLD, "1.1": NEW}, text, "--env", "PYTHONHASHSEED=7")
    assert arm["conclusion"] == "always-good", done.stdout
    seeds = {one["hash_seed"] for row in arm["releases"] for one in row["executions"]}
    assert seeds == {"7"}
