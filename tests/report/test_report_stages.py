"""At which stage of the compiler a difference enters: said of the arms that were executed, and of nothing else."""

from __future__ import annotations

import html
from dataclasses import replace

import pytest
import synthetic_report

from harness.report import write_report
from harness.report.model import BoundaryResult
from harness.report.stages import STAGES, stage_sentences
from harness.report.text import arrows

PLACE = "trace 0.6.2 -> 0.7.0: "
TRACE = BoundaryResult(
    kind="changed", signal="trace", before="0.6.2", after="0.7.0", skipped=[], confirmed=True
)


def compiled(**shows):
    """Return a report whose arms are stages: True shows the boundary, False does not, None has not executed a side of it."""
    report, evidence = synthetic_report.report(skip=())
    twin = report.arms[1]
    arms = []
    for stage, does in shows.items():
        releases = [
            replace(one, verdict="skip") if does is None and one.version == "0.7.0" else one
            for one in twin.releases
        ]
        settings = {"dtype": "bfloat16", **({} if stage == "off" else {"compile": stage})}
        boundaries = [replace(TRACE, signal="census"), *([TRACE] if does else [])]
        arms.append(replace(twin, name=stage, parameters=settings, boundaries=boundaries, releases=releases))
    return replace(report, arms=arms), evidence


@pytest.mark.parametrize(
    ("shows", "said"),
    [
        ((True, True, True, True), "it is there without the compiler."),
        ((True, None, None, True), "it is there without the compiler."),
        (
            (False, False, True, True),
            "it enters at the compiler's stage aot_eager: off and eager do not show it.",
        ),
        ((False, None, None, True), "it enters at the compiler's stage inductor: off does not show it."),
        (
            (None, None, True, True),
            "aot_eager and inductor show it; without an arm before that it cannot be told where it enters.",
        ),
        (
            (False, True, False, True),
            "the compiler's stages disagree: eager and inductor show it, off and aot_eager do not.",
        ),
        (
            (True, False, False, False),
            "the compiler's stages disagree: off shows it, eager, aot_eager and inductor do not.",
        ),
    ],
)
def test_every_answer_of_the_stages(shows, said):
    report, _ = compiled(**dict(zip(STAGES, shows, strict=True)))
    assert stage_sentences(report) == [PLACE + said]


def test_nothing_is_said_without_the_compiler_or_of_other_settings():
    report, _ = synthetic_report.report(skip=())
    assert stage_sentences(report) == []
    report, _ = compiled(off=True, inductor=True)
    other = replace(report.arms[1], parameters={"dtype": "float16", "compile": "inductor"})
    assert stage_sentences(replace(report, arms=[report.arms[0], other])) == []


def test_page_and_summary_say_it_alike(tmp_path):
    report, evidence = compiled(off=False, inductor=True)
    (said,) = stage_sentences(report)
    write_report(tmp_path, report, evidence)
    page = html.unescape((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert arrows(said) in page
    assert said.partition(": ")[2] in html.unescape((tmp_path / "summary.md").read_text(encoding="utf-8"))
