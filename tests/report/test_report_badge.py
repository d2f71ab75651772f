"""Badges say in two words what a reader of a README wants to know."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import synthetic_report

from harness.report import BoundaryResult
from harness.report.badge import badge, badges


@pytest.fixture(scope="module")
def report():
    return synthetic_report.report()[0]


def test_files_follow_the_endpoint_schema(report, drawn):
    found = badges(report)
    assert list(found) == ["badge.json", "badges/fp16.json", "badges/bf16.json"]
    for name, content in found.items():
        assert set(content) == {"schemaVersion", "label", "message", "color"}
        assert content["schemaVersion"] == 1
        assert json.loads((drawn / name).read_text(encoding="utf-8")) == content
    assert found["badge.json"] == found["badges/fp16.json"], "the gravest arm speaks for the run"


@pytest.mark.parametrize(
    ("conclusion", "last", "message", "colour"),
    [
        ("non-monotone", ("fixed", []), "repaired in 3", "yellow"),
        ("non-monotone", ("regressed", []), "broken since 3", "red"),
        ("regressed", ("regressed", []), "broken since 3", "red"),
        ("fixed", ("fixed", []), "repaired in 3", "green"),
        ("untestable-gap", ("regressed", ["2"]), "broken between 1 and 3", "red"),
        ("never-good", None, "never-good", "red"),
        ("inconclusive", None, "inconclusive", "lightgrey"),
        ("always-good", None, "good up to 0.21.2", "brightgreen"),
    ],
)
def test_what_each_conclusion_says(report, conclusion, last, message, colour):
    changes = [BoundaryResult(last[0], "verdict", "1", "3", skipped=last[1])] if last else []
    said = badge(report, replace(report.arms[1], conclusion=conclusion, boundaries=changes))
    assert (said["label"], said["message"], said["color"]) == ("peft bf16", message, colour)


def test_a_run_without_arms_has_a_badge(report):
    assert badge(replace(report, arms=[]), None)["message"] == "not run"
