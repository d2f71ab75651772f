"""Another failure is bad as well, and where one failure turns into another is told by itself."""

from dataclasses import replace

import pytest
from histories import BAD, CRASH, GOOD, region, solve, written
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.boundaries import Conclusion
from harness.search.knowledge import Observation
from harness.search.search import make_search
from harness.verdicts.verdict import Judgement, Verdict

STRATEGIES = ["binary", "auto", "sweep", "noisy"]


@pytest.mark.parametrize("strategy", ["sweep", "binary", "auto"])
def test_two_failures_after_each_other_are_told_apart(strategy):
    found = solve(strategy, written("ggg" + "x" * 6 + "bb"), 11)
    [boundary] = found.answer.boundaries
    assert (boundary.before, boundary.after, boundary.kind, boundary.confirmed) == (2, 3, "regressed", True)
    assert boundary.failure.exception == "KeyError"
    [change] = found.answer.other_failures
    assert (change.before, change.after, change.kind, change.confirmed) == (8, 9, "changed", True)
    assert change.failure.kind == "non-finite loss"
    assert found.answer.conclusion == Conclusion.REGRESSED


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("crash", [1, 5, 10])
def test_a_crash_among_good_releases_is_bad(strategy, crash):
    letters = [*region(20, 14, 20)]
    letters[crash] = "x"
    found = solve(strategy, written(letters), 20)
    assert (13, 14) in found.sides
    assert all(boundary.confirmed for boundary in found.answer.boundaries)
    executed = found.answer.counts[crash][1] > 0
    assert ((crash - 1, crash) in found.sides) == ((crash, crash + 1) in found.sides) == executed


def test_between_good_ends_every_change_is_found():
    found = solve("sweep", written("gggxxbbgg"), 9)
    assert found.sides == [(2, 3), (6, 7)]
    assert [(b.before, b.after, b.kind, b.confirmed) for b in found.answer.other_failures] == [
        (4, 5, "changed", True)
    ]
    assert found.answer.conclusion == Conclusion.NON_MONOTONE


def test_the_gap_of_the_newest_failure_is_cut_first():
    search = make_search("binary", count=40)
    for position, letter in ((0, "g"), (10, "x"), (20, "g"), (39, "b")):
        search.tell(Observation(position, 0, written(letter)(0, 0)))
    assert 20 < search.propose(1)[0].position < 39


def test_an_assumed_failure_is_taken_for_any():
    found = solve("binary", written("g" * 6 + "b" * 6), 12, assume={11: Verdict.BAD})
    assert found.sides == [(5, 6)]
    assert found.answer.other_failures == ()


def test_a_two_sided_question_has_a_boundary_wherever_the_signal_changes():
    found = solve("sweep", written("ghhhlllhhhhh"), 12, two_sided=True)
    assert found.sides == [(0, 1), (3, 4), (6, 7)]
    assert set(found.kinds) == {"changed"}
    assert all(boundary.confirmed for boundary in found.answer.boundaries)
    assert found.answer.other_failures == ()
    assert found.answer.conclusion == Conclusion.NON_MONOTONE
    once = solve("binary", written("gggghhhh"), 8, two_sided=True)
    assert once.answer.conclusion == Conclusion.CHANGED
    between = solve("binary", written("hhhhllll"), 8, two_sided=True)
    assert (between.sides, between.answer.conclusion) == ([(3, 4)], Conclusion.CHANGED)
    crash = solve("binary", written("ggggxxxx"), 8, two_sided=True)
    assert (crash.sides, crash.answer.conclusion) == ([(3, 4)], Conclusion.REGRESSED)


def test_a_failure_whose_name_changes_by_chance_is_no_boundary():
    def truth(position, repeat):
        if position < 4:
            return GOOD
        return CRASH if (position * 7 + repeat * 3) % 2 else BAD

    found = solve("sweep", truth, 10)
    assert found.sides == [(3, 4)]
    assert not any(boundary.confirmed for boundary in found.answer.other_failures)


def test_any_failure_takes_them_for_the_same():
    found = solve("binary", written("g" * 6 + "x" * 6 + "b" * 20), 32, any_failure=True)
    assert found.sides == [(5, 6)]
    assert found.answer.other_failures == ()


def test_both_ends_bad_in_different_ways_is_never_good():
    found = solve("binary", written("xxxxxbbbbb"), 10)
    assert found.answer.conclusion == Conclusion.NEVER_GOOD
    assert found.answer.other_failures[0].kind == "changed"


def test_the_step_of_a_failure_may_differ():
    def truth(position, repeat):
        told = BAD if position >= 5 else written("g")(0, 0)
        if position < 5:
            return told
        return replace(told, fingerprint=replace(told.fingerprint, step=position))

    assert solve("binary", truth, 12).sides == [(4, 5)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_boundary_that_is_stated_is_a_true_one(data):
    count = data.draw(st.integers(3, 30))
    first_bad = data.draw(st.integers(1, count - 1))
    letters = [*region(count, first_bad, count)]
    for position in data.draw(st.sets(st.integers(1, count - 2))):
        letters[position] = "x"
    found = solve("binary", written(letters), count, jobs=data.draw(st.integers(1, 3)))
    assert all(after == before + 1 for before, after in found.sides)
    for before, after in found.sides:
        assert (letters[before] == "g") != (letters[after] == "g")
    for boundary in found.answer.other_failures:
        assert {letters[boundary.before], letters[boundary.after]} == {"x", "b"}
    assert len(found.sides) % 2


def with_failure(judgement, **fields):
    return replace(judgement, fingerprint=replace(judgement.fingerprint, **fields))


def test_a_failure_is_the_same_one_but_for_its_step():
    assert not BAD.same_end(CRASH)
    assert BAD.same_end(with_failure(BAD, step=9))
    assert not BAD.same_end(with_failure(BAD, parameter="base"))
    assert BAD.same_end(with_failure(BAD, parameter="base", step=9), anywhere=True)
    assert not BAD.same_end(with_failure(BAD, phase="backward", parameter="base"), anywhere=True)


def test_a_failure_without_a_fingerprint_is_not_told_from_another_one():
    assert BAD.same_end(replace(BAD, fingerprint=None))
    assert not BAD.same_end(GOOD)
    assert GOOD.same_end(GOOD)
    skip = Judgement(Verdict.SKIP, "no wheel")
    assert not skip.same_end(skip)
