"""Release names, reasons and logs that try to be more than text."""

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree as ET

import pytest
import synthetic_report

from harness.report import ProbeEvidence, write_report
from harness.traces.trace import Trace

EVIL = "</script><script>window.hacked=1</script><img src=//evil.example/x onerror=window.hacked=1>\x1b[31m\x00\ufffe\ud800'\"`|"
LONG = b"\xff\xfe invalid ".decode("utf-8", "surrogateescape") + EVIL + "x" * 10_000_000 + "</details></main>"


def hostile(texts=EVIL):
    """The usual report with hostile text wherever text comes from outside."""
    report, evidence = synthetic_report.report(arms=("fp16",), steps=20)
    arm = report.arms[0]
    releases = []
    for position, release in enumerate(arm.releases):
        version = f"{release.version}{texts[:200]}" if position == 7 else release.version
        old = evidence.get(release.probe)
        if old:
            evidence[release.probe] = ProbeEvidence(
                old.trace if position != 9 else Trace(), LONG if position == 7 else EVIL
            )
        changes = {
            "version": version,
            "reason": texts,
            "command": f"run {texts[:500]}",
            "fingerprint": {"kind": texts},
        }
        releases.append(dataclasses.replace(release, **changes))
    after = releases[7].version
    boundary = dataclasses.replace(
        arm.boundaries[1], before="0.7.0", after=after, details=[texts], skipped=[texts[:99]]
    )
    arm = dataclasses.replace(
        arm,
        name=f"fp16{texts[:99]}",
        answer=texts,
        notes=[texts],
        releases=releases,
        boundaries=[*arm.boundaries, boundary],
    )
    host = {"python": texts, "device": texts, "cpu": texts}
    environment = {
        "policy": texts,
        "pins": [texts],
        "packages": {texts: texts},
        "moves": {after: [texts]},
        "proof": [texts],
    }
    changes = {
        "run": texts,
        "scenario": texts,
        "description": texts,
        "package": texts,
        "started": texts,
        "command": texts,
    }
    return dataclasses.replace(
        report, arms=[arm], host=host, environment=environment, warnings=[texts], **changes
    ), evidence


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    write_report(folder, *hostile())
    return folder


def test_nothing_escapes_into_the_page(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script[^>]*>", page)
    assert len(scripts) == 4
    assert page.count("</script>") == 4
    assert "<img" not in page
    assert page.count("</main>") == 1
    assert not re.search("[\x00\x1b\ufffe]", page)


def test_the_size_of_a_log_is_bounded(folder):
    assert (folder / "index.html").stat().st_size < 3_000_000


def test_junit_is_well_formed_and_says_the_text(folder):
    root = ET.parse(folder / "junit.xml").getroot()
    assert "window.hacked" in root.find(".//failure").attrib["message"]


def test_markdown_outputs_hold_no_html_of_others(folder):
    for name in ("summary.md", "issue.md"):
        text = (folder / name).read_text(encoding="utf-8")
        outside_code = re.sub(r"```text.*?```|(`+).*?\1", "", re.sub(r"\\.", "", text), flags=re.DOTALL)
        assert "<script" not in outside_code
        assert "<img" not in outside_code


def test_megabytes_of_reason_fit_into_a_summary(tmp_path):
    report, evidence = hostile("y" * 1_000_000)
    write_report(tmp_path, report, evidence)
    assert (tmp_path / "summary.md").stat().st_size <= 100_000
    assert (tmp_path / "junit.xml").stat().st_size < 100_000
    assert (tmp_path / "index.html").stat().st_size < 3_000_000
