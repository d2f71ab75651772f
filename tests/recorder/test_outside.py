"""Outside of a probe: the recorder records nothing, or into a file if that is asked, and hinders nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.recording import RECORDER
from harness.traces.read import read_trace

JOB = """
from harness_recorder import Recorder, output, record, settings

config = settings({"steps": 2, "rate": 0.5})
with Recorder(settings=vars(config)) as recorder:
    recorder.config({"hidden": 4})
    recorder.begin()
    for step in range(config.steps):
        recorder.step(loss=1 / (step + 1), tokens=8)
    recorder.output("last", [1.0, 2.0])
    assert recorder.steps == 2 and recorder.stopped is None
record("accuracy", 0.75)
output("labels", [1, 2])
"""


@pytest.fixture
def run(tmp_path):
    """Run the job by itself, with further variables."""
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")

    def run(**variables):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HARNESS_")}
        return subprocess.run(
            [sys.executable, "job.py"],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(RECORDER), **variables},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    return run


def test_nothing_is_recorded_where_nobody_asks(run, tmp_path):
    assert run() == "accuracy=0.75\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["job.py"]


def test_a_file_that_is_asked_for_is_begun_anew_each_time(run, tmp_path):
    for _ in range(2):
        assert run(HARNESS_TRACE=str(tmp_path / "own" / "trace.jsonl")) == ""
    trace = read_trace(tmp_path / "own" / "trace.jsonl")
    assert trace.signal("loss") == [1.0, 0.5]
    assert trace.signal("accuracy") == [0.75]
    assert [leaf["name"] for leaf in trace.outputs] == ["last", "labels"]
    assert trace.start["settings"] == {"steps": 2, "rate": 0.5}
