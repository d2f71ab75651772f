"""Delta debugging over changes: truth tables, and properties over random monotone and interacting sets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.smallest import explain, smallest

ITEMS = tuple("abcdefgh")


def planted(*sets, impossible=lambda _chosen: False):
    """Return what does it: any of the sets as a whole; ends can always be tried."""

    def does(chosen):
        if 0 < len(chosen) < len(ITEMS) and impossible(chosen):
            return None
        return any(set(one) <= chosen for one in sets)

    return does


@pytest.mark.parametrize(
    ("sets", "found"),
    [
        (["a"], ["a"]),
        (["h"], ["h"]),
        (["ah"], ["ah"]),
        (["abcdefgh"], ["abcdefgh"]),
        (["a", "h"], ["a", "h"]),
        (["bc", "g"], ["bc", "g"]),
    ],
)
def test_truth_table(sets, found):
    answer = explain(ITEMS, planted(*sets))
    assert {"".join(one) for one in answer.sets} == set(found)
    assert answer.along == ()


def test_what_only_goes_together_is_left_out_together():
    """`g` asks for `a`, which does it: without `a` there is no `g`."""
    needs = planted("a", impossible=lambda chosen: "g" in chosen and "a" not in chosen)
    answer = explain(ITEMS, needs)
    assert answer.sets == (("a",),)
    assert answer.along == ("g",)


def test_what_cannot_be_tried_alone_is_told_as_a_set():
    """`a` asks for `b`: nobody can tell which of them does it."""
    answer = explain(ITEMS, planted("a", impossible=lambda chosen: "a" in chosen and "b" not in chosen))
    assert answer.sets == (("a", "b"),)


def test_one_of_many_costs_a_few_trials():
    asked = []

    def does(chosen):
        asked.append(chosen)
        return 37 in chosen

    assert smallest(range(64), does) == (37,)
    assert len(asked) <= 12
    assert len(set(asked)) == len(asked)


@settings(max_examples=300, deadline=None)
@given(st.permutations(ITEMS), st.data())
def test_planted_monotone_sets_that_share_nothing_are_found_exactly(order, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order)), min_size=1)))
    sets = [frozenset(order[start:end]) for start, end in zip([0, *cuts], cuts, strict=False)]
    answer = explain(ITEMS, planted(*sets))
    assert {frozenset(one) for one in answer.sets} == set(sets)


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_whatever_interacts_the_answer_holds_both_ways(count, random):
    """Any function at all, impossible sets in it: each set does it, none of its changes can go, the rest does not."""
    items, known = tuple(range(count)), {frozenset(): False, frozenset(range(count)): True}

    def does(chosen):
        return known.setdefault(chosen, random.choice([True, False, None]))

    answer = explain(items, does)
    for one in answer.sets:
        assert does(frozenset(one)) is True
        if len(one) > 1:
            assert not any(does(frozenset(one) - {item}) is True for item in one)
    gone = {item for one in answer.sets for item in one} | set(answer.along)
    assert does(frozenset(items) - gone) is False
