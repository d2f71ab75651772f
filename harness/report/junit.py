"""junit.xml: one test case an arm, so that a CI system shows the answer in its own list.

| conclusion of the arm                           | test case |
|-------------------------------------------------|-----------|
| a located regression (`boundaries.located`)     | failure (also if it was repaired later) |
| always-good, fixed                              | passed    |
| never-good                                      | skipped: it never worked, so no release is to blame |
| changed                                         | skipped, with the message: nobody said which direction is worse |
| inconclusive, untestable-gap without a break    | skipped, with the message |
| the harness had a fault (`ArmResult.fault`)     | error     |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from harness.report.boundaries import located, sides
from harness.report.dependencies import proof
from harness.report.gaps import gap_of
from harness.report.text import capital, clean, one_line

if TYPE_CHECKING:
    from harness.report.model import ArmResult, Report

TEXT_LIMIT = 20_000
_PASSED = {"always-good", "fixed"}


def outcome(arm: ArmResult) -> str:
    """Return failure, error, skipped or passed."""
    if arm.fault:
        return "error"
    if located(arm):
        return "failure"
    return "passed" if arm.conclusion in _PASSED else "skipped"


def junit(report: Report) -> str:
    """Return the text of junit.xml."""
    outcomes = [outcome(arm) for arm in report.arms]
    counts: dict[str, Any] = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{sum(map(_seconds, report.arms)):.3f}",
    }
    root = ET.Element("testsuites", name="training-bisect", **counts)
    timestamp = one_line(report.started, 40)
    suite = ET.SubElement(
        root, "testsuite", name=one_line(report.scenario, 200), timestamp=timestamp, **counts
    )
    for arm, word in zip(report.arms, outcomes, strict=True):
        _case(suite, report, arm, word)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, report: Report, arm: ArmResult, word: str) -> None:
    scenario, name = one_line(report.scenario, 200), one_line(arm.name, 200)
    case = ET.SubElement(suite, "testcase", classname=scenario, name=name, time=f"{_seconds(arm):.3f}")
    message = one_line(arm.fault or arm.answer, 900)
    if word == "failure":
        found = ET.SubElement(case, "failure", type=one_line(arm.conclusion, 60), message=message)
        found.text = _text(report, arm)
    elif word == "error":
        found = ET.SubElement(case, "error", type="harness", message=message)
        found.text = clean(arm.fault)
    elif word == "skipped":
        ET.SubElement(case, "skipped", message=f"{one_line(arm.conclusion, 60)}: {message}")
    said = [
        f"{one_line(item.version, 120)}: {item.standing}: {one_line(item.reason, 200)}"
        for item in arm.releases
    ]
    ET.SubElement(case, "system-out").text = clean("\n".join([one_line(arm.answer, 900), *said]), TEXT_LIMIT)


def _text(report: Report, arm: ArmResult) -> str:
    releases = {item.version: item for item in arm.releases}
    rows = [one_line(arm.answer, 900)]
    for boundary in located(arm):
        before, after = sides(report.package, boundary)[0], boundary.after
        rows.append(
            f"{one_line(before, 120)} is good, {one_line(after, 120)} is bad"
            f"{' (confirmed)' if boundary.confirmed else ''}."
        )
        if shown := proof(boundary, report.package):
            rows.append(f"{one_line(shown)}.")
        if between := gap_of(boundary, arm.releases):
            rows.append(f"{capital(one_line(between, 600))}.")
        if boundary.after in releases:
            rows.append(f"{one_line(boundary.after, 120)}: {one_line(releases[boundary.after].reason)}")
        rows += [f"- {one_line(detail)}" for detail in boundary.details]
    return clean("\n".join([*rows, f"Ask again: {one_line(report.command)}"]), TEXT_LIMIT)


def _seconds(arm: ArmResult) -> float:
    return sum(value or 0.0 for release in arm.releases for value in release.seconds.values())
