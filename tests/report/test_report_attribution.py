"""The sections "Why" and "What helps", and the lines on them in the other files."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import attribution
import pytest
import synthetic_report
from test_report_files import Loads

from harness.report import Report, write_report
from harness.report.lines import rows, sentence
from harness.report.remedies import helps, sentences

PLACE = "peft/tuners/lora/layer.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attributed")
    write_report(folder, *synthetic_report.report(steps=20, **attribution.everything()))
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def section(page, name):
    return re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)[0]


def test_report_json_reads_back_as_the_same(folder):
    written = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    again = Report.from_dict(written)
    for name, value in attribution.everything().items():
        assert getattr(again, name) == value


def test_every_link_leads_to_something(page):
    found = Loads()
    found.feed(page)
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert "trial-fp16-bf16-0.7.0" in found.ids


def test_why_tells_cause_mechanism_and_divergence(page):
    why = section(page, "why")
    for text in (
        "cause confirmed", "cured, trace equal to 0.6.2", "broken, trace equal to 0.7.0", "Adam computes 0 / 0",
        "Kingma &amp; Ba 2015", "4 tensors are equal; the first that differs is the output of layers.0.q_proj.lora_A",
        "The first that is not finite is the weight of layers.0.q_proj.lora_A.weight (optimizer, step 1), in 0.7.0",
        "not cured", "1 parameter new (extra)", "(cannot be exchanged)", "7 more tensors follow",
    ):  # fmt: skip
        assert text in why
    assert why.count('class="place cause"') == 2


def test_the_answer_gets_the_cause(page):
    answer = section(page, "answer")
    assert "Cause of the break with 0.7.0, confirmed: 8 parameters: dtype float32" in answer
    assert answer.index("<h1>") < answer.index("Cause of the break")


def test_the_matrix_says_what_helps(page):
    matrix = attribution.matrix()
    assert {one.name: helps(matrix, one) for one in matrix.remedies} == {
        "bf16": "yes", "clip": "no", "lr": "yes", "scaler": "no", "option": "untried",
    }  # fmt: skip
    assert sentences(matrix) == [
        "Cures every bad release tested (0.7.0) and harms none: bf16.",
        "Recommended (article) and cures nothing here: clip.",
        "Recommended (practice) and cures nothing here: scaler.",
        "Cannot be tried on the bad releases: option.",
    ]
    assert all(text in section(page, "remedies") for text in sentences(matrix))


def test_survival_is_drawn_and_told(page, folder):
    told = section(page, "remedies")
    assert "0.6.0\N{EN DASH}0.6.1" in told
    assert "1104" in told
    assert "39% to 98%" in told
    assert (folder / "figures" / "soak-survival.svg").exists()


def test_the_other_files_get_a_line(folder):
    assert "Cause of the break with 0.7.0, confirmed" in (folder / "summary.md").read_text(encoding="utf-8")
    issue = (folder / "issue.md").read_text(encoding="utf-8")
    assert "Cause of the break with 0.7.0, confirmed" in issue
    assert "Adam computes 0 / 0" in issue
    assert "harms none: bf16" in issue


def test_a_hostile_name_does_nothing(tmp_path):
    evil = "<script>alert(1)</script>"
    found = attribution.everything()
    found["cause"] = [attribution.cause(arm=evil, before=evil)]
    report, evidence = synthetic_report.report(steps=5, arms=("fp16",), **found)
    write_report(tmp_path, report, evidence)
    assert evil not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_line_stands_below_the_cause():
    found = attribution.cause()
    assert rows(found, "peft") == [
        (
            f"0.6.2: {PLACE}:76 creates 8 parameters (q_proj.lora_A) with dtype float32",
            "self.lora_A[name] = nn.Linear(n, r)  # <script>`*_|",
        ),
        (
            f"0.7.0: {PLACE}:100 changes the dtype of 8 parameters (q_proj.lora_A): float32 -> float16",
            "self.to(weight.device, dtype=weight.dtype)",
        ),
    ]


def test_a_line_outside_of_the_package_is_said_to_be_there():
    outside = replace(attribution.cause().lines[-1], code=None, stack=[], below=None)
    assert sentence(outside, "peft").startswith("0.7.0: code outside of peft changes the dtype")


def test_every_text_output_shows_the_line_as_text(folder, page):
    why = section(page, "why")
    assert why.count("<code>peft/tuners/lora/layer.py:100</code>") >= 1
    assert "# &lt;script&gt;`*_|" in why
    for name in ("summary.md", "issue.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "peft/tuners/lora/layer.py:100 changes the dtype of 8 parameters" in text
        assert "`self.to(weight.device, dtype=weight.dtype)`" in text
