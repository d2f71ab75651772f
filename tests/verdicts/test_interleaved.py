"""Noisy metrics: equal releases are called changed no more often than promised, and large changes are seen."""

from __future__ import annotations

import random

import pytest
from simulated_metrics import METRIC, NOISE, false_alarms, power

from harness.verdicts.difference import Aim, Worse
from harness.verdicts.interleaved import Looks, judge_interleaved, paired_deviation
from harness.verdicts.levels import Levels, Sample
from harness.verdicts.noise import NoiseFloor
from harness.verdicts.pairs import judge_change, judge_pairs, looks
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict


@pytest.mark.parametrize("noise", NOISE)
def test_equal_releases_are_rarely_called_changed(noise):
    # 300 questions with a true rate of 5 % give more than 8.5 % once in 500.
    assert false_alarms(noise, Aim(comparisons=12), questions=300) <= 0.085


@pytest.mark.parametrize(
    ("noise", "shift", "least"), [("normal", 3.0, 0.95), ("normal", -3.0, 0.95), ("seconds", 1.0, 0.99)]
)
def test_large_changes_are_seen(noise, shift, least):
    found, pairs = power(noise, shift, Aim(comparisons=34), rounds=200)
    assert found[Verdict.BAD] >= 200 * least
    assert pairs < 12


def test_a_change_beyond_the_minimum_effect_is_told_from_one_below():
    for shift, wanted in ((1.0, Verdict.BAD), (0.05, Verdict.GOOD)):
        found, _ = power("seconds", shift, Aim(minimum_effect=1.3, comparisons=12), rounds=200)
        assert found[wanted] >= 190, shift
    found, _ = power("seconds", 1.0, Aim(Worse.LOWER, comparisons=12), rounds=50)
    assert found == {Verdict.GOOD: 50}


def test_a_machine_that_drifts_changes_nothing():
    draw, wrong = random.Random(3), 0
    for _ in range(300):
        clock = iter(range(1000))
        pairs = []
        for turn in range(16):
            pair = [10 + 0.5 * next(clock) + draw.gauss(0, 1) for _ in range(2)]
            pairs.append(tuple(pair if turn % 2 == 0 else reversed(pair)))
        judged = judge_interleaved(METRIC, pairs, NoiseFloor(1.0, 4), Aim(comparisons=12), 16)
        wrong += judged.verdict == Verdict.BAD
    assert wrong <= 3


def test_looks_share_the_risk_and_too_few_pairs_decide_nothing():
    looks_at = Looks.of(16, Aim(comparisons=10))
    assert looks_at.pairs == (4, 8, 16)
    assert looks_at.risk == pytest.approx(0.05 / 10 / 3)
    assert Looks.of(1, Aim()).pairs == (4,)
    judged = judge_interleaved(METRIC, [(1.0, 2.0)] * 3, NoiseFloor(0.1, 4), Aim(), 16)
    assert judged == Judgement(Verdict.SKIP, "undecided: 3 pairs are too few", skip_kind=SkipKind.UNDECIDED)


def test_what_stays_open_says_what_would_have_been_seen():
    pairs = [(0.0, value) for value in (2.0, 0.5, 2.5, 1.0)]
    judged = judge_interleaved(METRIC, pairs, NoiseFloor(1.0, 4), Aim(comparisons=12), 4)
    assert judged.verdict == Verdict.SKIP
    assert judged.reason.startswith("undecided: loss 1.5 with this release, 0 with the reference 1.0: ")
    assert "or more would have been seen" in judged.reason


def test_a_noisier_release_widens_the_interval():
    assert paired_deviation([-5.0, 5.0, -5.0, 5.0], NoiseFloor(0.1, 4))[0] > 5
    assert paired_deviation([1.0, 1.0, 1.0, 1.0], NoiseFloor(1.0, 4))[0] > 1


def test_levels_part_a_second_shift_from_the_first():
    levels, bad = Levels(), Judgement(Verdict.BAD, "", Fingerprint("loss higher"))

    def level(sample):
        return levels.placed(bad, sample, 0.001).fingerprint.level

    assert [level(Sample(value)) for value in (1.0, 2.0, 2.0 + 1e-9, 1.0)] == [1.0, 2.0, 2.0, 1.0]
    good = Judgement(Verdict.GOOD, "")
    assert levels.placed(good, Sample(5.0), 0.001) is good
    draw, noisy = random.Random(1), Levels()
    samples = [Sample(mean, [draw.gauss(mean, 0.1) for _ in range(8)]) for mean in (1.0, 1.0, 2.0, 1.0, 2.0)]
    found = [noisy.placed(bad, sample, 0.001).fingerprint.level for sample in samples]
    assert found == [1.0, 1.0, 2.0, 1.0, 2.0]
    flat = [Sample(1.0, [0.0] * 4), Sample(1.0, [0.0] * 4), Sample(2.0, [1.0] * 4)]
    assert [one.differs(flat[0], 0.01) for one in flat] == [False, False, True]


@pytest.mark.parametrize(("slower", "wanted"), [(2.0, Verdict.BAD), (1.5, Verdict.BAD)])
def test_performance_sees_a_slow_release_through_noise_of_20_percent(slower, wanted):
    draw, found = random.Random(2), []
    settings = {"minimum_effect": 1.1, "confidence": 0.95, "pairs": 24, "higher_is_worse": None}
    for _ in range(100):
        pairs = []
        for look in looks(0.95, 24):
            while len(pairs) < look.pairs:
                pairs.append((draw.lognormvariate(0, 0.2), slower * draw.lognormvariate(0, 0.2)))
            judged = judge_pairs("wall_seconds", "1.0", pairs, settings)
            if judged.verdict != Verdict.SKIP:
                break
        found.append(judged.verdict)
    assert found.count(wanted) >= 93


def test_two_sides_are_compared_whichever_is_worse():
    faster = [(2.0, 1.0 + 0.01 * count) for count in range(6)]
    judged = judge_change("wall_seconds", "1.3", faster, 0.95, 24)
    assert (judged.verdict, judged.fingerprint) == (Verdict.BAD, Fingerprint("wall_seconds lower"))
    assert "against 2 with 1.3" in judged.reason
    same = [(2.0, 2.0 + 0.01 * (-1) ** count) for count in range(6)]
    assert judge_change("wall_seconds", "1.3", same, 0.95, 24).reason.startswith("undecided: wall_seconds")
    assert judge_change("wall_seconds", "1.3", same[:2], 0.95, 24).reason == "undecided: 2 pairs are too few"
    assert judge_change("wall_seconds", "1.3", [(0.0, 1.0)], 0.95, 24).verdict == Verdict.SKIP
