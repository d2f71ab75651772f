"""Profiles of a job that uses torch: copies of the base weights are named by line, with their count and their memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.traces.read import read_trace

JOB = Path(__file__).parent / "jobs" / "copies.py"
RECORDER = Path(__file__).parents[2] / "harness" / "recorder"
SIZE = 512 * 512 * 4
STEPS = 4

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def record(scripts, tmp_path_factory):
    """Execute a variant of the job as a probe does, with instructions; returns its trace."""
    folder = tmp_path_factory.mktemp("profiles")

    def run(variant, **instructions):
        path = folder / f"{len(list(folder.iterdir()))}.jsonl"
        environment = {
            **os.environ,
            "PYTHONPATH": str(RECORDER),
            "HARNESS_TRACE": str(path),
            "HARNESS_INSTRUCTIONS": json.dumps(instructions),
        }
        done = scripts.run([str(RECORDER / "harness_run.py"), str(JOB), variant], env=environment)
        assert done.returncode == 0, done.stderr
        return read_trace(path)

    return run


def line(text):
    return next(number for number, row in enumerate(JOB.read_text().splitlines(), 1) if text in row)


def test_counts_tell_copies_exactly(record):
    counts = {"names": ["operations", "allocations"], "package": "nosuch"}
    first, again, copying = (record(variant, counts=counts).records for variant in ("base", "base", "copy"))
    assert first == again
    assert copying["allocations"][0] - first["allocations"][0] == STEPS
    assert copying["operations"][0] - first["operations"][0] >= STEPS


def test_a_copy_at_each_step_has_its_line(record):
    profile = record("copy", profile={"package": "nosuch", "of": "time"}).profile
    (site,) = [one for one in profile["sites"] if one["function"] == "Net.weights"]
    (row,) = [one for one in site["dispatched"] if one[0] == "aten.clone.default"]
    assert row[1:3] == [line("self.base.weight.clone()"), STEPS]
    assert row[4:] == [STEPS, "copy = self.base.weight.clone()"]
    assert (site["calls"], site["allocations"]) == (STEPS, STEPS)


def test_copies_that_are_kept_are_held_at_the_peak(record):
    asked = {"package": "nosuch", "of": "memory", "torch": True}
    peak = record("keep", profile=asked).profile["peak"]
    assert peak > STEPS * SIZE
    sites = record("keep", profile={**asked, "peak": peak}).profile["sites"]
    assert sites[0]["at"] == line("self.base.weight.clone()")
    assert sites[0]["held"] == pytest.approx(STEPS * SIZE, rel=0.1)
    assert sites[0]["function"] == "Net.weights"
