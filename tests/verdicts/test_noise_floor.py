import math
import random
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.verdicts.difference import Aim, Difference, Worse, equal, judge_difference
from harness.verdicts.noise import NoiseFloor, measure_noise, reproducible, student_quantile
from harness.verdicts.verdict import Verdict

EXACT = Difference("accuracy", "1.0", 0.9, 0.6, -0.3, -0.3, exact_after=5)


def difference(low, high, *, reference=0.9, metric="accuracy"):
    return Difference(metric, "1.0", reference, reference + (low + high) / 2, low, high)


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


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (0.5, 0.5, True),
        (0.5, 0.5 * (1 + 2**-22), True),
        (0.5, 0.5001, False),
        (0.0, 0.0, True),
        (0.0, 1e-30, False),
        (1_234_567.0, 1_234_568.0, False),
        (1_234_567.25, 1_234_567.5, True),
        (-3.0, 3.0, False),
    ],
)
def test_values_are_equal_up_to_rounding_and_counts_exactly(one, other, same):
    assert equal(one, other) is equal(other, one) is same
    assert reproducible([one, other]) is same


def test_one_execution_shows_nothing_of_reproducibility():
    assert not reproducible([0.5])


def test_a_reproducible_metric_is_told_without_an_interval():
    judged = judge_difference(EXACT, Aim(), "accuracy")
    assert judged.verdict == Verdict.BAD
    assert judged.fingerprint.kind == "accuracy lower"
    assert judged.reason == (
        "accuracy 0.6 with this release, 0.9 with the reference 1.0: lower by 0.3 "
        "(no noise was seen in 5 executions of the reference)"
    )
    same = replace(EXACT, value=0.9, low=0.0, high=0.0)
    assert judge_difference(same, Aim(), "accuracy").reason == (
        "accuracy 0.9 with this release, as with the reference 1.0"
    )


def test_the_interval_decides_verdict_and_words():
    beyond = judge_difference(difference(-0.31, -0.29), Aim(), "accuracy")
    assert beyond.verdict == Verdict.BAD
    assert beyond.reason == (
        "accuracy 0.6 with this release, 0.9 with the reference 1.0: lower by 0.3 (95% interval 0.29 to 0.31)"
    )
    assert (beyond.effect.value, beyond.effect.low, beyond.effect.high) == (
        pytest.approx(-0.3), -0.31, -0.29,
    )  # fmt: skip
    within = judge_difference(difference(-0.01, 0.02), Aim(), "accuracy")
    assert within.verdict == Verdict.GOOD
    assert within.reason.endswith(
        "not different within noise (a change of 0.02 or more would have been seen)"
    )
    open_yet = judge_difference(difference(-0.01, 0.2), Aim(), "accuracy", undecided=True)
    assert open_yet.verdict == Verdict.SKIP
    assert open_yet.reason.startswith("undecided: accuracy")


@pytest.mark.parametrize(
    ("worse", "verdicts"),
    [(Worse.EITHER, ("bad", "bad")), (Worse.HIGHER, ("good", "bad")), (Worse.LOWER, ("bad", "good"))],
)
def test_direction_counts(worse, verdicts):
    for ends, verdict in zip(((-0.31, -0.29), (0.29, 0.31)), verdicts, strict=True):
        judged = judge_difference(difference(*ends), Aim(worse), "accuracy")
        assert judged.verdict == verdict
        assert judged.reason.endswith(", which is better") is (verdict == "good")


@pytest.mark.parametrize(
    ("reference", "ends", "verdict"),
    [
        (1.05e6, (-1.05e6, -1.05e6), "bad"),
        (0.1069, (-0.0456, -0.0456), "bad"),
        (1.0, (0.05, 0.06), "good"),
        (1.0, (0.05, 0.2), "good"),
        (1.0, (0.11, 0.2), "bad"),
        (-1.0, (0.11, 0.2), "bad"),
        (1.0, (-0.08, -0.07), "good"),
        (1.0, (-0.2, -0.1), "bad"),
        (0.0, (0.1, 0.2), "bad"),
    ],
)
def test_changes_below_the_minimum_effect_do_not_count(reference, ends, verdict):
    judged = judge_difference(difference(*ends, reference=reference), Aim(minimum_effect=1.1), "loss")
    assert judged.verdict == verdict
    assert ("less than 1.1 times" in judged.reason) is (verdict == "good")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_bad(value):
    judged = judge_difference(replace(EXACT, value=value, low=value, high=value), Aim(), "loss")
    assert judged.verdict == Verdict.BAD
    assert judged.fingerprint.kind == "non-finite loss"


def test_a_bound_is_that_of_two_means():
    assert NoiseFloor(0.01, 9).bound(2, 2, 0.05) == pytest.approx(2.262 * 0.01, abs=1e-4)


def test_a_sweep_of_good_releases_stays_good():
    draw = random.Random(1)
    spoilt = 0
    for _ in range(200):
        reference = [draw.gauss(0, 1) for _ in range(5)]
        bound = measure_noise([reference]).bound(5, 1, Aim(comparisons=33).risk)
        mean = sum(reference) / 5
        spoilt += any(abs(draw.gauss(0, 1) - mean) > bound for _ in range(33))
    assert spoilt / 200 < 0.06
