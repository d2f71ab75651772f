"""Traces of minimal training loops, made once, under real torch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.traces.read import read_trace

RECORDER = Path(__file__).parents[2] / "harness" / "recorder"


@pytest.fixture(scope="session")
def loops(scripts, tmp_path_factory):
    """Return the trace of a loop by its name."""
    folder = tmp_path_factory.mktemp("loops")
    job = Path(__file__).parent / "jobs" / "mechanisms.py"
    done = scripts.run([str(job), str(folder)], env={**os.environ, "PYTHONPATH": str(RECORDER)})
    assert done.returncode == 0, done.stderr
    return lambda name: read_trace(folder / f"{name}.jsonl")
