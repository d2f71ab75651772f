"""What the harness asks of a probe besides its settings: transplants and frames, under real torch."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest

JOB = Path(__file__).parent / "jobs" / "model.py"


@pytest.fixture
def asked(run_job, monkeypatch):
    """Run the job with instructions; each call is an execution of its own."""
    count = itertools.count(100)

    def run(instructions, **job_settings):
        monkeypatch.setenv("HARNESS_INSTRUCTIONS", json.dumps(instructions))
        return run_job(JOB, attempt=(next(count), json.dumps(instructions)), **job_settings)

    return run


def transplant(kind, names, value, key=""):
    return {"property": kind, "key": key, "names": names, "value": value}


def test_every_transplant_shows_in_the_census(asked):
    wanted = [
        transplant("dtype", ["spare.*"], "float16"),
        transplant("trainable", ["b.bias"], value=False),
        transplant("attribute", ["a"], 3.0, "gain"),
        transplant("optimizer", [], 1e-5, "eps"),
        transplant("config", [], 32, "width"),
    ]
    trace, done = asked({"transplant": wanted}, steps=2)
    assert done.returncode == 0, done.stderr
    facts = {one["name"]: one for one in trace.census["parameters"]}
    assert facts["spare.weight"]["dtype"] == facts["spare.bias"]["dtype"] == "float16"
    assert facts["a.weight"]["dtype"] == "float32"
    assert not facts["b.bias"]["trainable"]
    assert {"module": "a", "path": "gain", "values": [3.0]} in trace.census["attributes"]
    assert trace.census["configs"] == [{"name": "dict", "values": {"width": 32, "kind": "plain"}}]
    assert trace.identity["start"] == trace.identity["expected"], "a transplant is no other start"


def test_own_start_values_are_part_of_the_census_and_can_be_exchanged(asked):
    own, _ = asked({}, steps=1, start="own")
    assert own.identity["start"] is None
    moved, _ = asked({"transplant": [transplant("start", ["a.*"], [0.5, 2.0])]}, steps=1, start="own")
    starts = {one["name"]: one["start"] for one in moved.census["parameters"]}
    before = {one["name"]: one["start"] for one in own.census["parameters"]}
    assert starts["a.weight"] == pytest.approx([0.5, 2.0])
    assert starts["b.weight"] == before["b.weight"]


def test_a_prefix_is_the_beginning_of_the_whole_training_bit_for_bit(asked):
    whole, _ = asked({}, steps=4)
    begun, done = asked({"prefix": 2}, steps=4)
    assert done.returncode == 0, done.stderr
    assert begun.prefix == len(begun.steps) == 2
    assert begun.digest() == whole.head(2) != whole.digest()
    assert (begun.census, begun.identity) == (whole.census, whole.identity)
    longer, _ = asked({"prefix": 9}, steps=4)
    assert longer.prefix is None
    assert longer.digest() == whole.digest()


def test_a_transplant_that_matches_nothing_is_told_before_training(asked):
    trace, done = asked({"transplant": [transplant("dtype", ["nowhere"], "float16")]}, steps=1)
    assert done.returncode == 1
    assert "transplant: nothing here has the dtype of nowhere" in trace.error["message"]
    assert not trace.training


def test_frames_come_in_order_of_execution(asked):
    trace, done = asked({"frames": [2]}, steps=3)
    assert done.returncode == 0, done.stderr
    assert {one["step"] for one in trace.frames} == {2}
    order = [(one["phase"], one["name"], one["what"]) for one in trace.frames]
    assert order[:4] == [
        ("forward", "a", "output"), ("forward", "b", "output"), ("forward", "model", "output"), ("forward", "loss", "output"),
    ]  # fmt: skip
    assert order.index(("backward", "b", "output")) < order.index(("backward", "a", "output"))
    assert order.index(("backward", "a.weight", "gradient")) < order.index(
        ("optimizer", "a.weight", "exp_avg_sq")
    )
    weight = next(one for one in trace.frames if one["name"] == "b.weight" and one["what"] == "weight")
    assert weight["shape"] == [2, 16]
    assert len(weight["sample"]) == 32
    assert all(math.isfinite(value) for value in weight["sample"])


def test_frames_change_no_bit(asked, run_job):
    framed, _ = asked({"frames": [1, 2]}, steps=3)
    plain, _ = asked({}, steps=3)
    assert plain.frames == ()
    assert framed.digest() == plain.digest()


@pytest.mark.parametrize("options", [{"dtype": "bfloat16", "steps": 83}, {"steps": 20, "overflow_at": 9}])
def test_statistics_of_every_fifth_step_are_those_of_that_step(asked, options):
    every, _ = asked({}, **options)
    fifth, done = asked({"statistics_every": 5}, **options)
    assert done.returncode == 0, done.stderr
    assert (fifth.columns, fifth.steps, fifth.nonfinite) == (every.columns, every.steps, every.nonfinite)
    extra = [fifth.columns.index(name) for name in ("loss", "rate")]
    described = []
    for step, row, whole in zip(fifth.steps, fifth.rows, every.rows, strict=True):
        assert [row[place] for place in extra] == [whole[place] for place in extra]
        if any(value is not None for place, value in enumerate(row) if place not in extra):
            described.append(step)
            assert str(row) == str(whole), f"step {step}"
    scheduled = list(range(1, len(every.steps) + 1, 5))
    assert described == sorted({*scheduled, *(event["step"] for event in every.nonfinite)})


def test_a_schedule_is_kept_whenever_the_trace_is_written(asked):
    """Steps are written at the latest after a second: that must not show in what is measured."""
    first, _ = asked({"statistics_every": 3}, steps=40)
    second, _ = asked({"statistics_every": 3}, steps=40)
    assert first.digest() == second.digest()
