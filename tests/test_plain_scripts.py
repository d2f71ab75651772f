"""Plain scripts, found guilty by what they print late, hold or leave open: the whole way through `harness bisect`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, plant, wheel

POOL = """
import helper
import toy
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    pool = ProcessPoolExecutor(2)
    print(list(pool.map(toy.increment, range(4))))
"""
THREAD = """
import helper
import threading
import time
import toy
def late():
    time.sleep(0.5)
    print(f"loss={toy.value}")
threading.Thread(target=late).start()
"""
LEAK = "import toy\nheld = toy.hold()\n"


@pytest.fixture
def bisect(toy, harness, monkeypatch):
    """Bisect a history of toy, which needs helper, with a script; returns the process and the report's only arm."""

    def run(history, script, *words):
        with ToyIndex() as index:
            index.add("helper", wheel("helper", "1.0", "import time\n", uploaded=DAYS[0]))
            plant(index, history)
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
            monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
            (toy / "repro.py").write_text(script, encoding="utf-8")
            words = ("--package", "toy", "--with", "helper==1.0", *words)
            done = harness("bisect", *words, "--", "python", "repro.py")
        path = Path("reports/latest/report.json")
        return done, json.loads(path.read_text(encoding="utf-8"))["arms"][0]

    return run


def changes(arm):
    return [(one["before"], one["after"]) for one in arm["boundaries"] if one["signal"] == "verdict"]


def versions(good, bad):
    return {f"1.{minor}": bad if minor >= 2 else good for minor in range(4)}


def test_an_open_process_pool_ends_with_its_script(bisect):
    code = "def increment(number): return number + 1\n"
    done, arm = bisect(versions(code, code), POOL, "--timeout", "20")
    assert {row["verdict"] for row in arm["releases"]} == {"good"}, done.stdout
    assert changes(arm) == []


def test_what_a_thread_prints_after_the_script_counts(bisect):
    done, arm = bisect(
        versions("value = 0.1\n", "value = 0.6\n"), THREAD, "--metric", "loss", "--expect", "<0.5"
    )
    assert changes(arm) == [("1.1", "1.2")], done.stdout


def test_a_leak_of_33_megabytes_is_found(bisect):
    leaks = "def hold(): return [b'x' * 1_000_000 for _ in range({})]\n"
    done, arm = bisect(versions(leaks.format(0), leaks.format(33)), LEAK, "--metric", "memory_peak")
    assert changes(arm) == [("1.1", "1.2")], done.stdout


def test_a_value_among_others_on_a_line_counts(bisect):
    script = "import toy\nprint(f'loss={toy.value} step=3')\n"
    history = versions("value = 0.1\n", "value = 0.6\n")
    _, arm = bisect(history, script, "--metric", "loss", "--expect", "<0.5")
    assert changes(arm) == [("1.1", "1.2")]


def test_a_metric_that_is_not_printed_is_told_with_those_that_are(bisect):
    script = "print('train_loss=1 step=3')\n"
    _, arm = bisect(versions("", ""), script, "--metric", "loss", "--expect", "<0.5")
    reasons = {row["reason"] for row in arm["releases"] if row["verdict"] == "skip"}
    assert len(reasons) == 1
    assert (
        "under the name loss; recorded: train_loss, step; a script prints NAME=value, as in loss=0.5"
        in reasons.pop()
    )
