"""What a night says of releases whose history it does not know: nothing that its answers do not carry."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.history.facts import Baseline, Boundary
from harness.nightly.answer import Answered
from harness.nightly.arm import ArmStory
from harness.nightly.examine import Examined
from harness.nightly.outcome import Outcome
from harness.report.model import ArmResult, BoundaryResult, ReleaseResult
from harness.verdicts.verdict import Verdict

ANSWER = "Inconclusive: executions of toy 1.2 disagree."
BAD = Examined("1.2", Verdict.BAD, "non-finite loss", bad=1)
UNSURE = "toy 1.2 is bad in fp16, and it is not certain where that began"


def told(examined, boundaries=(), *, answers=True, known=()):
    """Return (kind, release, text) of what is told, and the states that are kept."""
    watch = SimpleNamespace(scenario=SimpleNamespace(name="s"), package="toy")
    baseline = Baseline("1.0", None, None, True, "2026-01-01", "a night", "")
    story = ArmStory(Outcome(watch), "fp16", baseline, {}, list(known), night=3, tries=3)
    rows = [ReleaseResult(version, None, "good", "") for version in ("1.0", "1.1", "1.2")]
    arm = ArmResult("fp16", {}, "inconclusive", ANSWER, list(boundaries), rows)
    report = SimpleNamespace(arms=[arm], cause=[])
    story.releases([examined], [Answered(report, "run")] if answers else [])
    states = [(one.version, one.state, one.verdict) for _, one in story.outcome.known]
    return [(one.kind, one.release, one.text) for one in story.outcome.events], states


def test_a_bad_release_whose_break_is_not_located_names_no_beginning():
    assert told(BAD, answers=False) == (
        [("inconclusive", "1.2", UNSURE)],
        [("1.2", "settled", "bad")],
    )
    (event,), _ = told(BAD)
    assert event == ("inconclusive", "1.2", f"{UNSURE}: {ANSWER}")


def test_a_break_that_is_not_sure_is_told_once_and_as_what_it_is():
    unsure = BoundaryResult("regressed", "verdict", "1.1", "1.2")
    assert told(BAD, [unsure])[0] == [("inconclusive", "1.2", f"{UNSURE}: {ANSWER}")]


def test_a_bad_release_behind_a_known_break_is_no_news():
    before = Boundary("verdict", "regressed", "1.0", "1.1", 1, "earlier")
    (event,), _ = told(BAD, known=[before])
    assert event[0] == "release"
    assert event[2].startswith("toy 1.2 is bad in fp16 as before: broken since ")


@pytest.mark.parametrize("placed", [False, True])
def test_a_training_that_changed_by_small_steps_is_told(placed):
    other = Examined(
        "1.2", Verdict.GOOD, "", likeness="other", difference="loss at step 3", moves=("helper",)
    )
    between = [BoundaryResult("changed", "trace", "1.0", "1.1", confirmed=True)] if placed else []
    events, _ = told(other, between)
    (mine,) = [event for event in events if event[1] == "1.2"]
    if placed:
        assert mine == (
            "release",
            "1.2",
            "toy 1.2 is good in fp16 and trains otherwise than the baseline 1.0, as is known; it moves helper",
        )
    else:
        assert mine == (
            "changed",
            "1.2",
            "toy 1.2 is good in fp16 and trains otherwise than the baseline 1.0: loss at step 3; it moves helper",
        )
