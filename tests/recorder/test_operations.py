"""The first operation that two sides do differently: planted differences in real torch are each named, with their line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.cause.operations import SEEDS, floor_of, part, perturbation, result
from harness.report.attribution import CauseResult
from harness.report.operations import sentence, view
from harness.traces.read import read_trace

JOB = Path(__file__).parent / "jobs" / "operations.py"
RECORDER = Path(__file__).parents[2] / "harness" / "recorder"
PLANTED = ("cast", "order", "eps", "attention", "missing", "start", "detour")
UNCHANGED = 200

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def record(scripts, tmp_path_factory):
    """Train variants in one process; returns {name: trace}."""
    folder = tmp_path_factory.mktemp("operations")

    def run(wanted):
        environment = {**os.environ, "PYTHONPATH": str(RECORDER)}
        done = scripts.run([str(JOB), str(folder), json.dumps(wanted)], env=environment)
        assert done.returncode == 0, done.stderr
        return {name: read_trace(folder / f"{name}.jsonl") for name, *_ in wanted}

    return run


@pytest.fixture(scope="module")
def found(record):
    """What is found between the base and each variant, as the harness finds it: with floors."""
    traces = record([(name, name, 0, None) for name in ("base", *PLANTED)])
    partings = {name: part(traces["base"].operations, traces[name].operations) for name in PLANTED}
    moved = {
        (name, seed): (f"{name}-{seed}", "base", 0, perturbation(parting, seed))
        for name, parting in partings.items()
        if parting and parting.meet
        for seed in SEEDS
    }
    again = record(list(moved.values()))
    answers = {}
    for name, parting in partings.items():
        trials = [again[key] for (of, _), (key, *_) in moved.items() if of == name]
        floor = floor_of(traces["base"], trials, parting.meet[0]) if trials else None
        answers[name] = parting and result(traces["base"].operations, traces[name].operations, parting, floor)
    return answers


def line(text):
    """Return the number of the job's first line that has a text."""
    return next(number for number, row in enumerate(JOB.read_text().splitlines(), 1) if text in row)


def told(answer):
    cause = CauseResult(
        "plain", "1.0", "2.0", "changed", "trace", "unknown", "", [], [], [], operations=answer
    )
    assert view(cause).rows
    return sentence(cause)


def test_an_inserted_cast(found):
    cast = found["cast"]
    assert (cast.kind, cast.step, cast.phase, cast.before) == ("other operations", 1, "forward", [])
    assert [one.name for one in cast.after] == ["aten._to_copy.default"] * 2
    assert cast.after[0].line.line == line("x.to(torch.bfloat16)")
    assert cast.rounding is False
    assert "2.0 executes aten._to_copy (float32 [4, 8, 16] -> bfloat16)" in told(cast)
    assert "beyond rounding" in told(cast)


def test_a_changed_order_of_a_sum_is_rounding(found):
    order = found["order"]
    assert order.kind == "other operations"
    assert order.after[0].line.line == line("x.sum(0).sum()")
    assert order.rounding is True
    assert "as rounding would" in told(order)


def test_a_changed_epsilon(found):
    eps = found["eps"]
    assert eps.kind == "other arguments"
    assert (eps.before[0].arguments, eps.after[0].arguments) == (["1e-06"], ["1e-05"])
    assert eps.after[0].line.line == line("torch.rsqrt")
    assert "gets other arguments: 1e-06 in 1.0, 1e-05 in 2.0" in told(eps)


def test_another_attention_kernel(found):
    attention = found["attention"]
    assert attention.kind == "other operations"
    assert attention.after[0].line.line == line("functional.scaled_dot_product_attention")
    assert attention.rounding is False


def test_a_missing_operation(found):
    missing = found["missing"]
    assert ([one.name for one in missing.before], missing.after) == (["aten.mul.Tensor"], [])
    assert missing.before[0].line.line == line("x = x * 0.5")
    assert (
        "1.0 executes aten.mul.Tensor (float32 [4, 8, 16] -> float32), which 2.0 does not execute there"
        in told(missing)
    )
    assert missing.rounding is False


def test_another_start_value(found):
    start = found["start"]
    assert start.kind == "other inputs"
    assert start.before[0].inputs[0].parameter == "keys.weight"
    assert "gets float32 [16, 16] keys.weight on both sides, with other values" in told(start)


def test_another_way_to_the_same_values_is_no_difference(found):
    assert found["detour"] is None


def test_backward_operations_have_the_line_of_the_forward_pass(record):
    (trace,) = record([("lines", "base", 0, None)]).values()
    backward = [one for one in trace.operations if one["phase"] == "backward" and one["line"]]
    assert line("weights @ x") in {one["line"]["line"] for one in backward}
    assert {one["phase"] for one in trace.operations} == {"forward", "backward", "optimizer"}


def test_the_second_step(record):
    (trace,) = record([("later", "second", 0, None)]).values()
    assert trace.operations
    assert {one["step"] for one in trace.operations} == {2}


def test_of_unchanged_pairs_none_is_called_changed(record):
    traces = record([(f"{side}-{seed}", "base", seed, None) for seed in range(UNCHANGED) for side in "ab"])
    pairs = [(traces[f"a-{seed}"].operations, traces[f"b-{seed}"].operations) for seed in range(UNCHANGED)]
    assert all(len(one) > 30 for one, _ in pairs)
    assert [part(one, other) for one, other in pairs] == [None] * UNCHANGED
