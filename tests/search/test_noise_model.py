"""The noise model against a sum over every course of levels, and many histories side by side against each one alone."""

import itertools
import math

import pytest
from histories import BAD, GOOD, solve, window
from side_by_side import solve_all

from harness.search.chains import CHANGES, Level
from harness.search.change_points import UNCHANGED, UNEXPECTED, posterior, posteriors
from harness.search.knowledge import Observation
from harness.search.rates import grid
from harness.search.search import make_search
from harness.verdicts.verdict import Verdict

CHAINS = [
    (Level(0, 0, 3), Level(1, 1, 3), Level(2, 2, 2), Level(3)),
    (Level(2, 1, 1), Level(3, 0, 4), Level(7, 5, 6), Level(9, 0, 1)),
    (Level(0, 0, 40), Level(1, 20, 40), Level(2, 40, 40), Level(3, 0, 1)),
    (Level(0, assumed=False), Level(1, 3, 4), Level(4, assumed=True), Level(5, 2, 2)),
]


def outcome(level, rate, *, upper):
    if level.assumed is not None:
        return float(level.assumed == upper)
    return rate**level.failures * (1 - rate) ** (level.executions - level.failures)


def by_enumeration(chain, *, find_fix):
    """(probability of no change, of the upper level at each release if there is one, of a change upwards at each gap)."""
    rates, span = grid(), max(1, chain[-1].position - chain[0].position)
    each = min(0.4, CHANGES / span)
    switches = [0.5 * (1 - (1 - 2 * each) ** (b.position - a.position)) for a, b in itertools.pairwise(chain)]
    start = UNEXPECTED if find_fix else 1 - UNEXPECTED
    any_change = 1 - math.prod(1 - switch for switch in switches)
    upper, ups, changed = [0.0] * len(chain), [0.0] * len(switches), 0.0
    for course in itertools.product((False, True), repeat=len(chain)):
        if len(set(course)) == 1:
            continue
        prior = (1 - start if course[0] else start) / any_change * (1 - UNCHANGED)
        for switch, (old, new) in zip(switches, itertools.pairwise(course), strict=True):
            prior *= switch if old != new else 1 - switch
        for low, high, weight in zip(*rates.pairs, rates.pair_weight, strict=True):
            seen = (
                outcome(level, high if up else low, upper=up) for level, up in zip(chain, course, strict=True)
            )
            part = prior * weight * math.prod(seen)
            changed += part
            upper = [total + part * up for total, up in zip(upper, course, strict=True)]
            ups = [
                total + part * (new and not old)
                for total, (old, new) in zip(ups, itertools.pairwise(course), strict=True)
            ]
    same = sum(
        UNCHANGED * weight * math.prod(outcome(level, rate, upper=rate >= 0.5) for level in chain)
        for rate, weight in zip(rates.single, rates.single_weight, strict=True)
    )
    whole = same + changed
    return same / whole, [part / changed for part in upper], [part / whole for part in ups]


@pytest.mark.parametrize("find_fix", [False, True])
@pytest.mark.parametrize("chain", CHAINS)
def test_the_recursion_is_the_sum_over_every_course_of_levels(chain, find_fix):
    unchanged, upper, ups = by_enumeration(chain, find_fix=find_fix)
    found = posterior(chain, find_fix=find_fix)
    assert found.unchanged == pytest.approx(unchanged, rel=1e-9)
    assert found.bad == pytest.approx(upper, rel=1e-9, abs=1e-12)
    assert found.regressed == pytest.approx(ups, rel=1e-9, abs=1e-12)


def test_several_chains_are_weighed_as_each_one_alone():
    for chain, found in zip(CHAINS, posteriors(CHAINS), strict=True):
        alone = posterior(chain)
        assert found.unchanged == pytest.approx(alone.unchanged)
        assert found.telling == pytest.approx(alone.telling)
        assert found.fixed == pytest.approx(alone.fixed)


def test_of_one_release_nothing_changes():
    found = posterior((Level(4, 3, 10),))
    assert found.unchanged == 1
    assert 0.2 < found.rate < 0.4


def test_a_long_chain_of_changes_does_not_vanish():
    chain = tuple(Level(position, 200 * (position // 5 % 2), 200) for position in range(300))
    found = posterior(chain)
    assert found.unchanged == 0
    assert [position for position in range(299) if found.regressed[position] > 0.99] == list(
        range(4, 299, 10)
    )


def test_where_good_and_bad_are_assumed_something_changes():
    assert posterior((Level(0, assumed=False), Level(1, assumed=True), Level(2, 10, 20))).unchanged == 0


def test_what_fails_as_often_as_it_passes_is_bad():
    for count in (4, 7, 10):
        search = make_search("sweep", count=count)
        for position, repeat in itertools.product(range(count), range(6)):
            search.tell(Observation(position, repeat, BAD if (position + repeat) % 2 else GOOD))
        assert set(search.answer().verdicts) == {Verdict.BAD}


@pytest.mark.parametrize("strategy", ["auto", "binary", "noisy"])
def test_histories_side_by_side_end_as_each_one_alone(strategy):
    for shape in ((0, 0.0, 0.8), (None, 0.3, 0.3)):
        histories = [window(seed, 10, *shape) for seed in range(1, 9)]
        for history, (runs, answer) in zip(histories, solve_all(strategy, histories, 10), strict=True):
            alone = solve(strategy, history, 10)
            assert runs == alone.runs
            assert answer.boundaries == alone.answer.boundaries
            assert answer.conclusion == alone.answer.conclusion
