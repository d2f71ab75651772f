"""Every rule of the explainer recognises a minimal loop that does it, and stays silent at one that nearly does."""

from __future__ import annotations

import pytest

from harness.cause import mechanism
from harness.traces.trace import Trace

RULES = [rule.__name__ for rule in mechanism.RULES]


@pytest.mark.parametrize("name", [
    "denominator_zero", "zero_over_zero", "gradient_flushed", "update_lost", "overflow_in_loss", "overflow_in_forward",
    "unscale_refused", "nan_told_as_zero", "saturated_in_float8", "flushed_in_float8",
])  # fmt: skip
def test_a_rule_tells_the_loop_from_the_near_miss(loops, name):
    check(loops, name)


def test_overflow_by_the_loss_scale(loops):
    found = check(loops, "overflow_by_scale")
    assert found.figures["loss_scale"] == 65504.0
    assert found.figures["scaled"] > 65504


def test_overflow_by_a_scale_that_adapts_itself_is_none_if_it_recovers(loops):
    found = mechanism.overflow_by_scale(loops("overflow_by_adapting_scale"))
    assert found.figures["loss_scale"] == 65536.0
    near = loops("overflow_by_adapting_scale.near")
    assert near.signal("loss_scale") == [65536.0, 65536.0, 131072.0, 65536.0]
    assert [share > 0 for share in near.signal("loss_scale.overflow")] == [False, False, True, False]
    assert mechanism.overflow_by_scale(near) is None


def check(loops, name):
    rule = getattr(mechanism, name)
    found = rule(loops(name))
    assert found is not None
    assert found.source
    assert found.text
    assert found.step
    near = loops(f"{name}.near")
    assert near.steps, "the near miss trained"
    assert rule(near) is None
    return found


def test_every_rule_is_tried_on_a_loop():
    tried = {"denominator_zero", "zero_over_zero", "gradient_flushed", "update_lost", "overflow_in_loss"}
    tried |= {"overflow_in_forward", "overflow_by_scale", "unscale_refused", "nan_told_as_zero"}
    tried |= {"saturated_in_float8", "flushed_in_float8"}
    assert set(RULES) == tried


def test_the_figures_prove_it(loops):
    found = mechanism.zero_over_zero(loops("zero_over_zero"))
    assert found.step == 1
    assert found.figures == {
        "group": "weight", "gradient_zero": 1.0, "denominator_zero": 1.0, "eps": 1e-8, "dtype": "float16",
    }  # fmt: skip
    assert "0 / 0 in 100% of weight at step 1" in found.text


def test_the_scale_that_does_not_fit_is_told(loops):
    found = mechanism.flushed_in_float8(loops("flushed_in_float8"))
    assert found.figures == {
        "format": "float8_e4m3fn", "flushed": 1.0, "amax": 0.5, "scales": [2.0**-12, 2.0**-12],
    }  # fmt: skip
    assert found.text == (
        "100% of the values that are converted into float8_e4m3fn at step 1 become zero although they are not: for these "
        "the scale is too small. The largest value before scaling is 0.5; the scales lie between 0.0002441 and 0.0002441; "
        "the format ends at 448"
    )


def test_nothing_matches_a_healthy_loop(loops):
    assert mechanism.explain(loops("unscale_refused.near")) == []
    assert mechanism.explain(Trace()) == []
