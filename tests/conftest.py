"""Shared by all tests: a toy index with a planted history, its scenario, a home, and a real environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toyindex import ToyIndex, broken_sdist, wheel

# Settings of the machine that must not reach the toy index's tests.
FOREIGN = ("PIP_", "UV_")

DAYS = [f"2024-01-{day:02d}T12:00:00Z" for day in range(1, 29)]

GOOD = "def loss(step):\n    return 1.0 / step\n"
BAD = "def loss(step):\n    return float('nan') if step >= 3 else 1.0 / step\n"
CRASH = "def loss(step):\n    if step == 2:\n        raise RuntimeError('planted')\n    return 1.0 / step\n"
HANG = "import time\ndef loss(step):\n    time.sleep(600)\n"
KILLED = "import os, signal\ndef loss(step):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
NO_IMPORT = "raise ImportError('planted: cannot be imported')\n"
FLAKY = (
    "import os, pathlib\nruns = pathlib.Path(os.environ['HARNESS_TRACE']).parent.parent\n"
    "odd = sum(1 for _ in runs.iterdir()) % 2\n" + BAD.replace("step >= 3", "odd and step >= 3")
)

# A history as real ones are: good, a gap of releases that cannot be tested, bad, repaired.
HISTORY = {
    "1.0": GOOD,
    "1.1": GOOD,
    "1.2": "unresolvable",
    "1.3": "unbuildable",
    "1.4": NO_IMPORT,
    "2.0": BAD,
    "2.1": BAD,
    "2.2": KILLED,
    "3.0": GOOD,
    "3.1": GOOD,
}


def plant(index: ToyIndex, history: dict[str, str], name: str = "toy") -> None:
    """Put a history on an index, a day a release; version 1.1 is yanked."""
    for (version, code), day in zip(history.items(), DAYS, strict=False):
        facts = {"uploaded": day, "requires_python": ">=3.8"}
        if version == "1.1":
            facts["yanked"] = "planted"
        if code == "unresolvable":
            file = wheel(name, version, GOOD, requires=("there-is-no-such-package>=1",), **facts)
        elif code == "unbuildable":
            file = broken_sdist(name, version, **facts)
        else:
            file = wheel(name, version, code, requires=("helper",), **facts)
        index.add(name, file)


@pytest.fixture(scope="session")
def toy_index():
    """An index with the package `toy`, its dependency `helper`, and nothing else."""
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]), wheel("helper", "2.0", "", uploaded=DAYS[1]))
        plant(index, HISTORY)
        yield index


@pytest.fixture(scope="session")
def toy_state(tmp_path_factory):
    """A home and a uv cache that all tests on the toy index share: what one made, the next one finds."""
    root = tmp_path_factory.mktemp("toy")
    return {"HARNESS_HOME": str(root / "home"), "UV_CACHE_DIR": str(root / "uv-cache")}


@pytest.fixture
def toy(toy_index, toy_state, tmp_path, monkeypatch):
    """A working folder with the toy scenario, every setting pointing at the toy index."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_DEFAULT_INDEX", toy_index.url)
    for name, value in toy_state.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(Path(__file__).parent / "scenarios" / "toy", tmp_path / "scenarios" / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def harness():
    """Run a command as a user does, in a process of its own; returns what `subprocess.run` returns."""

    def run(*words: str, **options):
        # The package is installed where the tests run; the working folder is the test's own.
        return subprocess.run(
            [sys.executable, "-m", "harness", *words], check=False, capture_output=True, text=True, timeout=600, **options
        )

    return run
