"""One definition of a located regression, of an open break and of the order of signals, for every output."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import synthetic_report

from harness.cli.answer import exit_status
from harness.report.badge import badge
from harness.report.boundaries import gravest, is_open, located, strongest_first, tone
from harness.report.issue import issue
from harness.report.junit import outcome
from harness.report.model import ArmResult, BoundaryResult, DeviceResult, DeviceSide, ReleaseResult
from harness.report.sentences import worded
from harness.report.summary import summary

SIDE = DeviceSide("good", "fell")
CONTRARY = [
    DeviceResult("cpu", "", "", SIDE, SIDE, agrees=True),
    DeviceResult("cuda", "", "", SIDE, SIDE, agrees=False),
]


def arm(conclusion, *boundaries, name="fp16", verdicts="gb"):
    words = {"g": "good", "b": "bad", "s": "skip", "u": "untested"}
    rows = [ReleaseResult(f"1.{place}", None, words[one], "") for place, one in enumerate(verdicts)]
    return ArmResult(name, {}, conclusion, "", list(boundaries), rows)


BREAK = BoundaryResult("regressed", "verdict", "1.0", "1.1", confirmed=True)
REPAIR = BoundaryResult("fixed", "verdict", "1.1", "1.2", confirmed=True)
CASES = [
    (arm("regressed", BREAK), True),
    (arm("regressed", replace(BREAK, confirmed=False)), True),
    (arm("untestable-gap", replace(BREAK, skipped=["1.05"])), True),
    (arm("non-monotone", BREAK, REPAIR, verdicts="gbg"), True),
    (arm("inconclusive", BREAK), True),
    (arm("inconclusive", replace(BREAK, confirmed=False)), False),
    (arm("inconclusive", replace(BREAK, untested=["1.05"])), False),
    (arm("inconclusive", replace(BREAK, devices=CONTRARY)), False),
    (arm("fixed", replace(REPAIR, before="1.0", after="1.1"), verdicts="bg"), False),
    (arm("changed", replace(BREAK, kind="changed")), False),
    (arm("always-good", replace(BREAK, signal="census")), False),
    (arm("never-good", verdicts="bb"), False),
]


@pytest.mark.parametrize(("found", "expected"), CASES)
def test_exit_status_and_junit_agree_on_what_is_located(found, expected):
    report = replace(synthetic_report.report(arms=())[0], arms=[found])
    assert bool(located(found)) == expected
    assert (outcome(found) == "failure") == expected
    assert (exit_status(report, fail_on_regression=True) == 1) == expected


@pytest.mark.parametrize(
    ("found", "shown", "colour"),
    [
        (arm("regressed", BREAK), "bad", "red"),
        (arm("untestable-gap", replace(BREAK, skipped=["1.05"])), "bad", "red"),
        (arm("non-monotone", BREAK, REPAIR, verdicts="gbg"), "warn", "yellow"),
        (arm("fixed", replace(REPAIR, before="1.0", after="1.1"), verdicts="bg"), "good", "green"),
        (arm("changed", replace(BREAK, kind="changed")), "warn", "yellow"),
        (arm("never-good", verdicts="bb"), "bad", "red"),
        (arm("inconclusive", verdicts="ss"), "warn", "lightgrey"),
        (arm("always-good", verdicts="gg"), "good", "brightgreen"),
    ],
)
def test_a_break_is_red_while_it_is_open(found, shown, colour):
    report = replace(synthetic_report.report(arms=())[0], arms=[found])
    assert tone(found) == shown
    assert badge(report, found)["color"] == colour


def test_an_open_break_comes_before_a_repaired_one_and_a_control_that_never_worked():
    opened = arm(
        "non-monotone", BREAK, REPAIR, replace(BREAK, before="1.2", after="1.3"), name="open", verdicts="gbgb"
    )
    repaired = arm("non-monotone", BREAK, REPAIR, name="repaired", verdicts="gbg")
    control = arm("never-good", name="control", verdicts="bbb")
    assert is_open(opened)
    assert not is_open(repaired)
    for order in itertools.permutations([opened, repaired, control]):
        assert gravest(order) is opened
    assert gravest([control, repaired]) is repaired


def test_a_difference_without_a_direction_is_not_called_bad_in_the_legend():
    report = synthetic_report.report(arms=())[0]
    changed = replace(report, arms=[arm("changed", replace(BREAK, kind="changed"))])
    assert "✕ differs from the reference" in summary(changed)
    assert "✕ bad" in summary(replace(report, arms=[arm("regressed", BREAK)]))


def test_executions_that_disagree_are_marked_in_the_strip():
    report = synthetic_report.report(arms=())[0]
    found = arm("inconclusive", verdicts="ggg")
    rows = [found.releases[0], replace(found.releases[1], repeats=["bad"]), found.releases[2]]
    text = summary(replace(report, arms=[replace(found, releases=rows)]))
    assert "●◐●" in text
    assert "◐ executions disagree" in text


def test_the_strongest_signal_comes_first():
    signals = ["trace", "census", "verdict", "failure", "pins"]
    found = strongest_first(BoundaryResult("changed", signal, "1", "2") for signal in signals)
    assert [one.signal for one in found] == ["verdict", "failure", "census", "trace", "pins"]


def test_a_confirmed_answer_is_not_called_unrepeated_in_the_issue():
    found = arm("regressed", BREAK)
    found = replace(found, releases=[replace(one, repeats=[one.verdict]) for one in found.releases])
    report = worded(replace(synthetic_report.report(arms=())[0], arms=[found], package="toy"))
    text = issue(report, {})
    assert "confirmed by executing both sides again" in text
    assert "repeated executions: verdicts agree with all 2 releases" in text
    assert "not repeated" not in text


def test_no_drawer_or_run_parses_a_sentence():
    """Facts decide; nothing splits, prefixes or matches an answer, a reason or a cause."""
    root = Path(__file__).parents[2] / "harness"
    parsed = (
        ".answer.",
        ".reason.startswith",
        ".reason.split",
        ".sentence.partition",
        ".sentence.split",
        "in release.reason",
    )
    for path in [*root.glob("report/*.py"), *root.glob("runs/*.py"), *root.glob("site/*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in parsed if word in text], path
