import time

import pytest
from histories import BAD, GOOD, SKIP, Flaky, region, solve, told_again, written

from harness.errors import UsageError
from harness.search.boundaries import Conclusion
from harness.search.knowledge import Observation, Request
from harness.search.search import Narrowed, make_search
from harness.verdicts.verdict import Verdict


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("fast", {"count": 3}),
        ("auto", {"count": 0}),
        ("auto", {"count": 3, "jobs": 0}),
        ("auto", {"count": 3, "confidence": 1.0}),
        ("auto", {"count": 3, "names": ("a",)}),
        ("auto", {"count": 3, "assume": {3: Verdict.GOOD}}),
        ("auto", {"count": 3, "cheap": frozenset({-1})}),
    ],
)
def test_a_malformed_question_is_refused(strategy, options):
    with pytest.raises(UsageError):
        make_search(strategy, **options)


def test_both_ends_come_first():
    search = make_search("binary", count=9, jobs=2)
    assert search.propose(2) == [Request(8, 0), Request(0, 0)]
    assert search.propose(2) == []
    assert not search.done
    assert search.propose(0) == []


def test_results_may_come_in_any_order():
    search = make_search("binary", count=34, jobs=3)
    truth = written(region(34, 20, 34))
    waiting = search.propose(3)
    while waiting:
        request = waiting.pop()
        search.tell(Observation(request.position, request.repeat, truth(request.position, request.repeat)))
        waiting += search.propose(3 - len(waiting))
    assert search.done
    assert search.answer().conclusion == Conclusion.REGRESSED


def test_stored_results_may_be_told_beforehand_and_twice():
    search = make_search("binary", count=34)
    for _ in range(2):
        for position in (0, 18, 21, 33):
            search.tell(Observation(position, 0, BAD if position >= 20 else GOOD, digest="same"))
    assert search.narrowed() == Narrowed(18, 21, 2)
    assert not search.known.deterministic()
    runs = 0
    while requests := search.propose(1):
        runs += 1
        for r in requests:
            search.tell(Observation(r.position, r.repeat, BAD if r.position >= 20 else GOOD))
    assert runs == 1 + 2 + 4  # the gap, both ends again, both sides twice
    assert search.answer().boundaries[0].confirmed


@pytest.mark.parametrize("strategy", ["sweep", "binary", "noisy", "auto"])
def test_the_range_narrows_and_the_steps_run_out(strategy):
    search = make_search(strategy, count=34)
    truth, seen = written(region(34, 20, 34)), [search.narrowed()]
    while requests := search.propose(1):
        for r in requests:
            search.tell(Observation(r.position, r.repeat, truth(r.position, r.repeat)))
        seen.append(search.narrowed())
    assert seen[0][:2] == (0, 33)
    assert seen[-1].steps <= 1
    if strategy != "sweep":
        assert seen[-1][:2] == (19, 20)


def test_names_appear_in_log_and_reason():
    names = tuple(f"0.{n}.0" for n in range(6))
    found = solve("auto", written("gggbbb"), 6, names=names)
    assert "0.3.0 bad in 3 of 3 runs" in found.answer.reason
    assert any("0.2.0, 0.3.0" in sentence for sentence in found.answer.log)
    assert {o.position for o in found.answer.support} == {2, 3}


def test_an_answer_before_the_end_is_inconclusive():
    search = make_search("binary", count=9)
    assert search.answer().conclusion == Conclusion.INCONCLUSIVE
    for position, judgement in ((8, BAD), (0, GOOD)):
        search.tell(Observation(position, 0, judgement))
    early = search.answer()
    assert early.conclusion == Conclusion.INCONCLUSIVE
    assert early.boundaries[0].untested == tuple(range(1, 8))


def test_a_side_that_cannot_be_repeated_stays_unconfirmed():
    def truth(position, repeat):
        return SKIP if repeat and position == 3 else BAD if position >= 3 else GOOD

    found = solve("binary", truth, 8)
    assert found.sides == [(2, 3)]
    assert not found.answer.boundaries[0].confirmed


@pytest.mark.parametrize("cheap", [frozenset(), frozenset(range(34))])
@pytest.mark.parametrize("strategy", ["auto", "binary", "noisy", "sweep"])
def test_the_answer_hangs_on_what_was_observed_and_not_on_the_order(strategy, cheap):
    for seed in range(25):
        found = solve(strategy, Flaky(seed, 34, 0.1, 0.1), 34, cheap=cheap)
        again = told_again(found, strategy, cheap=cheap)
        assert again.done
        assert again.answer().boundaries == found.answer.boundaries
        assert again.answer().conclusion == found.answer.conclusion


def test_several_boundaries_replay_as_well():
    for letters in (region(34, 9, 18), "gggxggbbb", "gsbsgg"):
        found = solve("auto", written(letters), len(letters))
        again = told_again(found, "auto")
        assert again.done
        assert again.answer().boundaries == found.answer.boundaries


def test_a_thousand_histories_run_in_about_a_second():
    start = time.process_time()
    for seed in range(1000):
        solve("binary", Flaky(seed), 34)
    assert time.process_time() - start < 4
