"""Ways to run a recorded job: in this process for plain numbers, in a process of its own where torch is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.traces.read import read_trace

ROOT = Path(__file__).parents[2]
RECORDER = ROOT / "harness" / "recorder"
sys.path.insert(0, str(RECORDER))


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """The path that recorders in this process write to."""
    path = tmp_path / "trace.jsonl"
    monkeypatch.setenv("HARNESS_TRACE", str(path))
    return path


@pytest.fixture(scope="session")
def run_job(scripts, tmp_path_factory):
    """Run a job under torch; returns its trace and the finished process. An equal job is not run again."""
    folder = tmp_path_factory.mktemp("traces")
    ran = {}

    def run(job: Path, *, attempt: int = 1, **job_settings):
        words = [word for name, value in job_settings.items() for word in (f"--{name}", str(value))]
        key = (job, attempt, *words)
        if key not in ran:
            trace = folder / f"{len(ran)}.jsonl"
            paths = [str(RECORDER), os.environ.get("PYTHONPATH", "")]
            environment = {
                **os.environ,
                "HARNESS_TRACE": str(trace),
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            }
            done = scripts.run([str(job), *words], env=environment, timeout=300)
            ran[key] = read_trace(trace), done
        return ran[key]

    return run
