"""Change points: known answers, and how often pure noise gives a false alarm."""

from __future__ import annotations

import random

import pytest

from harness.history.drift import change_points


def noisy(levels, spread, seed):
    chance = random.Random(seed)
    return [level + chance.gauss(0, spread) for level, count in levels for _ in range(count)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([1.0], []),
        ([1.0, 1.0], []),
        ([0.0] * 20, []),
        ([1.0] * 6 + [2.0], [6]),
        ([1.0] + [2.0] * 5, [1]),
        ([1.0] * 5 + [2.0] * 5 + [1.0] * 5, [5, 10]),
        ([0.0] * 5 + [1.0] * 5, [5]),
        ([1.0, 1.0 + 1e-15] * 5, []),
    ],
)
def test_series_without_noise(values, expected):
    assert [change.position for change in change_points(values)] == expected


def test_means_and_share_of_a_change():
    (change,) = change_points([10.0] * 5 + [13.0] * 5)
    assert (change.before, change.after) == (10.0, 13.0)
    assert change.relative == pytest.approx(0.3)


@pytest.mark.parametrize("seed", range(20))
def test_steps_of_five_deviations_are_found_where_they_are(seed):
    values = noisy([(100.0, 20), (105.0, 20), (95.0, 20)], 1.0, seed)
    found = [change.position for change in change_points(values)]
    assert len(found) == 2
    assert abs(found[0] - 20) <= 1
    assert abs(found[1] - 40) <= 1


def test_a_single_outlier_is_no_change():
    for place in range(30):
        values = noisy([(100.0, 30)], 1.0, place)
        values[place] += 8.0
        assert [change for change in change_points(values) if abs(change.relative) > 0.05] == []


@pytest.mark.parametrize("count", [6, 10, 34, 100])
def test_false_alarms_of_pure_noise(count):
    """Of 200 series without a change, at most 5 in 100 are said to have one, heavy tails included."""
    for draw in (lambda chance: chance.gauss(0, 1), lambda chance: chance.expovariate(1.0)):
        alarms = 0
        for seed in range(200):
            chance = random.Random(seed)
            alarms += bool(change_points([100.0 + draw(chance) for _ in range(count)]))
        print(f"{count} values: {alarms / 200:.1%} false alarms")
        assert alarms / 200 <= 0.05
