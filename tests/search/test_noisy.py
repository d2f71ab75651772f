import statistics

import pytest
from harness.search.flakiness import entropy, posterior, rates, side
from histories import BAD, GOOD, Flaky, region, solve, written
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.boundaries import Conclusion
from harness.verdicts.verdict import Verdict


def measured(wrong, missed, histories, strategy="noisy"):
    runs, right = [], 0
    for seed in range(1, histories + 1):
        history = Flaky(seed, 34, wrong, missed)
        found = solve(strategy, history, 34)
        hit = found.sides == [(history.first_bad - 1, history.first_bad)]
        right += hit and found.answer.conclusion == Conclusion.REGRESSED
        runs.append(found.runs)
    return statistics.median(runs), right / histories


def test_without_noise_eleven_runs_suffice_for_every_gap():
    for first_bad in range(1, 34):
        found = solve("noisy", Flaky(1, 34, first_bad=first_bad), 34)
        assert found.sides == [(first_bad - 1, first_bad)]
        assert found.runs <= 11
        assert found.answer.conclusion == Conclusion.REGRESSED
        assert found.answer.confidence >= 0.95
        assert found.answer.boundaries[0].confirmed


@pytest.mark.parametrize(("rate", "histories", "most"), [(0.05, 150, 14), (0.1, 150, 19), (0.2, 100, 41)])
def test_noise_on_both_sides(rate, histories, most):
    median, right = measured(rate, rate, histories)
    assert median <= most
    assert right >= 0.93


@pytest.mark.parametrize(("wrong", "missed"), [(0.0, 0.2), (0.2, 0.0)])
def test_noise_on_one_side(wrong, missed):
    median, right = measured(wrong, missed, 100)
    assert median <= 22
    assert right >= 0.92


def test_equal_traces_make_it_plain_bisection():
    found = solve("noisy", written(region(34, 20, 34)), 34, digest=lambda p, r: str(p))
    assert found.runs <= 11
    assert found.answer.confidence == pytest.approx(1)
    assert any("plain bisection" in sentence for sentence in found.answer.log)


@pytest.mark.parametrize("jobs", [2, 4, 8])
def test_probes_in_parallel(jobs):
    alone, together, right = 0, 0, 0
    for seed in range(30):
        history = Flaky(seed, 34, 0.1, 0.1)
        found = solve("noisy", history, 34, jobs=jobs)
        right += found.sides == [(history.first_bad - 1, history.first_bad)]
        together += found.rounds
        alone += solve("noisy", history, 34).rounds
    assert right >= 28
    assert together < alone * (0.8 if jobs == 2 else 0.6)


@pytest.mark.parametrize(
    ("letters", "conclusion", "sides"),
    [
        (region(34, 9, 18), Conclusion.NON_MONOTONE, [(8, 9), (17, 18)]),
        ("b" * 12 + "g" * 12 + "b" * 10, Conclusion.NON_MONOTONE, [(11, 12), (23, 24)]),
        ("b" * 12 + "g" * 12, Conclusion.FIXED, [(11, 12)]),
        ("g" * 20, Conclusion.ALWAYS_GOOD, []),
        ("b" * 20, Conclusion.NEVER_GOOD, []),
        ("s" * 5, Conclusion.INCONCLUSIVE, []),
        ("gggsssbbb", Conclusion.UNTESTABLE_GAP, [(2, 6)]),
        ("sggbbs", Conclusion.REGRESSED, [(2, 3)]),
        ("g", Conclusion.ALWAYS_GOOD, []),
        ("gb", Conclusion.REGRESSED, [(0, 1)]),
    ],
)
def test_shapes_without_noise(letters, conclusion, sides):
    found = solve("noisy", written(letters), len(letters))
    assert (found.answer.conclusion, found.sides) == (conclusion, sides)


def test_good_bad_good_under_noise():
    right = 0
    for seed in range(40):
        noise = Flaky(seed, 34, 0.05, 0.05, first_bad=33)

        def truth(position, repeat, noise=noise):
            flipped = noise.bad(position, repeat) != (position >= 33)
            return BAD if (9 <= position < 18) != flipped else GOOD

        right += solve("noisy", truth, 34).sides == [(8, 9), (17, 18)]
    assert right >= 35


def test_noise_that_drowns_everything_is_inconclusive():
    found = solve("noisy", Flaky(5, 34, 0.45, 0.45, first_bad=17), 34, budget=30)
    assert found.runs == 30
    assert found.answer.conclusion == Conclusion.INCONCLUSIVE


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_true_boundary_is_inside_the_reported_one_whatever_is_skipped(data):
    count = data.draw(st.integers(2, 30))
    first_bad = data.draw(st.integers(1, count - 1))
    skipped = data.draw(st.sets(st.integers(0, count - 1)))
    letters = "".join("s" if p in skipped else "b" if p >= first_bad else "g" for p in range(count))
    found = solve("noisy", written(letters), count, jobs=data.draw(st.integers(1, 3)))
    if "g" in letters and "b" in letters:
        [(before, after)] = found.sides
        assert before < first_bad <= after
        assert set(range(before + 1, after)) <= skipped
    else:
        assert found.sides == []


def test_a_stored_environment_is_preferred_where_it_tells_about_as_much():
    cheap = frozenset({15})
    found = solve("noisy", written(region(34, 20, 34)), 34, cheap=cheap)
    assert found.search.known.observations[3].position == 15
    assert found.sides == [(19, 20)]


def test_an_assumed_verdict_is_a_fact():
    found = solve("noisy", written(region(34, 20, 34)), 34, assume={21: Verdict.BAD, 10: Verdict.GOOD})
    assert not {10, 21} & {o.position for o in found.search.known.observations}
    assert found.sides == [(19, 20)]


def test_assumptions_that_contradict_a_single_boundary_are_told():
    assume = {5: Verdict.GOOD, 10: Verdict.BAD, 15: Verdict.GOOD}
    found = solve("noisy", written(region(34, 20, 34)), 34, assume=assume)
    assert found.answer.conclusion == Conclusion.INCONCLUSIVE
    assert any("cannot weigh" in sentence for sentence in found.answer.log)
    mapped = solve("binary", written(region(34, 20, 34)), 34, assume=assume)
    assert len(mapped.sides) == 3


def test_the_prior_of_a_side_is_a_mean_over_its_rates():
    assert side(0, 3, 0.0) == 1
    assert side(1, 3, 0.0) == 0
    assert side(0, 1, 0.3) == pytest.approx(1 - 0.15)
    assert side(1, 2, 1.0) == pytest.approx(1 / 6, abs=1e-3)
    assert rates((1, 1), (0, 0), exact=True).likelihood == 0
    assert entropy(0.5) == 1


def test_the_posterior_is_a_distribution_and_counts_missing_releases():
    found = posterior([0, 1, 4, 5], {0: (0, 2), 5: (2, 2)}, {})
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.best.before == 2
    assert found.sides() == (1, 4)
    assert found.range(0.5) == (1, 4)
    assert all(0 <= bits <= 1 for _, bits in found.forecasts())
    assert posterior([0, 1], {0: (1, 1), 1: (1, 1)}, {0: False, 1: False}, exact=True).chance == 0
