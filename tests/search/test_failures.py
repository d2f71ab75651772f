"""Another failure in the range: it must not move the answer, and is reported by itself."""

import pytest
from histories import BAD, CRASH, region, solve, written
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.boundaries import Conclusion

STRATEGIES = ["binary", "auto", "sweep", "noisy"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("crash", range(1, 19))
def test_one_crash_in_the_middle_does_not_move_the_answer(strategy, crash):
    letters = [*region(20, 12, 20)]
    letters[crash] = "x"
    found = solve(strategy, written(letters), 20)
    sides = {11: (10, 12), 12: (11, 13)}.get(crash, (11, 12))
    assert found.sides == [sides]
    assert found.answer.conclusion == ("untestable-gap" if crash in (11, 12) else "regressed")
    assert found.answer.boundaries[0].failure.kind == "non-finite loss"


def test_another_failure_is_its_own_boundary():
    found = solve("sweep", written("gggxggbbb"), 9)
    assert found.sides == [(5, 6)]
    others = [(b.before, b.after, b.kind) for b in found.answer.other_failures]
    assert others == [(2, 3, "regressed"), (3, 4, "fixed")]
    assert all(b.failure.exception == "KeyError" for b in found.answer.other_failures)


def test_the_failure_that_an_older_one_hides_is_still_found():
    found = solve("binary", written("g" * 6 + "x" * 6 + "b" * 20), 32)
    [boundary] = found.answer.boundaries
    assert (boundary.before, boundary.after) == (5, 12)
    assert found.answer.conclusion == Conclusion.UNTESTABLE_GAP
    assert [(b.before, b.after, b.kind) for b in found.answer.other_failures] == [
        (5, 6, "regressed"),
        (11, 12, "changed"),
    ]


def test_any_failure_takes_them_for_the_same():
    found = solve("binary", written("g" * 6 + "x" * 6 + "b" * 20), 32, any_failure=True)
    assert found.sides == [(5, 6)]
    assert found.answer.other_failures == ()


def test_both_ends_bad_in_different_ways_is_never_good():
    found = solve("binary", written("xxxxxbbbbb"), 10)
    assert found.answer.conclusion == Conclusion.NEVER_GOOD
    assert found.answer.other_failures[0].kind == "changed"


def test_without_a_bad_end_the_most_frequent_failure_counts():
    found = solve("sweep", written("ggxgbbbgg"), 9)
    assert found.sides == [(3, 4), (6, 7)]
    assert [(b.before, b.after) for b in found.answer.other_failures] == [(1, 2), (2, 3)]


def test_the_step_of_a_failure_may_differ():
    def truth(position, repeat):
        told = BAD if position >= 5 else written("g")(0, 0)
        if position < 5:
            return told
        from dataclasses import replace

        return replace(told, fingerprint=replace(told.fingerprint, step=position))

    assert solve("binary", truth, 12).sides == [(4, 5)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_crashes_anywhere_leave_the_true_boundary_inside(data):
    count = data.draw(st.integers(3, 30))
    first_bad = data.draw(st.integers(1, count - 1))
    letters = [*region(count, first_bad, count)]
    for position in data.draw(st.sets(st.integers(1, count - 2))):
        letters[position] = "x"
    found = solve("binary", written(letters), count, jobs=data.draw(st.integers(1, 3)))
    [(before, after)] = found.sides
    assert before < first_bad <= after
    assert all(letters[p] == "x" for p in range(before + 1, after))


def test_a_crash_is_what_it_says():
    assert not BAD.fingerprint.same_failure(CRASH.fingerprint)
