import statistics

import pytest
from histories import BAD, GOOD, Flaky, region, solve, written
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.boundaries import Conclusion
from harness.search.narrowing import cut, rounds
from harness.verdicts.verdict import Verdict


@pytest.mark.parametrize(
    ("letters", "conclusion", "sides"),
    [
        ("gggbbb", Conclusion.REGRESSED, [(2, 3)]),
        ("gb", Conclusion.REGRESSED, [(0, 1)]),
        ("bbbggg", Conclusion.FIXED, [(2, 3)]),
        ("gggggg", Conclusion.ALWAYS_GOOD, []),
        ("bbbbbb", Conclusion.NEVER_GOOD, []),
        ("g", Conclusion.ALWAYS_GOOD, []),
        ("b", Conclusion.NEVER_GOOD, []),
        ("s", Conclusion.INCONCLUSIVE, []),
        ("ssssss", Conclusion.INCONCLUSIVE, []),
        ("ggsssb", Conclusion.UNTESTABLE_GAP, [(1, 5)]),
        ("sggbbs", Conclusion.REGRESSED, [(2, 3)]),
        ("ssgsbs", Conclusion.UNTESTABLE_GAP, [(2, 4)]),
        ("gsgsgs", Conclusion.UNTESTABLE_GAP, []),
        ("gsgsg", Conclusion.ALWAYS_GOOD, []),
        ("bsbs", Conclusion.UNTESTABLE_GAP, []),
        ("ggbbbg", Conclusion.NON_MONOTONE, [(1, 2), (4, 5)]),
        ("bbgggb", Conclusion.NON_MONOTONE, [(1, 2), (4, 5)]),
    ],
)
def test_truth_table(letters, conclusion, sides):
    found = solve("binary", written(letters), len(letters))
    assert (found.answer.conclusion, found.sides) == (conclusion, sides)
    assert all(boundary.confirmed for boundary in found.answer.boundaries)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_true_boundary_is_inside_the_reported_one_whatever_is_skipped(data):
    count = data.draw(st.integers(2, 40))
    first_bad = data.draw(st.integers(1, count - 1))
    skipped = data.draw(st.sets(st.integers(0, count - 1)))
    jobs = data.draw(st.integers(1, 5))
    letters = "".join("s" if p in skipped else "b" if p >= first_bad else "g" for p in range(count))
    found = solve("binary", written(letters), count, jobs=jobs)
    if "g" in letters and "b" in letters:
        [(before, after)] = found.sides
        assert before < first_bad <= after
        [boundary] = found.answer.boundaries
        assert set(boundary.skipped) == set(range(before + 1, after)) <= skipped
        assert found.answer.conclusion == ("untestable-gap" if boundary.skipped else "regressed")
        assert boundary.confirmed
    else:
        assert found.sides == []


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("jobs", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("count", [2, 3, 10, 34, 100])
def test_rounds_meet_the_bound_and_the_answer_is_exact(count, jobs, one_by_one):
    for first_bad in range(1, count):
        history = Flaky(1, count, first_bad=first_bad)
        found = solve("binary", history, count, jobs=jobs, one_by_one=one_by_one, digest=lambda p, _r: str(p))
        assert found.sides == [(first_bad - 1, first_bad)]
        assert found.answer.conclusion == "regressed"
        in_turn = 2 if jobs == 1 else 1
        assert found.rounds <= in_turn + rounds(count - 1, jobs) + in_turn
        assert found.releases <= 2 + jobs * rounds(count - 1, jobs)


def test_rounds_are_the_logarithm_rounded_up():
    assert [rounds(n, 1) for n in (1, 2, 3, 4, 5, 33)] == [0, 1, 2, 2, 3, 6]
    assert [rounds(n, 2) for n in (1, 3, 4, 9, 10)] == [0, 1, 2, 2, 3]


def test_probes_under_way_cut_as_well():
    assert cut([tuple(range(1, 8))], {4}, 2) == [2, 6]
    assert cut([(1, 2, 3)], set(), 9) == [1, 2, 3]
    assert cut([], set(), 3) == []


@pytest.mark.parametrize("width", [7, 8, 9, 10, 12])
@pytest.mark.parametrize("strategy", ["binary", "auto"])
@pytest.mark.parametrize("from_given", [True, False])
def test_good_bad_good_is_mapped_within_sixteen_releases(width, strategy, from_given):
    for start in range(1, 34 - width):
        stop = start + width
        found = solve(strategy, written(region(34, start, stop)), 34, from_given=from_given)
        assert found.answer.conclusion == Conclusion.NON_MONOTONE
        assert found.sides == [(start - 1, start), (stop - 1, stop)]
        assert found.kinds == ["regressed", "fixed"]
        assert found.releases <= 16


@pytest.mark.parametrize("jobs", [2, 3, 4])
def test_good_bad_good_with_probes_in_parallel(jobs):
    found = solve("binary", written(region(34, 9, 18)), 34, jobs=jobs)
    assert found.sides == [(8, 9), (17, 18)]


def test_peft_from_its_oldest_to_the_last_broken_release_takes_six():
    found = solve("binary", written(region(15, 6, 15)), 15)
    assert found.sides == [(5, 6)]
    assert found.releases <= 6
    assert found.runs <= found.releases + 6
    traced = solve("binary", written(region(15, 6, 15)), 15, digest=lambda p, _r: str(p))
    assert traced.runs == traced.releases + 2


def test_without_traces_a_boundary_in_33_gaps_is_confirmed_in_thirteen_executions():
    needed = []
    for first_bad in range(1, 34):
        found = solve("binary", Flaky(1, 34, first_bad=first_bad), 34)
        assert found.sides == [(first_bad - 1, first_bad)]
        assert found.answer.boundaries[0].confirmed
        needed.append(found.runs)
        assert all(runs >= 2 for p, (_, runs) in enumerate(found.answer.counts) if p in (0, 33))
    assert statistics.median(needed) <= 13
    assert max(needed) <= 15


def test_a_good_end_is_stepped_back_to():
    found = solve("binary", written(region(34, 30, 34)), 34, from_given=False)
    assert found.sides == [(29, 30)]
    assert 0 not in {o.position for o in found.search.known.observations}
    assert any("stepping back" in sentence for sentence in found.answer.log)


def test_stepping_back_to_the_oldest_finds_never_good():
    found = solve("binary", written("b" * 20), 20, from_given=False)
    assert found.answer.conclusion == Conclusion.NEVER_GOOD
    assert 0 in {o.position for o in found.search.known.observations}


def test_a_fix_is_found_from_the_newest_end():
    letters = "g" * 10 + "b" * 15 + "g" * 4
    found = solve("binary", written(letters), len(letters), from_given=False, find_fix=True)
    assert found.sides == [(24, 25)]
    assert found.answer.conclusion == Conclusion.FIXED


def test_an_oldest_end_that_ran_wrong_once_is_noticed():
    def truth(position, repeat):
        return BAD if 20 <= position < 30 or (position == repeat == 0) else GOOD

    for strategy in ("binary", "auto"):
        found = solve(strategy, truth, 34)
        assert found.sides == [(19, 20), (29, 30)]


def test_alike_ends_are_sampled_within_the_budget_before_saying_so():
    found = solve("binary", written("g" * 34), 34, samples=5)
    assert found.answer.conclusion == Conclusion.ALWAYS_GOOD
    assert found.releases == 7
    assert found.answer.confidence is None


def test_a_release_that_flips_once_does_not_move_the_answer():
    def truth(position, repeat):
        if position == 16 and repeat == 0:
            return BAD
        return written(region(34, 25, 34))(position, repeat)

    found = solve("binary", truth, 34)
    assert found.sides == [(24, 25)]
    assert any("disagree" in sentence for sentence in found.answer.log)


def test_an_assumed_verdict_is_never_probed_and_steers():
    found = solve("binary", written("g" * 10 + "b" * 10), 20, assume={5: Verdict.BAD, 4: Verdict.GOOD})
    assert not {4, 5} & {o.position for o in found.search.known.observations}
    assert (4, 5) in found.sides
    skipping = solve("binary", written("g" * 10 + "b" * 10), 20, assume={10: Verdict.SKIP})
    assert skipping.sides == [(9, 11)]
    assert skipping.answer.conclusion == Conclusion.UNTESTABLE_GAP


def test_a_spent_budget_is_inconclusive_and_names_what_is_left():
    found = solve("binary", written(region(34, 20, 34)), 34, budget=4)
    assert found.runs == 4
    assert found.answer.conclusion == Conclusion.INCONCLUSIVE
    [boundary] = found.answer.boundaries
    assert boundary.untested
    assert not boundary.confirmed
    assert any("budget" in sentence for sentence in found.answer.log)
