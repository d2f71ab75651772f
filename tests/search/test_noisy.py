"""The noise model in a search: what is confirmed is true, whatever the strategy, and at what cost."""

import statistics
import time

import pytest
from histories import BAD, GOOD, Flaky, region, solve, window, written
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.boundaries import Conclusion
from harness.search.knowledge import Observation
from harness.search.search import make_search
from harness.verdicts.verdict import Verdict


def rates(strategy, histories, count, shape):
    """Return (share of right answers, share with a false confirmed boundary) over histories of a (wide, good, bad)."""
    right = false = 0
    for seed in range(1, histories + 1):
        history = window(seed, count, *shape)
        found = solve(strategy, history, count)
        sure = {(one.before, one.after, one.kind) for one in found.answer.boundaries if one.confirmed}
        right += sure == history.changes and len(found.sides) == len(sure)
        false += not sure <= history.changes
    return right / histories, false / histories


@pytest.mark.parametrize("strategy", ["sweep", "binary", "noisy"])
@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_a_coin_is_not_confirmed(strategy, rate):
    _, false = rates(strategy, 15, 10, (None, rate, rate))
    assert false <= 1 / 15  # of so few histories one is above 5% by chance


@pytest.mark.parametrize("strategy", ["sweep", "binary"])
@pytest.mark.parametrize(
    ("wide", "good", "bad", "least"),
    [
        (0, 0.0, 0.5, 0.75),
        (0, 0.0, 0.8, 0.85),
        (0, 0.05, 0.95, 0.9),
        (6, 0.0, 0.8, 0.8),
        (6, 0.0, 0.95, 0.9),
        (2, 0.0, 0.95, 0.8),
    ],
)
def test_what_is_confirmed_is_true(strategy, wide, good, bad, least):
    right, false = rates(strategy, 15, 16, (wide, good, bad))
    assert false <= 1 / 15  # of so few histories one is above 5% by chance
    assert right >= least


def test_from_never_to_a_third_is_a_regression_like_any_other():
    confirmed = 0
    for seed in range(1, 11):
        history = window(seed, 10, 0, 0.0, 0.3)
        found = solve("sweep", history, 10, budget=200)
        sure = {(one.before, one.after, one.kind) for one in found.answer.boundaries if one.confirmed}
        confirmed += sure == history.changes
    assert confirmed >= 7


def test_flaky_everywhere_is_an_answer():
    found = solve("sweep", window(3, 10, None, 0.3, 0.3), 10)
    answer = found.answer
    assert answer.conclusion == Conclusion.INCONCLUSIVE
    assert answer.boundaries == ()
    assert set(answer.verdicts) == {Verdict.GOOD}
    assert answer.noisy
    assert answer.unchanged >= 0.9
    failures, executions = (sum(column) for column in zip(*answer.counts, strict=True))
    assert executions == found.runs
    assert f"{failures} of {executions} executions fail, and no change was found" in answer.log[-1]


def test_verdicts_boundaries_and_conclusion_come_from_one_decision():
    for seed in range(1, 20):
        answer = solve("sweep", window(seed, 12, 4, 0.05, 0.8), 12, budget=30).answer
        changed = [p for p in range(1, 12) if answer.verdicts[p] != answer.verdicts[p - 1]]
        assert [boundary.after for boundary in answer.boundaries] == changed
        kinds = ["regressed" if answer.verdicts[p] == Verdict.BAD else "fixed" for p in changed]
        assert [boundary.kind for boundary in answer.boundaries] == kinds
        if answer.conclusion != Conclusion.INCONCLUSIVE:
            assert all(boundary.confirmed for boundary in answer.boundaries)


def measured(wrong, missed, histories, strategy="noisy"):
    runs, right = [], 0
    for seed in range(1, histories + 1):
        history = Flaky(seed, 34, wrong, missed)
        found = solve(strategy, history, 34)
        hit = found.sides == [(history.first_bad - 1, history.first_bad)]
        right += hit and found.answer.conclusion == Conclusion.REGRESSED
        runs.append(found.runs)
    return statistics.median(runs), right / histories


def test_without_noise_few_executions_suffice_for_every_gap():
    needed = []
    for first_bad in range(1, 34, 3):
        found = solve("noisy", Flaky(1, 34, first_bad=first_bad), 34)
        assert found.sides == [(first_bad - 1, first_bad)]
        needed.append(found.runs)
        assert found.answer.conclusion == Conclusion.REGRESSED
        assert found.answer.confidence >= 0.95
        assert found.answer.boundaries[0].confirmed
    assert statistics.median(needed) <= 14


@pytest.mark.parametrize(("wrong", "missed", "most"), [(0.1, 0.1, 40), (0.0, 0.2, 36), (0.2, 0.0, 36)])
def test_noise_on_one_side_and_on_both(wrong, missed, most):
    median, right = measured(wrong, missed, 15)
    assert median <= most
    assert right >= 0.8


def test_equal_traces_make_it_plain_bisection():
    found = solve("noisy", written(region(34, 20, 34)), 34, digest=lambda p, r: str(p))
    assert found.runs <= 11
    assert found.answer.confidence == pytest.approx(1)


@pytest.mark.parametrize("jobs", [2, 4])
def test_probes_in_parallel(jobs):
    alone, together, right = 0, 0, 0
    for seed in range(8):
        history = Flaky(seed, 34, 0.1, 0.1)
        found = solve("noisy", history, 34, jobs=jobs)
        right += found.sides == [(history.first_bad - 1, history.first_bad)]
        together += found.rounds
        alone += solve("noisy", history, 34).rounds
    assert right >= 6
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


def test_noise_that_drowns_everything_is_inconclusive():
    found = solve("noisy", Flaky(5, 34, 0.45, 0.45, first_bad=17), 34, budget=30)
    assert found.runs == 30
    assert found.answer.conclusion == Conclusion.INCONCLUSIVE
    assert not any(boundary.confirmed for boundary in found.answer.boundaries)


@settings(max_examples=30, deadline=None)
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


def test_an_assumed_verdict_is_a_fact():
    found = solve("noisy", written(region(34, 20, 34)), 34, assume={21: Verdict.BAD, 10: Verdict.GOOD})
    assert not {10, 21} & {o.position for o in found.search.known.observations}
    assert found.sides == [(19, 20)]


def test_a_search_of_34_flaky_releases_proposes_at_once():
    search = make_search("sweep", count=34)
    history = window(1, 34, 6, 0.05, 0.8)
    slowest = 0.0
    for _ in range(120):
        start = time.process_time()
        requests = search.propose(1)
        slowest = max(slowest, time.process_time() - start)
        for request in requests:
            search.tell(
                Observation(request.position, request.repeat, history(request.position, request.repeat))
            )
    assert slowest < 0.05


@pytest.mark.parametrize("strategy", ["sweep", "binary"])
def test_five_thousand_releases_take_seconds(strategy):
    start = time.process_time()
    found = solve(strategy, written(region(5000, 3210, 5000)), 5000, digest=lambda p, _r: str(p))
    assert found.sides == [(3209, 3210)]
    plain = solve(strategy, written(region(5000, 3210, 5000)), 5000)
    assert plain.answer.boundaries[0].confirmed
    assert time.process_time() - start < 10


def test_a_flaky_release_among_five_thousand_is_weighed_in_a_short_chain():
    def truth(position, repeat):
        flips = position == 3209 and repeat == 1
        return BAD if (position >= 3210) != flips else GOOD

    start = time.process_time()
    found = solve("sweep", truth, 5000)
    assert found.sides == [(3209, 3210)]
    assert found.answer.boundaries[0].confirmed
    assert time.process_time() - start < 10
