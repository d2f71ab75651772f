"""A harness that SIGKILL takes leaves no probe behind, however the probe was started."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest
from toyindex import DAYS, ToyIndex, plant, wheel

# Waits far longer than the test does, beside a process of its own.
HANGS = (
    "import subprocess, sys, time\n"
    "def loss(step):\n"
    "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "    time.sleep(600)\n"
)


@pytest.fixture
def hanging(toy, monkeypatch):
    """A scenario of two releases that hang, with time enough to do so."""
    file = toy / "scenarios" / "toy" / "scenario.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("timeout = 20", "timeout = 600"), encoding="utf-8"
    )
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        plant(index, {"1.0": HANGS, "1.2": HANGS})
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", str(toy / "fresh"))
        yield toy


def eventually(found, seconds=60.0):
    """Wait until something is found, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := found():
            return result
        time.sleep(0.1)
    pytest.fail("it did not happen")


def words(process):
    """The command line of a process; nothing if it is gone, or waits to be reaped."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def sleepers(process):
    """The processes that the hanging probes started."""
    return [one for one in process.children(recursive=True) if "time.sleep(600)" in words(one)]


@pytest.mark.parametrize(
    ("command", "count"),
    [(("bisect", "toy", "--search", "sweep", "--jobs", "2"), 2), (("probe", "toy", "--release", "1.0"), 1)],
    ids=["warm", "clean"],
)
def test_no_probe_outlives_a_killed_harness(hanging, command, count):
    harness = subprocess.Popen(
        [sys.executable, "-m", "harness", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        known = psutil.Process(harness.pid)
        eventually(lambda: len(sleepers(known)) == count)
        family = known.children(recursive=True)
        assert len(family) >= 2 * count, "the probes, and what they started"
    finally:
        harness.kill()
        harness.wait()
    psutil.wait_procs(family, timeout=20)
    assert not [words(one) for one in family if words(one)]
