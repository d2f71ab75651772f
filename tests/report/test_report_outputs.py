"""junit.xml, summary.md and issue.md."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

import pytest
import synthetic_report

from harness.report.issue import issue
from harness.report.junit import junit, outcome
from harness.report.summary import summary

CONCLUSIONS = {
    "always-good": "passed",
    "fixed": "passed",
    "never-good": "skipped",
    "inconclusive": "skipped",
    "untestable-gap": "skipped",
}


@pytest.mark.parametrize(("conclusion", "expected"), CONCLUSIONS.items())
def test_outcome_of_an_arm_without_a_break(conclusion, expected):
    report, _ = synthetic_report.report(arms=("bf16",))
    arm = dataclasses.replace(report.arms[0], conclusion=conclusion)
    assert outcome(arm) == expected


def test_a_break_is_a_failure_even_if_it_was_repaired():
    report, _ = synthetic_report.report()
    suite = ET.fromstring(junit(report)).find("testsuite")
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["errors"] == "0"
    first, second = suite.findall("testcase")
    assert (first.attrib["classname"], first.attrib["name"]) == ("llama_seq_cls", "fp16")
    failure = first.find("failure")
    assert "0.7.0 broke it (last good 0.6.2), confirmed" in failure.attrib["message"]
    assert "peft 0.6.2 is good, 0.7.0 is bad (confirmed)." in failure.text
    assert "lora_A are NaN" in failure.text
    assert second.find("failure") is None
    assert second.find("skipped") is None


def test_an_inconclusive_arm_is_skipped_with_a_message_and_a_fault_is_an_error():
    report, _ = synthetic_report.report()
    broken = dataclasses.replace(report.arms[0], fault="the index did not answer", boundaries=[])
    unsure = dataclasses.replace(
        report.arms[1], conclusion="inconclusive", answer="Nothing could be installed."
    )
    suite = ET.fromstring(junit(dataclasses.replace(report, arms=[broken, unsure]))).find("testsuite")
    assert (suite.attrib["errors"], suite.attrib["skipped"]) == ("1", "1")
    assert suite.find(".//error").attrib["message"] == "the index did not answer"
    assert suite.find(".//skipped").attrib["message"] == "inconclusive: Nothing could be installed."


def test_summary_begins_with_the_answer():
    report, _ = synthetic_report.report()
    text = summary(report)
    assert text.startswith("# peft 0.21.2 is good. 0.12.0 repaired float16 training")
    assert "●●●●●●✕✕✕✕✕✕✕✕✕●" in text
    assert (
        "- fp16, bf16: **A** 0.3.0\u20130.6.2, 0.12.0\u20130.16.0, 0.17.1\u20130.21.2; **B** 0.7.0\u20130.11.1"
        in text
    )


def test_a_long_summary_is_cut_at_a_row_and_says_so():
    report, _ = synthetic_report.report(arms=("fp16", "bf16"))
    many = [dataclasses.replace(report.arms[0], name=f"arm{index}") for index in range(60)]
    text = summary(dataclasses.replace(report, arms=many))
    assert len(text.encode()) <= 100_000
    assert text.rstrip().endswith("report.json._")
    assert text.startswith("# peft 0.21.2 is good.")


def test_nothing_found_is_said():
    report, _ = synthetic_report.report(arms=("bf16",))
    quiet = dataclasses.replace(report.arms[0], boundaries=[], answer="Every release trains in bf16.")
    text = summary(dataclasses.replace(report, arms=[quiet]))
    assert "No boundary was found." in text


def test_issue_has_everything_a_maintainer_asks_for():
    report, evidence = synthetic_report.report()
    text = issue(report, evidence)
    sides = {item.version: item for item in report.arms[0].releases}
    assert text.startswith("**peft 0.21.2 is good. 0.12.0 repaired float16 training")
    for needed in (
        report.command,
        "AMD EPYC",
        sides["0.6.2"].lock,
        sides["0.7.0"].lock,
        sides["0.7.0"].command,
        "torch==2.13.0",
        "NaN",
    ):
        assert needed in text
    assert len(text) < 60_000


def test_an_issue_without_a_break_tells_the_answer():
    report, evidence = synthetic_report.report(arms=("bf16",))
    assert issue(report, evidence).startswith(
        "**No break was found: bfloat16 training is good with 33 tested releases"
    )
