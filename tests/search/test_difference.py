"""The search for the changes that make an environment bad: truth tables, properties, noise and cost."""

from __future__ import annotations

import random
import statistics
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixture_worlds import World, grade, planted, solve

from harness.search.culprits import Conclusion, Innocence
from harness.search.difference import Difference
from harness.search.mixtures import Observation, Outcome, Purpose
from harness.search.ties import Tie, Ties

NONE = frozenset()


def sets(*several):
    return tuple(map(frozenset, several))


def found(answer):
    return {frozenset(one.parts) for one in answer.sets}


@pytest.mark.parametrize(
    ("count", "culprits"),
    [
        (1, [[0]]),
        (2, [[1]]),
        (8, [[7]]),
        (8, [[0, 7]]),
        (8, [[1, 2, 5]]),
        (8, [[0, 1, 2, 3, 4, 5, 6, 7]]),
        (8, [[2], [6]]),
        (8, [[2], [3], [6]]),
        (8, [[1, 2], [6]]),
        (8, [[1, 2], [5, 6]]),
        (8, [[1, 2], [2, 3]]),
        (8, [[1, 2], [2, 3], [1, 3]]),
    ],
)
def test_what_was_planted_is_found_and_all_others_are_innocent(count, culprits):
    answer = solve(World(count, sets(*culprits))).answer
    assert answer.conclusion == Conclusion.FOUND
    assert answer.confirmed
    assert found(answer) == {frozenset(frozenset({change}) for change in one) for one in culprits}
    assert answer.innocent == frozenset(range(count)) - frozenset(chain.from_iterable(culprits))
    both = {Innocence.REVERTED_IN_BAD, Innocence.APPLIED_IN_GOOD}
    assert all(both <= set(answer.ways[change]) for change in answer.innocent)
    assert not answer.tied
    assert not answer.undecided


def test_a_pair_is_one_set_of_two_parts_and_reverting_either_one_cures():
    (one,) = solve(World(16, sets([3, 12]))).answer.sets
    assert one.parts == (frozenset({3}), frozenset({12}))
    assert {reversal.reverted for reversal in one.reversals} == {frozenset({3}), frozenset({12})}
    assert all(reversal.tested for reversal in one.reversals)


@pytest.mark.parametrize(
    ("culprit", "ties", "parts", "required", "along"),
    [
        # jax (4) requires jaxlib (5), not the other way round: either one can be told from the other.
        (4, [(4, 5)], [[4]], [5], []),
        (5, [(4, 5)], [[5]], [], [4]),
        # the old jax requires the old jaxlib: a new jaxlib needs a new jax.
        (4, [(5, 4)], [[4]], [], [5]),
        (5, [(5, 4)], [[5]], [4], []),
        # both ways: nothing separates them.
        (4, [(4, 5), (5, 4)], [[4, 5]], [], []),
        # a chain of requirements, and its middle
        (5, [(4, 5), (5, 6)], [[5]], [6], [4]),
        (6, [(4, 5), (5, 6)], [[6]], [], [4, 5]),
        (4, [(4, 5), (5, 6)], [[4]], [5, 6], []),
    ],
)
def test_a_tie_of_one_direction_does_not_hide_which_of_the_two_did_it(culprit, ties, parts, required, along):
    answer = solve(World(16, sets([culprit]), tuple(ties))).answer
    assert answer.conclusion == Conclusion.FOUND
    assert found(answer) == {frozenset(map(frozenset, parts))}
    assert answer.sets[0].required == frozenset(required)
    assert {change for one in answer.sets[0].reversals for change in one.along} == set(along)
    assert answer.tied == frozenset([*required, *along])
    assert all(answer.ways[change] == (Innocence.REVERTED_IN_BAD,) for change in along)
    assert answer.innocent == frozenset(range(16)) - frozenset([*parts[0], *required, *along])


def test_the_requirement_that_ties_a_unit_is_named():
    answer = solve(World(16, sets([4]), ((4, 5), (5, 4)))).answer
    assert {tie.requirement for tie in answer.ties} == {"4 needs 5", "5 needs 4"}


def test_ties_that_the_index_tells_beforehand_cost_no_refusal():
    world = planted(3, 32, [1], tied=0.4)
    ties = [Tie(frozenset({one}), frozenset({other})) for one, other in world.ties]
    assert solve(world).answer.refusals > 0
    assert solve(world, ties=ties).answer.refusals == 0


def test_a_tie_with_a_choice_goes_along_with_the_least_suspicious():
    ties = Ties([Tie(frozenset({0}), frozenset({1, 2}))], weight=lambda change: 3.0 - change)
    assert ties.closed(frozenset({0}), frozenset(range(4))) == frozenset({0, 2})
    assert ties.without(frozenset({0, 1, 3}), frozenset({1})) == frozenset({3})


def test_a_tie_that_an_executed_mixture_breaks_is_none():
    search = Difference(3, ties=[Tie(frozenset({0}), frozenset({1}))])
    search.tell(Observation(frozenset({0}), 0, Outcome.GOOD))
    assert search.evidence.ties.known == ()
    search.tell(Observation(frozenset({2}), 0, Outcome.UNRESOLVED, (Tie(frozenset({0}), frozenset({2})),)))
    assert search.evidence.ties.known == ()


def test_another_failure_is_no_evidence():
    """Change 2 fails otherwise without change 5, and 5 alone does nothing: 2 did it, with 5 along."""
    answer = solve(World(16, sets([2]), ((2, 5),), executed=True)).answer
    assert answer.conclusion == Conclusion.FOUND
    assert found(answer) == {frozenset({frozenset({2})})}
    assert answer.sets[0].required == frozenset({5})


def test_what_can_be_reverted_only_together_is_told_as_reverted_along():
    """Change 9 fails otherwise without the culprit: it is neither guilty nor innocent."""
    answer = solve(World(16, sets([2]), ((9, 2),), executed=True)).answer
    assert found(answer) == {frozenset({frozenset({2})})}
    assert answer.sets[0].reversals[0].along == frozenset({9})
    assert answer.tied == frozenset({9})
    assert 9 not in answer.innocent


def test_a_reversal_that_leaves_nothing_but_the_good_end_is_none():
    """All others fail otherwise without the culprit."""
    answer = solve(World(4, sets([2]), ((0, 2), (1, 2), (3, 2)), executed=True)).answer
    assert answer.conclusion == Conclusion.FOUND_NOT_REVERSED
    assert not answer.confirmed
    assert found(answer) == {frozenset({frozenset({2})})}
    assert answer.tied == frozenset({0, 1, 3})
    assert not answer.innocent


@pytest.mark.parametrize(
    "culprits", [[[one] for one in range(12)], [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]]
)
def test_too_many_sets_are_not_called_all_of_them(culprits):
    answer = solve(World(16, sets(*culprits))).answer
    assert answer.conclusion == Conclusion.TOO_MANY
    assert not answer.confirmed
    assert not answer.innocent
    assert all(one.mixture in sets(*culprits) for one in answer.sets)


@pytest.mark.parametrize(
    ("good", "bad", "conclusion"),
    [
        (Outcome.GOOD, Outcome.GOOD, Conclusion.BOTH_GOOD),
        (Outcome.BAD, Outcome.BAD, Conclusion.BOTH_BAD),
        (Outcome.BAD, Outcome.GOOD, Conclusion.REVERSED),
        (Outcome.GOOD, Outcome.OTHER, Conclusion.END_UNTESTABLE),
        (Outcome.UNRESOLVED, Outcome.BAD, Conclusion.END_UNTESTABLE),
    ],
)
def test_both_ends_first(good, bad, conclusion):
    search = Difference(6)
    while not search.done:
        for request in search.propose(2):
            assert request.purpose == Purpose.END
            outcome = bad if request.mixture else good
            search.tell(Observation(request.mixture, request.repeat, outcome))
    answer = search.answer()
    assert answer.conclusion == conclusion
    assert not answer.sets
    assert not answer.innocent
    assert answer.executions <= 4


def test_a_flaky_job_that_is_alike_in_both_environments_has_no_culprit():
    claimed = 0
    for seed in range(300):
        search, draw = Difference(16, budget=150), random.Random(seed)
        while not search.done:
            for request in search.propose(1):
                outcome = draw.choice([Outcome.GOOD, Outcome.BAD])
                search.tell(Observation(request.mixture, request.repeat, outcome))
        claimed += bool(search.answer().sets and search.answer().confirmed)
    assert claimed <= 3


def test_the_budget_ends_it_without_a_claim():
    answer = solve(World(64, sets([40])), budget=7).answer
    assert answer.conclusion == Conclusion.UNFINISHED
    assert answer.executions == 7
    assert not answer.confirmed
    assert not answer.innocent
    assert 40 in answer.smallest_bad
    assert len(answer.smallest_bad) < 64
    assert answer.undecided == frozenset(range(64))


def test_what_the_job_never_loads_goes_out_in_one_execution():
    loaded = (5, 30)
    search = Difference(64, never_loaded=frozenset(range(64)) - frozenset(loaded))
    world = World(64, sets([30]))
    narrowing = []
    while not search.done:
        for request in search.propose(1):
            narrowing += [request] if request.purpose == Purpose.NARROW else []
            search.tell(world.observe(request.mixture, request.repeat))
    answer = search.answer()
    assert found(answer) == {frozenset({frozenset({30})})}
    assert len(narrowing) == 2
    assert all(Innocence.NEVER_LOADED in answer.ways[change] for change in answer.innocent - {5})


def test_what_was_never_loaded_is_found_guilty_all_the_same():
    answer = solve(World(64, sets([30])), never_loaded=range(20, 64)).answer
    assert found(answer) == {frozenset({frozenset({30})})}


def test_a_named_suspect_is_tried_first_and_costs_less():
    weights = [100.0 if change == 50 else 1.0 for change in range(64)]
    named = solve(World(64, sets([50])), weights=weights)
    assert named.answer.executions <= 11
    assert solve(World(64, sets([50]))).answer.executions > named.answer.executions
    wrong = solve(World(64, sets([20])), weights=weights)
    assert found(wrong.answer) == {frozenset({frozenset({20})})}
    assert wrong.answer.executions <= 18


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "no change"),
        ({"count": 2, "weights": [1.0]}, "2 changes need 2 weights"),
        ({"count": 2, "weights": [1.0, 0.0]}, "above 0"),
    ],
)
def test_a_malformed_question_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        Difference(**options)


def test_a_mixture_of_unknown_changes_is_refused():
    with pytest.raises(ValueError, match="not asked about"):
        Difference(3).tell(Observation(frozenset({3}), 0, Outcome.GOOD))


changes = st.integers(0, 7)
worlds = st.builds(
    World,
    count=st.just(8),
    culprits=st.lists(st.frozensets(changes, min_size=1, max_size=3), min_size=1, max_size=3).map(tuple),
    ties=st.lists(st.tuples(changes, changes).filter(lambda pair: pair[0] != pair[1]), max_size=5).map(tuple),
)


def minimal(world):
    """Return by trying every mixture the smallest bad ones, and {each: the parts that can be reverted from it}."""
    every = [
        frozenset(one)
        for size in range(world.count + 1)
        for one in combinations(range(world.count), size)
        if world.possible(frozenset(one))
    ]
    bad = [mixture for mixture in every if world.bad(mixture)]
    least = [mixture for mixture in bad if not any(other < mixture for other in bad)]
    parts = {}
    for mixture in least:
        gone = {mixture - other for other in every if other < mixture}
        parts[mixture] = {part for part in gone if not any(other < part for other in gone)}
    return parts


@settings(max_examples=250, deadline=None)
@given(worlds, st.integers(1, 4), st.randoms(use_true_random=False))
def test_with_ties_that_are_told_the_answer_is_what_trying_every_mixture_gives(world, jobs, draw):
    """Whatever the culprits, whatever the ties, with any number of mixtures under way, ending in any order."""
    answer = solve(world, jobs, pick=draw.randrange).answer
    assert answer.conclusion == Conclusion.FOUND
    assert {one.mixture: set(one.parts) for one in answer.sets} == minimal(world)


@settings(max_examples=100, deadline=None)
@given(worlds, st.integers(2, 5), st.randoms(use_true_random=False))
def test_no_execution_is_asked_for_twice_although_they_end_in_any_order(world, jobs, draw):
    asked = [(one.mixture, one.repeat) for one in solve(world, jobs, pick=draw.randrange).asked]
    assert len(asked) == len(set(asked))


@settings(max_examples=250, deadline=None)
@given(worlds, st.booleans())
def test_with_ties_that_nobody_tells_every_claim_holds(world, executed):
    """The answer may be coarser, but each part is shown by mixtures that were executed."""
    world = World(world.count, world.culprits, world.ties, told=False, executed=executed)
    answer = solve(world).answer
    _claims_hold(answer, lambda mixture: world.bad(mixture) if world.possible(mixture) else None)
    least = minimal(World(world.count, world.culprits, world.ties))
    if answer.conclusion == Conclusion.FOUND:
        for one in answer.sets:
            assert any(mixture <= one.mixture for mixture in least)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_whatever_interacts_every_claim_holds(count, draw):
    """Any function at all, impossible mixtures and other failures in it."""
    known = {NONE: Outcome.GOOD, frozenset(range(count)): Outcome.BAD}
    search = Difference(count, budget=400)
    while not search.done:
        for request in search.propose(1):
            outcome = known.setdefault(request.mixture, draw.choice(list(Outcome)))
            search.tell(Observation(request.mixture, request.repeat, outcome))
    bad = {Outcome.BAD: True, Outcome.GOOD: False}
    _claims_hold(search.answer(), lambda mixture: bad.get(known.get(mixture)))
    executed = [mixture for mixture, outcome in known.items() if outcome == Outcome.BAD]
    assert not any(smaller < one.mixture for one in search.answer().sets for smaller in executed)


def _claims_hold(answer, bad):
    """Check an answer against the truth: whether a mixture is bad, or None if it cannot be tried."""
    if answer.conclusion not in (Conclusion.FOUND, Conclusion.FOUND_NOT_REVERSED):
        assert not answer.innocent
        return
    for one in answer.sets:
        assert bad(one.mixture) is True
        assert one.parts
        assert one.changes | one.required == one.mixture
        for part in one.parts:
            assert bad(one.mixture - part) is False
    for reversal in chain.from_iterable(one.reversals for one in answer.sets):
        assert not reversal.tested or bad(reversal.mixture) is False
        assert not reversal.mixture & (reversal.reverted | reversal.along)
    culprits = frozenset().union(*(one.changes for one in answer.sets))
    assert not culprits & (answer.innocent | answer.tied | answer.undecided)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_a_stored_log_replays(seed, jobs):
    world = planted(seed, 24, [2], tied=0.3, noise=0.05)
    first = solve(world, jobs).answer
    again = Difference(world.count)
    for observation in first.path:
        again.tell(observation)
    assert again.done
    assert again.answer() == first


@pytest.mark.parametrize(
    ("sizes", "most"),
    [([1], 16), ([2], 32)],
)
def test_cost_among_64_changes_with_ties(sizes, most):
    ended = [(world, solve(world)) for world in (planted(seed, 64, sizes, tied=0.4) for seed in range(15))]
    assert statistics.median(one.executions for _, one in ended) <= most
    assert [grade(world, one.answer) for world, one in ended] == ["right"] * len(ended)


def test_equal_traces_prove_the_job_deterministic_and_save_the_third_execution():
    plain, traced = (solve(World(64, sets([40]), traced=traced)).answer for traced in (False, True))
    assert found(plain) == found(traced)
    assert (plain.executions, traced.executions) == (16, 14)


def test_unequal_traces_prove_nothing():
    search = Difference(2)
    for repeat in range(2):
        search.tell(Observation(NONE, repeat, Outcome.GOOD, digest=str(repeat)))
        search.tell(Observation(frozenset({0, 1}), repeat, Outcome.BAD, digest="same"))
    assert not search.evidence.deterministic


def test_with_noise_the_answer_is_right_or_none():
    """5 % of all executions show the wrong outcome."""
    grades = []
    for seed in range(40):
        world = planted(seed, 32, random.Random(seed).choice([[1], [2], [1, 1]]), tied=0.2, noise=0.05)
        grades.append(grade(world, solve(world).answer))
    assert grades.count("wrong") + grades.count("coarse") == 0
    assert grades.count("right") >= 36
