"""The sentence of an arm: what it says for every conclusion, and that a skip makes nobody a culprit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.model import BoundaryResult, ReleaseResult
from harness.report.sentences import sentence
from harness.search.boundaries import Conclusion, conclude, verdict_changes
from harness.verdicts.verdict import Verdict

LETTERS = {"g": Verdict.GOOD, "b": Verdict.BAD, "s": Verdict.SKIP, "u": Verdict.UNTESTED}
REASONS = {"g": "fell", "b": "non-finite loss at step 3.", "s": "cannot be imported", "u": "not executed"}


def said(history, *, confirmed=True, conclusion=None, parameters=None, others=(), repeats=()):
    """The sentence of a history of letters, whose releases are 1.0, 1.1 and so on."""
    verdicts = [LETTERS[letter] for letter in history]
    names = [f"1.{position}" for position in range(len(history))]
    boundaries = [
        BoundaryResult(
            one.kind,
            "verdict",
            names[one.before],
            names[one.after],
            skipped=[names[position] for position in one.skipped],
            untested=[names[position] for position in one.untested],
            confirmed=confirmed,
        )
        for one in verdict_changes(verdicts)
    ]
    releases = [
        ReleaseResult(name, None, verdict, REASONS[letter], repeats=list(repeats))
        for name, verdict, letter in zip(names, verdicts, history, strict=True)
    ]
    found = conclusion or conclude(verdicts)
    return sentence("toy", parameters or {}, found, [*boundaries, *others], releases)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("ggbb", "toy 1.2 broke the job: 1.1 is the last good release, 1.2 the first bad one, confirmed."),
        ("bbgg", "toy 1.2 repaired the job: 1.1 is the last bad release, 1.2 the first good one, confirmed."),
        (
            "gbg",
            (
                "toy 1.1 broke the job: 1.0 is the last good release, 1.1 the first bad one, confirmed; "
                "1.2 repaired it (last bad 1.1), confirmed."
            ),
        ),
        (
            "gbgb",
            (
                "toy 1.1 broke the job: 1.0 is the last good release, 1.1 the first bad one, confirmed; "
                "1.2 repaired it (last bad 1.1), confirmed; 1.3 broke it again (last good 1.2), confirmed."
            ),
        ),
        (
            "gssb",
            (
                "toy broke the job after 1.0 (last good) and by 1.3 (first bad), confirmed; "
                "1.1 and 1.2 between them could not be tested."
            ),
        ),
        (
            "gbssssssg",
            (
                "toy 1.1 broke the job: 1.0 is the last good release, 1.1 the first bad one, confirmed; a release "
                "repaired it after 1.1 (last bad) and by 1.8 (first good), confirmed; 6 releases (1.2 to 1.7) "
                "between them could not be tested."
            ),
        ),
        ("ggg", "Nothing broke: the job is good with all 3 releases of toy, 1.0 to 1.2."),
        ("g", "Nothing broke: the job is good with toy 1.0, the one release tested."),
        (
            "gsgug",
            (
                "Nothing broke: the job is good with 3 tested releases of toy, 1.0 to 1.4 "
                "(1 could not be tested, 1 was not executed)."
            ),
        ),
        (
            "bb",
            "No good release: the job is bad with all 2 releases of toy, 1.0 to 1.1 (non-finite loss at step 3).",
        ),
        ("ss", "Inconclusive: no release of toy could be tested; 2 of 2 skips say: cannot be imported."),
        ("uu", "Inconclusive: no release of toy was tested."),
        (
            "gub",
            "Inconclusive: the job is good with toy 1.0 and bad with 1.2, and 1.1 between them is untested.",
        ),
    ],
)
def test_every_conclusion_has_its_sentence(history, expected):
    assert said(history) == expected


def test_the_dtype_says_what_was_trained_and_doubt_is_told():
    text = said("gb", confirmed=False, parameters={"dtype": "float16"})
    assert text.startswith("toy 1.1 broke float16 training: ")
    assert text.endswith("1.1 the first bad one, not confirmed.")


def test_an_unfinished_search_says_why():
    left = Conclusion.INCONCLUSIVE
    assert said("gb", conclusion=left) == (
        "Inconclusive: the search is not finished; 2 of 2 releases of toy have a verdict."
    )
    assert "executions of toy 1.1 disagree" in said("gb", conclusion=left, repeats=["good"])


def test_other_signals_are_told_where_no_verdict_changes():
    others = [
        BoundaryResult("changed", "census", "1.0", "1.1"),
        BoundaryResult("changed", "trace", "1.1", "1.2"),
    ]
    text = said("ggg", others=others)
    assert text.endswith(", yet the census changes at 1.0 -> 1.1 and the trace changes at 1.1 -> 1.2.")


def test_many_changes_are_counted():
    assert said("gbgbgbg").endswith("; and 2 more changes.")


@given(st.text("gbs", min_size=1, max_size=12))
def test_nobody_is_a_culprit_on_the_strength_of_a_skip(history):
    text = said(history)
    for named in re.findall(r"1\.(\d+) (?:broke|repaired)", text):
        position = int(named)
        assert history[position] in "gb"
        assert history[position - 1] in "gb"
        assert history[position - 1] != history[position]
