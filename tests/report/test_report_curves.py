"""Fewer points, the same picture."""

from __future__ import annotations

import base64
import math

import numpy as np
import synthetic_report
from hypothesis import given
from hypothesis import strategies as st

from harness.report import curves
from harness.report.decimate import encoded, kept
from harness.report.signals import catalogue, difference, onset, values
from harness.traces.trace import Trace

NUMBERS = st.lists(st.floats(width=32) | st.just(1.0), max_size=400)


@given(NUMBERS, st.integers(min_value=8, max_value=500))
def test_extremes_ends_and_onset_stay(numbers, limit):
    array = np.array(numbers, dtype=np.float64)
    positions = kept(array, limit)
    assert list(positions) == sorted(set(positions))
    assert len(positions) <= max(limit * 2, 4)
    if not len(array):
        return
    chosen = array[positions]
    assert {positions[0], positions[-1]} == {0, len(array) - 1}
    finite = array[np.isfinite(array)]
    if len(finite):
        assert np.nanmin(chosen[np.isfinite(chosen)]) == finite.min()
        assert np.nanmax(chosen[np.isfinite(chosen)]) == finite.max()
    broken = np.flatnonzero(~np.isfinite(array))
    if len(broken):
        assert broken[0] in positions


@given(NUMBERS)
def test_runs_of_equal_values_lose_nothing(numbers):
    array = np.array(numbers, dtype=np.float64)
    positions = kept(array, 1000)
    filled = [
        array[positions[np.searchsorted(positions, index, side="right") - 1]] for index in range(len(array))
    ]
    np.testing.assert_array_equal(np.array(filled), array)


def decode(series):
    """What the page does with a series."""
    numbers = np.frombuffer(base64.b64decode(series["v"]), dtype="<f4")
    if "d" not in series:
        return series["first"] + np.arange(len(numbers)), numbers
    gaps = np.frombuffer(base64.b64decode(series["d"]), dtype=f"<u{series['w']}")
    return series["first"] + np.concatenate(([0], np.cumsum(gaps))), numbers


def test_what_is_encoded_is_what_was_measured():
    steps = np.arange(1.0, 5001.0)
    measured = np.sin(steps)
    found, numbers = decode(encoded(steps, measured, 200))
    np.testing.assert_allclose(numbers, measured[found.astype(int) - 1], rtol=1e-6)
    assert 100 < len(numbers) <= 210
    assert encoded(np.empty(0), np.empty(0), 10) == {}


def test_signals_are_found_in_the_columns():
    keys = {signal.key for signal in catalogue(synthetic_report.COLUMNS)}
    assert {"loss", "loss.difference", "score.weight.optimizer.nonfinite", "lora_A.denominator_zero"} <= keys
    assert [signal.key for signal in catalogue(("loss",))] == ["loss.difference", "loss"]
    assert [signal.key for signal in catalogue(("loss_scale", "loss_scale.overflow"))] == [
        "loss_scale",
        "loss_scale.overflow",
    ]


def test_values_and_onset():
    broken = synthetic_report.trace(broken=True)
    counts = next(
        item for item in catalogue(broken.columns) if item.key == "score.weight.optimizer.nonfinite"
    )
    assert list(values(broken, counts)) == [6, 6]
    assert onset(broken) == (1, "weight layers.0.q_proj.lora_A in optimizer")
    assert onset(synthetic_report.trace(steps=5)) is None
    assert onset(Trace(columns=("loss",), steps=(1, 2), rows=((1.0,), (math.nan,)))) == (2, "loss")


def test_an_overflow_that_a_loss_scale_recovers_from_is_no_onset():
    columns, event = ("loss", "loss_scale.overflow"), {"step": 2, "what": "gradient", "phase": "backward"}
    recovered = Trace(
        columns=columns, steps=(1, 2, 3), rows=((1.0, 0.0), (1.0, 0.5), (1.0, 0.0)), nonfinite=(event,)
    )
    assert onset(recovered) is None
    stuck = Trace(columns=columns, steps=(1, 2), rows=((1.0, 0.0), (1.0, 0.5)), nonfinite=(event,))
    assert onset(stuck) == (2, "gradient in backward")


def test_difference_joins_on_the_step():
    loss = next(item for item in catalogue(("loss",)) if item.key == "loss.difference")
    one = Trace(columns=("loss",), steps=(1, 2, 3), rows=((1.0,), (2.0,), (3.0,)))
    two = Trace(columns=("loss",), steps=(2, 3, 4), rows=((2.5,), (3.0,), (9.0,)))
    steps, distance = difference(one, two, loss)
    assert (list(steps), list(distance)) == ([2, 3], [0.5, 0.0])


def test_equal_traces_are_embedded_once():
    report, evidence = synthetic_report.report(skip=())
    fp16, bf16 = curves.data(report, evidence)["arms"]
    assert [group["span"] for group in fp16["classes"]] == [
        "0.3.0\u20130.6.2, 0.12.0\u20130.21.2",
        "0.7.0\u20130.11.1",
    ]
    assert fp16["reference"] == "0.6.2"
    assert bf16["reference"] == "0.6.2"
    assert fp16["classes"][1]["colour"].startswith("--bad")


def test_the_largest_page_stays_under_five_megabytes(largest):
    assert (largest / "index.html").stat().st_size < 5_000_000
