"""The prefix search on planted histories: every boundary that shows early, and nothing said of what was not executed."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from planted_classes import Planted, plant, search

from harness.search.boundaries import Conclusion
from harness.search.classes import runs, stand_ins
from harness.verdicts.verdict import Verdict


def sides(ended):
    return [(boundary.before, boundary.after) for boundary in ended.answer.boundaries]


def test_runs_are_neighbours_of_one_class_over_skips_but_not_over_verdicts():
    classes = {0: "a", 1: "a", 3: "a", 5: "b", 6: "a"}
    assert runs(7, classes) == [[0, 1, 3], [5], [6]]
    assert runs(7, classes, lambda position: position == 2) == [[0, 1], [3], [5], [6]]


def test_one_stands_for_another_only_between_two_that_agree():
    classes = dict.fromkeys(range(6), "a")
    assert stand_ins(6, classes, {0: "x", 4: "x"}, {0, 4}.__contains__) == {1: 0, 2: 0, 3: 4}
    assert stand_ins(6, classes, {0: "x", 4: "y"}, {0, 4}.__contains__) == {}
    assert stand_ins(6, classes, {0: "x"}, {0}.__contains__) == {}


def test_the_history_of_peft_takes_the_ends_of_its_runs_and_their_repeats():
    letters = "g" * 6 + "b" * 9 + "g" * 19
    begins = ("a",) * 6 + (None,) * 9 + ("a",) * 19
    ended = search(Planted(letters, begins, tuple(letters)), "prefix", full=0)
    assert sides(ended) == [(5, 6), (14, 15)]
    assert all(boundary.confirmed for boundary in ended.answer.boundaries)
    assert ended.answer.conclusion == Conclusion.NON_MONOTONE
    assert ended.full == 4 + 2  # both ends of two runs, and the good sides again
    assert len(ended.inferred) == 25 - 4


def test_a_change_that_begins_late_is_found_within_the_budget_or_inferred():
    planted = plant(1, 34, late=9)
    nothing = search(planted, "prefix", full=0)
    assert nothing.answer.conclusion == Conclusion.ALWAYS_GOOD
    assert nothing.wrong
    assert len(nothing.inferred) == 32
    assert set(nothing.answer.judged[1:-1]) == {Verdict.UNTESTED}
    looked = search(planted, "prefix", full=8)
    assert not looked.missed
    assert not looked.wrong
    assert all(boundary.confirmed for boundary in looked.answer.boundaries)


HISTORIES = st.builds(
    plant,
    st.integers(0, 10**6),
    st.integers(12, 40),
    boundaries=st.integers(0, 4),
    late=st.integers(0, 5),
    skips=st.sampled_from([0.0, 0.2]),
    early=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(HISTORIES, st.sampled_from([0, 3, 100]))
@example(
    plant(0, 33, boundaries=4, late=1, skips=0.0, early=False), 40
)  # confirmations spend the budget, too
def test_no_boundary_is_invented_and_what_is_missed_lies_where_releases_are_inferred(planted, full):
    ended = search(planted, "prefix", full=full)
    assert not ended.false
    unseen = set(ended.inferred)
    for before, after in ended.missed:
        assert {before, after} & unseen, (planted, before, after)
    for position, verdict in enumerate(ended.answer.judged):
        if verdict in (Verdict.GOOD, Verdict.BAD):
            assert verdict == {"g": Verdict.GOOD, "b": Verdict.BAD}[planted.letters[position]]
    assert full < 100 or ended.full < full, "so many executions are more than enough"
    if ended.full < full:
        assert not ended.missed


@settings(deadline=None, max_examples=50)
@given(HISTORIES.filter(lambda planted: not any("late" in one for one in planted.traces)))
def test_without_late_changes_it_sees_what_the_sweep_sees(planted):
    by_prefix, by_sweep = search(planted, "prefix", full=0), search(planted, "sweep")
    assert sides(by_prefix) == sides(by_sweep)
    assert not by_prefix.wrong
    assert not by_prefix.missed


@pytest.mark.parametrize("jobs", [1, 4])
def test_jobs_at_a_time_change_nothing(jobs):
    planted = plant(3, 34, boundaries=3)
    assert set(sides(search(planted, "prefix", full=0, jobs=jobs))) == planted.changes
