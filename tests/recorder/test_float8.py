"""Conversions into float8: their scales and what they lose; and parameters that are kept in float8."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from harness.report.signals import catalogue

JOB = Path(__file__).parent / "jobs" / "float8.py"
FORMATS = ("float8_e4m3fn", "float8_e5m2")


@pytest.mark.parametrize("scaled", ["yes", "no"])
def test_every_figure_is_what_it_is_said_to_be(run_job, scaled):
    trace, done = run_job(JOB, scaled=scaled)
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    for name in FORMATS:
        for key in plain[0][name]:
            measured = trace.signal(f"{name}.{key}")
            assert measured == pytest.approx([row[name][key] for row in plain], rel=1e-6), f"{name}.{key}"
        assert (f"{name}.scale_min" in trace.columns) == (scaled == "yes"), "no scale is made up"
    if scaled == "yes":
        assert all(any(trace.signal(f"float8_e4m3fn.{key}")) for key in ("saturated", "flushed", "subnormal"))


def test_what_is_recorded_is_drawn(run_job):
    trace, _ = run_job(JOB, scaled="yes")
    drawn = {signal.key for signal in catalogue(trace.columns)}
    assert {name for name in trace.columns if name.startswith("float8")} <= drawn


def test_looking_does_not_change_the_training(run_job):
    trace, _ = run_job(JOB, scaled="yes")
    unseen, _ = run_job(JOB, scaled="yes", float8="false")
    assert not any(name.startswith("float8") for name in unseen.columns)
    for signal in ("loss", "all.gradient_checksum", "all.weight_checksum"):
        assert trace.signal(signal) == unseen.signal(signal)


def test_a_parameter_in_float8_is_described(run_job):
    trace, _ = run_job(JOB, scaled="yes")
    figures = {
        name: trace.signal(f"frozen.weight.optimizer.{name}")[0] for name in ("max", "zero", "subnormal")
    }
    assert figures == {"max": 448.0, "zero": 1.0, "subnormal": 1.0}
    assert trace.signal("frozen.weight.optimizer.saturated")[0] == 2.0
    assert math.isclose(trace.signal("frozen.weight.optimizer.mean")[0], (2.0**-9 + 1.0) / 5)
    assert {one["name"]: one["dtype"] for one in trace.census["parameters"]}["frozen"] == "float8_e4m3fn"
