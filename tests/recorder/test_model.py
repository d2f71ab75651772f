"""Recording a model: every figure against its plain definition, every way that a training can end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

JOB = Path(__file__).parent / "jobs" / "model.py"
CHECKSUMS = ("weight_checksum", "gradient_checksum")


def same(measured, plain):
    """Compare one figure with its plain definition: sums may differ in their last digits."""
    if measured is None or plain is None or math.isnan(plain):
        return measured is plain or (measured is not None and plain is not None and math.isnan(measured))
    return measured == plain or math.isclose(measured, plain, rel_tol=1e-6, abs_tol=1e-9)


BFLOAT16 = {"dtype": "bfloat16", "steps": 33}
FLOAT16 = {"dtype": "float16", "eps": 1e-4, "scale": 1024}
VANISHING = {"dtype": "float16", "scale": 1e-3}  # second moments vanish, and with them denominators


@pytest.mark.parametrize(
    "options",
    [{}, BFLOAT16, FLOAT16, VANISHING, {"optimizer": "Adam"}, {"optimizer": "SGD"}],
    ids=["float32", "bfloat16", "float16", "vanishing", "adam", "sgd"],
)
def test_every_figure_is_what_it_is_said_to_be(run_job, options):
    trace, done = run_job(JOB, **options)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == len(trace.rows)
    names = [name for name in trace.columns if name.startswith(("loss", "head.", "matrices."))]
    names = [name for name in names if not name.endswith(CHECKSUMS)]
    for step, plain in zip(trace.steps, rows, strict=True):
        for name, value in zip(names, plain, strict=True):
            measured = trace.signal(name)[step - 1]
            assert same(measured, value), f"step {step}, {name}: {measured}, not {value}"
    assert trace.signal("rate") == [0.5] * len(rows)
    assert set(trace.signal("none.gradient_norm")) == {None}


def test_the_order_of_registration_does_not_show(run_job):
    first, _ = run_job(JOB)
    second, _ = run_job(JOB, order="ba")
    assert first.steps == tuple(range(1, 21))
    assert first.digest() == second.digest()
    assert first.identity == second.identity
    assert first.identity["start"] == first.identity["expected"]


def test_the_start_is_the_same_in_every_dtype(run_job):
    starts = {
        run_job(JOB, steps=1, dtype=dtype)[0].identity["start"]
        for dtype in ("float32", "float16", "bfloat16")
    }
    assert len(starts) == 1
    drawn, _ = run_job(JOB, steps=1, start="drawn")
    assert drawn.identity["expected"] is None
    assert drawn.identity["start"] not in starts


def test_one_differing_bit_changes_the_trace(run_job):
    first, _ = run_job(JOB)
    second, _ = run_job(JOB, eps=1e-7)
    assert first.signal("matrices.gradient_checksum")[0] == second.signal("matrices.gradient_checksum")[0]
    assert first.signal("matrices.weight_checksum") != second.signal("matrices.weight_checksum")
    assert all(0 <= value < 2**53 for value in first.signal("matrices.weight_checksum"))


def test_the_census_names_every_parameter(run_job):
    trace, _ = run_job(JOB, **FLOAT16)
    facts = {entry["name"]: entry for entry in trace.census["parameters"]}
    assert list(facts) == ["a.weight", "b.bias", "b.weight", "spare.bias", "spare.weight"]
    assert facts["b.weight"] == {
        "name": "b.weight", "raw": "b.weight", "dtype": "float16", "shape": [2, 16], "trainable": True,
    }  # fmt: skip
    assert trace.census["optimizer"]["class"] == "AdamW"
    assert trace.census["optimizer"]["eps"] == 1e-4
    assert trace.census["optimizer"]["betas"] == [0.9, 0.999]


def test_a_non_finite_weight_ends_the_job_early(run_job):
    trace, done = run_job(JOB, **VANISHING)
    assert done.returncode == 0, done.stderr
    weight = trace.nonfinite[0]
    assert (weight["what"], weight["phase"], weight["step"]) == ("weight", "optimizer", trace.steps[-1])
    assert weight["parameter"] == "a.weight"
    assert 0 < weight["count"] <= weight["of"] == 128
    assert trace.signal("matrices.denominator_zero")[-1] > 0
    assert trace.end["reason"].startswith("stopped: non-finite weight at step")


def test_a_non_finite_gradient_is_recorded_and_the_job_goes_on(run_job):
    trace, _ = run_job(JOB, **FLOAT16, overflow_at=5, steps=10)
    assert [(event["what"], event["phase"], event["step"]) for event in trace.nonfinite] == [
        ("gradient", "backward", 5)
    ]
    assert trace.steps == tuple(range(1, 11))
    assert trace.end["reason"] == "finished"


def test_an_error_loses_no_step(run_job):
    trace, done = run_job(JOB, fail_at=7)
    assert done.returncode == 1
    assert trace.steps == (1, 2, 3, 4, 5, 6)
    assert (trace.error["step"], trace.error["phase"], trace.error["message"]) == (7, "backward", "planted")
    whole, _ = run_job(JOB)
    assert trace.rows == whole.rows[:6]


def test_a_job_that_leaves_out_a_phase_is_told(run_job):
    trace, _ = run_job(JOB, skip_backward="true")
    assert trace.error["exception"] == "RecorderMisusedError"
    assert trace.error["misused"]
    assert "call forward(loss), backward() and step() in this order" in trace.error["message"]
