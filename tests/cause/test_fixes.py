"""What a cell of the matrix says, and what two exchanges say together."""

from __future__ import annotations

import pytest

from harness.cause.fixes import judged, why_not
from harness.cause.transplant import status
from harness.scenario import Arm, Fix
from harness.sessions.finding import Finding
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

GOOD = Finding(Judgement(Verdict.GOOD, "finite over 5 steps"))
NAN = Finding(Judgement(Verdict.BAD, "told", Fingerprint("non-finite weight", 1, "optimizer", "a")))
LATER = Finding(Judgement(Verdict.BAD, "told", Fingerprint("non-finite weight", 7, "optimizer", "a")))
RAISED = Finding(
    Judgement(Verdict.BAD, "told", Fingerprint("exception", 1, "forward", exception="ValueError"))
)
SKIP = Finding(Judgement(Verdict.SKIP, "error before training: TypeError: no such option"))


@pytest.mark.parametrize(
    ("before", "after", "outcome", "note"),
    [
        (NAN, GOOD, "cures", "good"),
        (NAN, NAN, "no effect", "fails as before"),
        (NAN, LATER, "no effect", "non-finite weight at step 7"),
        (GOOD, GOOD, "no effect", "stays good"),
        (GOOD, NAN, "worse", "non-finite weight at step 1"),
        (NAN, RAISED, "error", "ValueError"),
        (GOOD, RAISED, "error", "ValueError"),
        (NAN, SKIP, "not applicable", "TypeError: no such option"),
    ],
)
def test_a_cell(before, after, outcome, note):
    assert judged(before, after) == (outcome, note)


def test_a_remedy_that_changes_nothing_is_not_applicable():
    arm = Arm("bf16", {"dtype": "bfloat16", "steps": 5})
    assert why_not(Fix("bf16", {"dtype": "bfloat16"}), arm) == "the arm does this already"
    assert why_not(Fix("other", {"dtype": "bfloat16", "lr": 1.0}), arm) == ""
    assert why_not(Fix("x", {"lr": 1.0}, arms=("fp16",)), arm) == "it is meant for other arms"


@pytest.mark.parametrize(
    ("cures", "breaks", "said"),
    [
        (True, True, "confirmed"),
        (True, False, "supported"),
        (False, True, "supported"),
        (True, None, "supported"),
        (False, False, "refuted"),
        (None, False, "not applicable"),
        (None, None, "not applicable"),
    ],
)
def test_two_exchanges_together(cures, breaks, said):
    assert status(cures, breaks) == said
