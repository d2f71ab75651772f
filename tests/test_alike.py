"""What lies between the two sides of a boundary counts only where it ended as one of them; an arm beside its control."""

from __future__ import annotations

import pytest

from harness.sessions.alike import Ends
from harness.sessions.control import _judged
from harness.sessions.finding import Finding
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict


def failed(exception, message="x", verdict=Verdict.BAD):
    said = f"{exception}: {message}"
    return Finding(Judgement(verdict, said, Fingerprint("exception", exception=exception)), None)


GOOD = Finding(Judgement(Verdict.GOOD, "exit status 0"), None)
SKIP = Finding(Judgement(Verdict.SKIP, "cannot be built", skip_kind=SkipKind.NOT_INSTALLABLE), None)


@pytest.mark.parametrize(
    ("good", "finding", "verdict", "reason"),
    [
        (GOOD, GOOD, Verdict.GOOD, "exit status 0"),
        (GOOD, failed("ValueError"), Verdict.BAD, "ValueError: x"),
        (GOOD, failed("ValueError", verdict=Verdict.SKIP), Verdict.SKIP, "ValueError: x"),
        (
            GOOD,
            failed("ValueError", "y"),
            Verdict.SKIP,
            "ends as neither side of the boundary: ValueError: y",
        ),
        (GOOD, failed("KeyError"), Verdict.SKIP, "ends as neither side of the boundary: KeyError: x"),
        (GOOD, SKIP, Verdict.SKIP, "cannot be built"),
        (failed("KeyError"), failed("KeyError"), Verdict.GOOD, "KeyError: x"),
        (failed("KeyError"), GOOD, Verdict.SKIP, "ends as neither side of the boundary: exit status 0"),
    ],
)
def test_an_execution_between_two_sides_is_one_of_them_or_a_skip(good, finding, verdict, reason):
    found = Ends([good], [failed("ValueError")]).judge(finding)
    assert (found.verdict, found.judgement.reason) == (verdict, reason)
    assert found is finding or (found.judgement.fingerprint is None) == (verdict != Verdict.BAD)


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ([SKIP], "arm one, which it is compared with, is skip: cannot be built"),
        ([GOOD, failed("ValueError"), GOOD], "it is, executed again, bad: ValueError: x"),
        ([GOOD, GOOD, SKIP], "arm one, which it is compared with, is, executed again, skip: cannot be built"),
    ],
)
def test_what_has_nothing_good_to_be_compared_with_is_a_skip_that_says_which(beside, said):
    found = _judged(GOOD, beside, {"kind": "same-as", "arm": "one"})
    assert (found.verdict, found.judgement.reason) == (Verdict.SKIP, said)
    assert found.judgement.skip_kind == SkipKind.NOT_COMPARABLE
