"""The verdict of several ranks, by what each of them left; what they do to each other for real is tests/ranks."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from harness.probes.probe import Execution
from harness.traces.trace import Rank, Trace
from harness.verdicts.ranks import judge_ranks
from harness.verdicts.verdict import Judgement, SkipKind, Verdict

GOOD = Judgement(Verdict.GOOD, "finite")
STACK = 'Current thread 0x1 (most recent call first):\n  File "x.py", line 3 in {}\n'


def rank(number, *, steps=3, status=0, ended_by="", waits="", calls=(), finished=False):
    trace = Trace(
        end={"reason": "finished"} if finished else None,
        start={},
        training=True,
        steps=tuple(range(steps)),
        rows=((1.0,),) * steps,
        collectives=tuple(calls),
    )
    return Rank(number, status, 1.0, ended_by, STACK.format(waits) if waits else "", trace)


def judged(*ranks, tree="done", alone=GOOD, ended="exit"):
    trace = Trace(ranks=ranks, tree=tree)
    verdict = alone if callable(alone) else lambda *_: alone
    return judge_ranks(Execution(ended, 0, 9.0, None), trace, "", {"gradients": "any"}, verdict)


@pytest.mark.parametrize(
    ("steps", "said", "odd"),
    [
        ((4, 2), "rank 1 2, the other one 4", 1),
        ((2, 4), "rank 0 2, the other one 4", 0),
        ((4, 4, 3), "rank 2 3, the others 4", 2),
        ((3, 3, 5, 5), "rank 0 3, rank 1 3, the others 5", 0),
        ((3, 5, 4), "rank 0 3, rank 2 4, the other one 5", 0),
    ],
)
def test_unequal_numbers_of_steps_are_told_of_every_rank(steps, said, odd):
    found = judged(*(rank(number, steps=count) for number, count in enumerate(steps)))
    assert found.reason == f"the ranks made unequal numbers of steps: {said}"
    assert found.fingerprint.to_dict() == {"kind": "ranks differ in steps", "rank": odd}


def test_ranks_that_hang_are_told_by_where_they_wait_and_the_first_call_in_which_they_part():
    reduce, barrier = (
        {"kind": kind, "sizes": sizes, "dtype": "float32"}
        for kind, sizes in (("all_reduce", [3]), ("barrier", []))
    )
    found = judged(
        rank(0, ended_by="harness", waits="all_reduce", calls=(reduce, reduce)),
        rank(1, steps=2, status=-signal.SIGABRT, finished=True, calls=(reduce, barrier)),
        tree="hang",
    )
    assert found.reason == (
        "the ranks are out of step: they hang: rank 0 waits in all_reduce after 3 steps, rank 1 has ended "
        "(SIGABRT); collective 2: rank 0 all_reduce of [3] float32, rank 1 barrier"
    )
    assert found.fingerprint.to_dict() == {"kind": "ranks out of step", "step": 3, "rank": 1}


@pytest.mark.parametrize(
    ("waits", "calls", "named"),
    [
        (["all_reduce", "sleep"], [2, 1], 1),
        (["sleep", "all_reduce"], [1, 2], 0),
        (["barrier", "all_reduce"], [2, 2], None),
        (["all_reduce", "sleep"], [0, 0], None),
        (["barrier", "all_reduce", "all_reduce"], [2, 2, 2], 0),
        (["barrier", "barrier", "all_reduce", "all_reduce"], [2, 2, 2, 2], None),
        (["barrier", "sleep", "all_reduce", "all_reduce"], [2, 2, 2, 2], None),
        (["barrier", "barrier"], [1, 2], 0),
    ],
)
def test_the_rank_that_the_others_wait_for_is_named_where_that_is_known(waits, calls, named):
    """Of two ranks in different places, the second one was named whichever it was."""
    call = {"kind": "barrier", "sizes": [], "dtype": ""}
    ranks = [
        rank(number, ended_by="harness", waits=place, calls=(call,) * count)
        for number, (place, count) in enumerate(zip(waits, calls, strict=True))
    ]
    found = judged(*ranks, tree="hang")
    assert found.fingerprint.rank == named
    assert found.same_end(replace(found, fingerprint=replace(found.fingerprint, rank=9)))


def test_equal_calls_say_nothing():
    call = {"kind": "barrier", "sizes": [], "dtype": ""}
    waiting = [rank(number, ended_by="harness", waits="barrier", calls=(call,)) for number in range(2)]
    assert judged(*waiting, tree="hang").reason == (
        "the ranks are out of step: they hang: rank 0 waits in barrier after 3 steps, rank 1 waits in barrier after 3 "
        "steps"
    )


def test_a_rank_that_broke_off_though_all_ended_well_is_named():
    other = Judgement(Verdict.SKIP, "no CUDA", skip_kind=SkipKind.OTHER_FAILURE)
    verdicts = iter([GOOD, other])
    found = judged(rank(0), rank(1), alone=lambda *_: next(verdicts))
    assert (found.verdict, found.reason) == (Verdict.SKIP, "rank 1: no CUDA")
    quiet = Judgement(Verdict.SKIP, "no step", skip_kind=SkipKind.NOT_MEASURED)
    verdicts = iter([GOOD, quiet])
    found = judged(rank(0), rank(1), alone=lambda *_: next(verdicts))
    assert (found.verdict, found.reason) == (Verdict.GOOD, "finite (2 ranks)")


def test_what_is_out_of_time_says_where_the_ranks_were():
    found = judged(rank(0, ended_by="harness", waits="step"), rank(1), ended="timeout")
    assert (
        found.reason
        == "out of time after 9 s; rank 0 waits in step after 3 steps, rank 1 has ended (exit status 0)"
    )
    assert found.skip_kind == SkipKind.OUT_OF_TIME
