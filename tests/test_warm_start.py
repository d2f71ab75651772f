"""Warm starts are invisible, and where they are not, nothing of them is believed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import psutil
import pytest
from toyindex import BAD, DAYS, GOOD, HANG, KILLED, ToyIndex, plant, wheel

from harness.probes.probe import RECORDER

# A shared library that behaves otherwise when it is loaded long before it is used.
TELLTALE = "import os\nloaded_by = os.getpid()\n"
SEES_IT = "import helper, os\ndef loss(step):\n    return (1.0 if helper.loaded_by == os.getpid() else 0.9) / step\n"
# Ends its own process group, allocates without end, or prints before it dies.
BLOWS_UP = "import resource\ndef loss(step):\n    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n    return len(bytearray(2**33))\n"


@pytest.fixture
def own_index(toy, monkeypatch):
    """An index of the test's own, and a fresh home."""
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", str(toy / "fresh"))
        index.add("helper", wheel("helper", "1.0", TELLTALE, uploaded=DAYS[0]))
        yield index


def executions(toy):
    found = {}
    for path in (toy / "fresh" / "probes").glob("*/*/probe.json"):
        facts = json.loads(path.read_text())
        found.setdefault((facts["execution"]["start"], facts["repeat"]), []).append(facts)
    return found


def report(toy):
    return json.loads((toy / "reports" / "latest" / "report.json").read_text())


def test_firsts_are_warm_and_confirmations_clean(toy, harness, own_index):
    plant(own_index, {"1.0": GOOD, "1.2": GOOD, "1.3": BAD, "1.4": BAD})
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    found = executions(toy)
    assert len(found["warm", 0]) == 4
    assert {key[1] for key in found if key[0] == "clean"} == {1}
    arm = report(toy)["arms"][0]
    assert arm["deterministic"] is True
    assert all(boundary["confirmed"] for boundary in arm["boundaries"])


def test_an_environment_on_another_base_is_started_clean(toy, harness, own_index):
    """Two questions meet in one lock; the warm parent of the second has not what the first one's base holds."""
    own_index.add("helper", wheel("helper", "1.1", TELLTALE, uploaded=DAYS[1]))
    plant(own_index, {"1.0": GOOD, "1.1": GOOD, "1.2": GOOD})
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("import helper\n" + job.read_text(), encoding="utf-8")
    asked = [
        ("--with", "helper==1.0"),
        ("--package", "helper", "--with", "toy==1.0"),
        ("--package", "helper", "--with", "toy==1.2"),
    ]
    for words in asked:
        done = harness("bisect", "toy", "--search", "sweep", *words)
        assert done.returncode == 0, done.stderr
        assert {row["verdict"] for row in report(toy)["arms"][0]["releases"]} == {"good"}, words
        for path in (toy / "fresh" / "probes").glob("*/*/probe.json"):
            shutil.rmtree(path.parents[1])  # so that each question executes all by itself


def test_a_warm_start_that_shows_is_given_up_and_all_is_executed_clean(toy, harness, own_index):
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("import helper\n" + job.read_text(), encoding="utf-8")
    plant(own_index, {"1.0": SEES_IT, "1.2": SEES_IT, "1.3": BAD})
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    found = executions(toy)
    assert ("warm", 0) not in found
    assert len(found["clean", 0]) == 3
    data = report(toy)
    assert any("left another trace in a warm process" in warning for warning in data["warnings"]), data[
        "warnings"
    ]
    assert data["arms"][0]["deterministic"] is True


def test_children_that_die_hang_or_blow_up_harm_nobody(toy, harness, own_index):
    plant(
        own_index,
        {
            "1.0": GOOD,
            "1.2": KILLED,
            "1.3": BLOWS_UP,
            "1.4": "import os\nos.killpg(0, 9)\n",
            "1.5": HANG,
            "1.6": GOOD,
        },
    )
    scenario = toy / "scenarios" / "toy" / "scenario.toml"
    scenario.write_text(scenario.read_text().replace("timeout = 20", "timeout = 2"), encoding="utf-8")
    done = harness("bisect", "toy", "--search", "sweep", "--jobs", "3")
    assert done.returncode == 0, done.stderr
    rows = {row["version"]: (row["verdict"], row["reason"]) for row in report(toy)["arms"][0]["releases"]}
    assert rows["1.0"][0] == rows["1.6"][0] == "good"
    assert "killed by SIGKILL" in rows["1.2"][1]
    assert "out of memory" in rows["1.3"][1]
    assert "killed by SIGKILL" in rows["1.4"][1]
    assert "out of time" in rows["1.5"][1]
    starts = {
        facts["execution"]["start"]
        for key, group in executions(toy).items()
        if key[1] == 0
        for facts in group
    }
    assert starts == {"warm"}


def test_a_parent_that_is_gone_is_done_without(toy, harness, own_index):
    kills_it = (
        "import os, pathlib\nparent = os.getppid()\n"
        "if 'harness_warm' in pathlib.Path(f'/proc/{parent}/cmdline').read_text():\n    os.kill(parent, 9)\n"
    )
    plant(own_index, {"1.0": GOOD, "1.2": kills_it + GOOD, "1.3": BAD})
    done = harness("bisect", "toy", "--search", "sweep", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    rows = {row["version"]: row["verdict"] for row in report(toy)["arms"][0]["releases"]}
    assert rows == {"1.0": "good", "1.2": "good", "1.3": "bad"}
    assert any("the warm parent is gone" in warning for warning in report(toy)["warnings"])


def test_no_parent_outlives_its_run(toy, harness, own_index):
    plant(own_index, {"1.0": GOOD, "1.2": GOOD})
    harness("bisect", "toy", "--search", "sweep")
    time.sleep(0.2)
    home = os.environ["HARNESS_HOME"]
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(home in word for word in process.info["cmdline"] or ())
    ]
    assert left == []


def test_a_library_that_imports_the_package_is_no_warm_parent(toy, harness, own_index):
    """The shared libraries themselves load the package under test: no child could get another release of it."""
    own_index.packages["helper"] = [wheel("helper", "1.0", "import toy\n", uploaded=DAYS[0])]
    job = toy / "scenarios" / "toy" / "job.py"
    job.write_text("import helper\n" + job.read_text(), encoding="utf-8")
    plant(own_index, {"1.0": GOOD, "1.2": GOOD, "1.3": BAD})
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    assert {start for start, _ in executions(toy)} == {"clean"}
    warnings = report(toy)["warnings"]
    assert any("toy is loaded by the shared libraries" in warning for warning in warnings), warnings


def test_a_parent_that_holds_a_gpu_does_not_fork(tmp_path):
    """What tells is a device file held open, here a file in its place; NVML's own does not count."""
    ask = (
        "import sys, harness_warm as warm\n"
        "warm.DRIVERS = (sys.argv[1] + '/nvidia-uvm',)\n"
        "files = []\n"
        "for name in ('nvidiactl', 'nvidia-uvm'):\n"
        "    files.append(open(sys.argv[1] + '/' + name, 'w'))\n"
        "    print(warm.why_not([]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(RECORDER)},
        check=True,
        capture_output=True,
        text=True,
    )
    before, after = done.stdout.splitlines()
    assert before == ""
    assert f"{tmp_path}/nvidia-uvm is open" in after
