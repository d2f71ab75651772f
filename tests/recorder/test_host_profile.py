"""Profiles and counts of a job without torch: which part of it counts, and what a profile of the job's own does to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.traces.read import read_trace

RECORDER = Path(__file__).parents[2] / "harness" / "recorder"
JOB = """
import sys
from harness_recorder import Recorder

def at_import():
    return [at_import.__name__ for _ in range(10)]

def at_step():
    return sorted(range(10), key=lambda number: -number)

def at_end():
    return None

at_import()
if "own" in sys.argv:
    sys.setprofile(lambda *_: None)
with Recorder() as recorder:
    recorder.begin()
    for step in range(3):
        at_step()
        recorder.step(loss=1.0)
at_end()
"""


@pytest.fixture
def record(tmp_path):
    """Execute the job as a probe does, with instructions; returns its trace."""
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")

    def run(*words, **instructions):
        environment = {
            **os.environ,
            "PYTHONPATH": str(RECORDER),
            "HARNESS_TRACE": str(tmp_path / "trace.jsonl"),
            "HARNESS_INSTRUCTIONS": json.dumps(instructions),
        }
        program = [sys.executable, str(RECORDER / "harness_run.py"), "job.py", *words]
        subprocess.run(program, env=environment, cwd=tmp_path, check=True, timeout=300)
        return read_trace(tmp_path / "trace.jsonl")

    return run


def calls(trace):
    return {
        one["function"]: one["calls"] for one in trace.profile["sites"] if one["function"].startswith("at_")
    }


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        ("all", {"at_import": 1, "at_step": 3, "at_end": 1}),
        ("import", {"at_import": 1}),
        ("training", {"at_step": 3}),
    ],
)
def test_a_profile_is_about_a_part_of_the_job(record, span, wanted):
    trace = record(profile={"package": "nosuch", "of": "time", "span": span})
    # The lambda of a step is a function of its own.
    assert {name: count for name, count in calls(trace).items() if "lambda" not in name} == wanted
    assert not trace.profile["damaged"]
    assert len(trace.steps) == 3


def test_what_the_recorder_does_counts_for_nobody(record):
    trace = record(profile={"package": "nosuch", "of": "time", "span": "training"})
    assert not any("harness_recorder" in one["file"] for one in trace.profile["sites"])
    (step,) = [one for one in trace.profile["sites"] if one["function"] == "at_step"]
    assert [row[:2] for row in step["below"]] == [["sorted", 3]]
    assert trace.profile["python_calls"] == 3 * (1 + 10)


def test_lines_are_counted(record):
    line = next(number for number, row in enumerate(JOB.splitlines(), 1) if row.startswith("def at_step"))
    trace = record(profile={"package": "nosuch", "of": "lines", "functions": [["job.py", line]]})
    (function,) = trace.profile["functions"]
    assert [(row[0], row[1]) for row in function["lines"]] == [(line, 0), (line + 1, 3)]
    assert function["lines"][1][3] == "return sorted(range(10), key=lambda number: -number)"


def test_a_job_with_a_profile_of_its_own_is_told(record):
    trace = record("own", profile={"package": "nosuch", "of": "time"})
    assert trace.profile["damaged"]
    counted = record("own", counts={"names": ["python_calls"], "package": "nosuch"})
    assert "python_calls" not in counted.records


def test_counts_do_not_depend_on_hash_seed_or_bytecode(record, monkeypatch):
    seen = set()
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        seen |= set(record(counts={"names": ["python_calls"], "package": "nosuch"}).records["python_calls"])
    assert len(seen) == 1
