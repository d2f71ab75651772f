import math
import random

import pytest

from harness.errors import UsageError
from harness.verdicts.noise import NoiseFloor, compare, judge_metric, measure_noise, student_quantile
from harness.verdicts.verdict import Verdict


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (99, 1.984)],
)
def test_quantiles_are_those_of_the_tables(freedom, quantile):
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, abs=5e-4)


def test_the_variance_is_pooled_within_releases():
    floor = measure_noise([[1.0, 3.0], [10.0, 10.0, 13.0], []])
    assert floor.freedom == 3
    assert floor.deviation == pytest.approx(math.sqrt((2 + 6) / 3))


@pytest.mark.parametrize("runs", [[], [[1.0]], [[1.0], [2.0]], [[1.0, math.nan]], [[1.0, math.inf]]])
def test_too_little_is_refused(runs):
    with pytest.raises(UsageError):
        measure_noise(runs)


def test_equal_runs_leave_the_rounding_of_float32():
    floor = measure_noise([[0.5, 0.5, 0.5]])
    assert floor.deviation == pytest.approx(0.5 * 2**-23)
    assert judge_metric("loss", [0.5], [0.5], floor).verdict == Verdict.GOOD
    assert judge_metric("loss", [0.5], [0.5001], floor).verdict == Verdict.BAD
    assert measure_noise([[0.0, 0.0]]).deviation > 0


def test_a_verdict_carries_effect_and_interval():
    floor = NoiseFloor(0.01, 9)
    judged = judge_metric("final loss", [0.58, 0.58], [0.68, 0.68], floor)
    assert judged.verdict == Verdict.BAD
    assert judged.fingerprint.kind == "final loss beyond noise"
    assert judged.effect.value == pytest.approx(0.1)
    assert judged.effect.bound == pytest.approx(2.262 * 0.01, abs=1e-4)
    assert "95% interval" in judged.reason
    found = compare([0.58, 0.58], [0.68, 0.68], floor)
    assert found.interval == pytest.approx((0.1 - judged.effect.bound, 0.1 + judged.effect.bound))
    assert found.standardised == pytest.approx(10 * (1 - 3 / 35))


def test_better_is_good_and_direction_counts():
    floor = NoiseFloor(0.01, 9)
    assert judge_metric("loss", [0.5], [0.1], floor).verdict == Verdict.GOOD
    assert judge_metric("accuracy", [0.9], [0.5], floor, higher_is_worse=False).verdict == Verdict.BAD
    assert judge_metric("accuracy", [0.9], [0.95], floor, higher_is_worse=False).verdict == Verdict.GOOD


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_bad(value):
    judged = judge_metric("loss", [0.5], [value], NoiseFloor(0.01, 9))
    assert judged.verdict == Verdict.BAD


def test_a_sweep_of_good_releases_stays_good():
    draw = random.Random(1)
    spoilt = 0
    for _ in range(200):
        floor = measure_noise([[draw.gauss(0, 1) for _ in range(5)] for _ in range(2)])
        reference = [draw.gauss(0, 1) for _ in range(5)]
        judged = [
            judge_metric("loss", reference, [draw.gauss(0, 1)], floor, comparisons=33) for _ in range(33)
        ]
        spoilt += any(judgement.verdict == Verdict.BAD for judgement in judged)
    assert spoilt / 200 < 0.06
