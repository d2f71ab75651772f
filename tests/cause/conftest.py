"""Traces of minimal training loops, made once, under real torch."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.traces.read import read_trace

RECORDER = Path(__file__).parents[2] / "harness" / "recorder"


@pytest.fixture(scope="session")
def loops(torch_python, tmp_path_factory):
    """Return the trace of a loop by its name."""
    folder = tmp_path_factory.mktemp("loops")
    job = Path(__file__).parent / "jobs" / "mechanisms.py"
    done = subprocess.run(
        [str(torch_python), str(job), str(folder)],
        env={**os.environ, "PYTHONPATH": str(RECORDER)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return lambda name: read_trace(folder / f"{name}.jsonl")
