"""Outputs: what is kept of a value, and how far two of them are apart."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from harness_recorder import Recorder, output, record
from harness_recorder.outputs import leaves

from harness.traces.outputs import changed_kind, distance, learnt, named
from harness.traces.read import read_trace

JOB = Path(__file__).parent / "jobs" / "outputs.py"


def only(value):
    (leaf,) = leaves("x", value)
    return {"text": "", "values": [], "every": 1, **leaf}


def far(before, after, relative=0.0):
    return distance(only(before), only(after), relative)


def test_what_is_kept_of_numbers():
    leaf = only([1, 2.5, math.nan, -math.inf])
    assert (leaf["dtype"], leaf["shape"]) == ("float", [4])
    assert (leaf["nan"], leaf["inf"]) == (1, 1)
    assert [leaf[name] for name in ("min", "max", "mean")] == [1.0, 2.5, 1.75]
    assert leaf["norm"] == pytest.approx(math.hypot(1, 2.5))
    assert only(True)["dtype"] == "bool"
    assert only(np.float32(1.5))["dtype"] == "float32"
    assert only(np.arange(3))["shape"] == [3]
    assert only(np.array([1 + 2j]))["values"] == [1.0, 2.0]
    assert only(b"abc")["dtype"] == "bytes"
    assert [only(empty)["text"] for empty in ([], {}, set())] == ["(empty)"] * 3
    with pytest.raises(TypeError, match="output 'x': a object cannot be kept"):
        only(object())


def test_a_structure_is_taken_apart_and_its_size_is_bounded():
    assert [leaf["name"] for leaf in leaves("x", {"a": [1, 2], "b": ["c", {"d": 1}]})] == [
        "x.a",
        "x.b.0",
        "x.b.1.d",
    ]
    many = list(leaves("x", [str(number) for number in range(5000)]))
    assert len(many) == 1001
    assert many[-1]["dtype"] == "rest"
    others = list(leaves("x", [str(number) for number in range(4999)] + ["else"]))
    assert [one["digest"] != other["digest"] for one, other in zip(many, others, strict=True)][-1]
    assert len(only("x" * 100_000)["text"]) == 8192


def test_bits_decide_before_numbers():
    assert far(np.float32(0.0), np.float32(-0.0)).excess <= 0
    assert far(math.nan, math.nan).excess <= 0
    assert far([1.0, math.nan], [1.0, 2.0]).largest == math.inf
    assert far(math.inf, math.inf).excess <= 0
    assert far(math.inf, -math.inf).largest == math.inf


def test_where_and_how_far():
    before = np.zeros((2, 3), dtype=np.float32)
    after = before.copy()
    after[1, 0] = 0.5
    found = far(before, after)
    assert (found.largest, found.where) == (0.5, "at [1, 0]: 0 -> 0.5")
    assert far([100.0, 1.0], [101.0, 1.5], relative=0.02).where == "at [1]: 1 -> 1.5"
    assert far(1.0, 2.0).where == "1 -> 2"


def test_of_a_large_array_the_figures_count_as_well():
    before = np.zeros(100_000)
    after = before.copy()
    after[4321] = 7.0  # not one of those that are kept
    assert only(before)["every"] == 25
    found = far(before, after)
    assert (found.largest, found.where) == (7.0, "in the largest value: 0 -> 7")
    after[4321] = math.nan
    assert far(before, after).where == "in the number of NaN: 0 -> 1"


def test_a_change_of_kind():
    def kind(before, after):
        return changed_kind(only(before), only(after))

    assert kind(np.float32(1), np.float64(1)) == "dtype float32 -> float64"
    assert kind(np.zeros(2), np.zeros((2, 1))) == "shape [2] -> [2, 1]"
    assert kind(b"a", b"b") == "the bytes differ"
    assert kind("a", "a") == ""
    long = "x" * 500
    assert kind(f"same\n{long}a{long}", f"same\n{long}b{long}").startswith("line 2: '…xxx")
    assert kind("a", "a\nb") == "line 2: nothing -> 'b'"
    assert kind("x" * 9000 + "a", "x" * 9000 + "b") == "the texts differ behind their first 8192 characters"


def test_what_is_learnt_is_never_less_than_rounding():
    runs = [only(np.float32(value)) for value in (1.0, 1.0)]
    assert learnt(runs).absolute == pytest.approx(4 * 2.0**-23)
    runs = [only(np.float32(value)) for value in (1.0, 1.5)]
    assert learnt(runs).absolute == pytest.approx(1.0, abs=1e-6)
    assert learnt([only(5)]).absolute == 0.0


def test_values_without_a_recorder_and_beside_one(traced):
    with Recorder() as recorder:
        recorder.output("one", 1)
        output("two", 2)
        record("three", 3)
        recorder.output("one", 4)
    trace = read_trace(traced)
    assert list(named(trace.outputs)) == ["one", "two", "one (2)"]
    assert trace.records["three"] == [3.0]
    assert trace.end["reason"] == "finished"


def test_tensors(run_job):
    trace, done = run_job(JOB)
    assert done.returncode == 0, done.stderr
    found = named(trace.outputs)
    assert {name: (one["dtype"], one["shape"]) for name, one in found.items()} == {
        "half": ("float16", [2, 3]),
        "bfloat16": ("bfloat16", [2, 3]),
        "complex": ("complex64", [2, 3]),
        "mask": ("bool", [2, 3]),
        "turned": ("float32", [3, 2]),
        "sparse": ("float32", [3, 3]),
        "empty": ("float32", [0, 2]),
        "many.a.0": ("int64", []),
        "many.a.1": ("float32", []),
        "many.b": ("float", [2]),
        "many.c": ("text", [4]),
        "large": ("float32", [100, 100]),
    }
    assert found["turned"]["values"][1:] == [3.0, 1.0, 4.0, 2.0, 5.0]
    assert found["half"]["nan"] == 1
    assert found["complex"]["values"][2:4] == [1.0, -1.0]
    assert found["large"]["every"] == 3
    again = named(run_job(JOB, attempt=2)[0].outputs)
    assert {name: one["digest"] for name, one in again.items()} == {
        name: one["digest"] for name, one in found.items()
    }
    shifted = named(run_job(JOB, shift=0.5)[0].outputs)
    told = {name: distance(found[name], shifted[name]).where for name in found}
    assert {name: where for name, where in told.items() if where} == {
        "half": "at [1, 2]: 5 -> 5.5",
        "bfloat16": "at [1, 2]: 5 -> 5.5",
        "complex": "at [1, 2]: 5 -> 5.5",
        "turned": "at [2, 1]: 5 -> 5.5",
        "large": "in the largest value: 0 -> 0.5",
    }
