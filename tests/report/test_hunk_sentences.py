"""Sentences about hunks and about causes, for facts that few runs have."""

from __future__ import annotations

import pytest
from attribution import DTYPE, HERRING, trial

from harness.report.attribution import AttemptResult
from harness.report.causes import sentence
from harness.report.hunks import HunkAnswer, HunkResult, HunkSet, change


def hunk(file, line):
    return HunkResult(file, line, ["a"], line, ["b", "c"])


A, B, C = hunk("a.py", 3), hunk("a.py", 9), hunk("b.py", 1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            HunkSet([[A]], [], confirmed=True),
            "1 hunk, a.py:3-4, applied to the good release brings the failure (confirmed)",
        ),
        (
            HunkSet([[A]], [B, C]),
            "1 hunk, a.py:3-4, with 2 that it needs, applied to the good release brings the failure (not confirmed)",
        ),
        (
            HunkSet([[A], [B]], [C]),
            (
                "2 hunks, with 1 that these need, applied to the good release bring the failure; each of them is needed (not "
                "confirmed)"
            ),
        ),
        (
            HunkSet([[A, B]], [C], smallest=False, confirmed=True),
            (
                "2 hunks, with 1 other, applied to the good release bring the failure; the others alone do not: a refactoring, "
                "of which no smaller part was found that does it (confirmed)"
            ),
        ),
        (
            HunkSet([[A, B]], []),
            "2 hunks applied to the good release bring the failure; nothing separates them (not confirmed)",
        ),
        (
            HunkSet([[A, B]], [], whole_files=True),
            (
                "the changes of a.py (2 hunks) applied to the good release bring the failure: a refactoring, of which no "
                "smaller part was found that does it (not confirmed)"
            ),
        ),
        (
            HunkSet([[A, B], [C]], [], whole_files=True),
            (
                "the changes of a.py, b.py (3 hunks) applied to the good release bring the failure; each of these files is "
                "needed: a refactoring, of which no smaller part was found that does it (not confirmed)"
            ),
        ),
        (
            HunkSet([[A, B, C]], [], whole_files=True),
            (
                "the changes of a.py, b.py (3 hunks) applied to the good release bring the failure; nothing separates these "
                "files: a refactoring, of which no smaller part was found that does it (not confirmed)"
            ),
        ),
        (
            HunkSet([[C]], [A], whole_files=True),
            (
                "the changes of b.py (1 hunk), with 1 of other files that these need, applied to the good release bring the "
                "failure: a refactoring, of which no smaller part was found that does it (not confirmed)"
            ),
        ),
    ],
)
def test_what_a_set_of_hunks_brings(found, said):
    assert change(HunkAnswer("found", "2", 3, 2, 3, None, sets=[found])) == [said]


def test_what_a_set_of_hunks_cures():
    sets = [HunkSet([[A], [B]], [C], confirmed=True), HunkSet([[A]], [C])]
    assert change(HunkAnswer("found", "2", 3, 2, 3, None, taken_back=sets)) == [
        (
            "2 hunks (a.py:3-4, a.py:9-10), with 1 that these need, taken back together in the bad release cure it; each of them "
            "is needed (confirmed)"
        ),
        "1 hunk, a.py:3-4, with 1 that it needs, taken back in the bad release cures it (not confirmed)",
        "any one of these suffices",
        (
            "no smaller part of the change than all of it was found that brings the failure to the good release: its hunks "
            "need each other"
        ),
    ]


def attempt(status, cured, broke):
    """An exchange after which the bad release 2 and the good release 1 did as the other side, or not, or were not made."""
    return AttemptResult(
        status, [DTYPE], trial("2", "good", as_other=cured), trial("1", "bad", as_other=broke)
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "Cause unknown: the census before training tells no difference that could be exchanged"),
        (
            attempt("refuted", False, False),
            "Cause unknown: every census difference that could be exchanged was refuted",
        ),
        (
            attempt("not applicable", False, None),
            f"Cause unknown: the exchange could not be done ({trial('1', 'bad', as_other=None).reason})",
        ),
        (
            attempt("supported", True, False),
            f"Cause supported, one way only: {DTYPE.text}; undoing it cures 2",
        ),
        (
            attempt("supported", False, True),
            f"Cause supported, one way only: {DTYPE.text}; copying it breaks 1",
        ),
    ],
)
def test_what_an_exchange_proves(found, said):
    assert sentence(found, by_verdict=True) == said
    assert HERRING.text not in said
