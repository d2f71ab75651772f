"""The ladder: units in the last place, the first difference, the first non-finite tensor, noise."""

from __future__ import annotations

import math

import pytest

from harness.cause.divergence import deciding_steps, distances, ladder, noise, ulp
from harness.traces.trace import Trace


def frame(name, sample, *, phase="forward", what="output", dtype="float32", step=1, nan=0):
    return {
        "step": step, "phase": phase, "name": name, "what": what, "module": "Linear", "dtype": dtype, "shape": [len(sample)],
        "checksum": sample, "nan": nan, "inf": 0, "zero": 0, "largest": 1.0, "sample": sample,
    }  # fmt: skip


def frames(*several):
    return Trace(frames=tuple(several))


@pytest.mark.parametrize(
    ("size", "dtype", "unit"),
    [
        (1.0, "float32", 2.0**-23),
        (1.5, "float16", 2.0**-10),
        (1.0, "bfloat16", 2.0**-7),
        (0.0, "float16", 2.0**-24),
        (1e-6, "float16", 2.0**-24),  # subnormal
        (65504.0, "float16", 32.0),
        (0.0, "float32", 2.0**-149),
        (448.0, "float8_e4m3fn", 32.0),
        (0.0, "float8_e4m3fn", 2.0**-9),
        (57344.0, "float8_e5m2", 8192.0),
        (0.0, "float8_e5m2", 2.0**-16),
    ],
)
def test_units_in_the_last_place(size, dtype, unit):
    assert ulp(size, dtype) == unit


def test_distances_are_told_in_the_coarser_dtype():
    one = frame("a", [1.0, 2.0])
    other = frame("a", [1.0 + 2.0**-10, 2.0], dtype="float16")
    ulps, relative = distances(one, other)
    assert ulps == 1.0
    assert relative == pytest.approx(2.0**-10 / math.sqrt(5))
    assert distances(one, frame("a", [math.nan, 2.0])) == (None, None)


def test_the_first_difference_and_the_first_non_finite():
    before = frames(frame("a", [1.0]), frame("b", [1.0]), frame("c", [1.0]), frame("w", [1.0], what="weight"))
    after = frames(
        frame("a", [1.0]), frame("b", [1.5]), frame("c", [1.0]), frame("w", [math.nan], what="weight", nan=1)
    )
    found = ladder(before, after, {})
    assert found.equal_before == 1
    assert [rung.name for rung in found.rungs] == ["b", "c", "w"]
    assert [rung.differs for rung in found.rungs] == [True, False, True]
    assert (found.first, found.first_nonfinite) == (0, 2)
    assert found.rungs[2].nonfinite == [0, 1]


def test_a_ladder_that_is_too_long_keeps_the_first_non_finite():
    many = [frame(f"m{i}", [1.0]) for i in range(100)]
    changed = [frame(f"m{i}", [2.0], nan=int(i == 90)) for i in range(100)]
    found = ladder(frames(*many), frames(*changed), {})
    assert len(found.rungs) == 40
    assert found.rungs[found.first_nonfinite].name == "m90"
    assert found.left_out == 60


def test_equal_sides_and_sides_without_frames():
    same = frames(frame("a", [1.0]))
    assert ladder(same, same, {}).first is None
    assert ladder(Trace(), Trace(), {}) is None


def test_noise_hides_what_repeats_show_too():
    one, again = frames(frame("a", [1.0, 2.0])), frames(frame("a", [1.0, 2.001]))
    floor = noise(one, again)
    near, far = frames(frame("a", [1.0, 2.0005])), frames(frame("a", [1.0, 2.5]))
    assert ladder(one, near, floor).first is None
    assert ladder(one, far, floor).first == 0


def test_deciding_steps():
    columns, event = ("loss",), {"step": 4, "what": "weight", "phase": "optimizer"}
    one = Trace(columns=columns, steps=(1, 2, 3, 4), rows=((1.0,), (0.5,), (0.4,), (0.3,)))
    other = Trace(
        columns=columns, steps=(1, 2, 3, 4), rows=((1.0,), (0.6,), (0.4,), (0.3,)), nonfinite=(event,)
    )
    assert deciding_steps(one, other) == [2, 4]
    assert deciding_steps(one, one) == []
