"""The sentences about moved packages: who did it, how that was tried, and nobody named without proof."""

from __future__ import annotations

import pytest

from harness.locks.lock import Move
from harness.nightly.culprits import broke, changed, sides
from harness.nightly.moved import Blamed

A, B, C = Move("a", "1.0", "2.0"), Move("b", "1.0", None), Move("c", None, "3.0")


@pytest.mark.parametrize(
    ("blamed", "said"),
    [
        (
            Blamed(((A,),)),
            (
                "dependency a 1.0 -> 2.0 broke fp16: it is bad; with that alone moved it is bad, with all else moved good, "
                "at least twice each"
            ),
        ),
        (
            Blamed(((A, B, C),)),
            (
                "dependencies a 1.0 -> 2.0, b 1.0 -> absent and c absent -> 3.0 together broke fp16: it is bad; with that "
                "alone moved it is bad, with all else moved good, at least twice each"
            ),
        ),
        (
            Blamed(((A, B),), units=((A, B),)),
            (
                "dependencies a 1.0 -> 2.0 and b 1.0 -> absent, which cannot be had apart, broke fp16: it is bad; with that "
                "alone moved it is bad, with all else moved good, at least twice each"
            ),
        ),
        (
            Blamed(((A,), (B,))),
            (
                "dependency a 1.0 -> 2.0 broke fp16, and so did dependency b 1.0 -> absent, each by itself: it is bad; with "
                "either of them alone moved it is bad, with all else moved good, at least twice each"
            ),
        ),
        (
            Blamed(((A,),), along=(B,)),
            (
                "dependency a 1.0 -> 2.0 broke fp16: it is bad; with that alone moved it is bad, with all else but "
                "b 1.0 -> absent, which cannot be had apart, moved good, at least twice each"
            ),
        ),
        (
            Blamed(undecided="why"),
            "it is bad, and which of the moved packages did it cannot be told: why",
        ),
        (Blamed(undecided="why", elsewhere=True), "it is bad; no moved package did it: why"),
    ],
)
def test_what_is_said(blamed, said):
    assert broke(blamed, "fp16", "it is bad", None) == said


def test_a_change_is_said_likewise():
    assert changed(Blamed(undecided="why"), "fp16", "peft 1.0", None) == (
        "peft 1.0 trains otherwise with the moved packages, and stays good; which of them did it cannot be told: why"
    )


@pytest.mark.parametrize(
    ("blamed", "both"),
    [
        (Blamed(((A,),)), ("a 1.0", "a 2.0")),
        (Blamed(((A, B), (C,))), ("a 1.0 and b 1.0 and c absent", "a 2.0 and b absent and c 3.0")),
        (Blamed(undecided="why"), None),
    ],
)
def test_sides(blamed, both):
    assert sides(blamed) == both
