"""Which files a report has, that they say the same, and that the page loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import synthetic_report

from harness.report import Report, write_report

LOADING = {"src", "srcset", "poster", "background", "action", "formaction", "ping", "manifest"}


class Loads(HTMLParser):
    """Collects what a page would load, and what it can link to."""

    def __init__(self):
        super().__init__()
        self.loads, self.links, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in LOADING or (tag == "link" and name == "href"):
                self.loads.append(value)
            if tag == "a" and name == "href":
                self.links.append(value)
            if name == "id":
                self.ids.append(value)


@pytest.fixture(scope="module")
def page(drawn):
    return (drawn / "index.html").read_text(encoding="utf-8")


def test_every_file_is_written(drawn):
    names = {path.name for path in drawn.iterdir()}
    texts = {"index.html", "report.json", "junit.xml", "summary.md", "issue.md", "badge.json"}
    assert names == texts | {"badges", "figures"}
    assert {path.name for path in (drawn / "badges").iterdir()} == {"fp16.json", "bf16.json"}
    figures = list((drawn / "figures").iterdir())
    assert figures
    assert {path.suffix for path in figures} == {".svg", ".png"}


def test_report_json_reads_back_as_the_same_report(drawn):
    written = json.loads((drawn / "report.json").read_text(encoding="utf-8"))
    report, _ = synthetic_report.report()
    again = Report.from_dict(written)
    assert again.to_dict().keys() == report.to_dict().keys()
    assert again.arms[0].boundaries == report.arms[0].boundaries
    assert [item.version for item in again.arms[1].releases] == synthetic_report.RELEASES


def test_a_report_read_back_draws_the_same_page(drawn, tmp_path):
    _, evidence = synthetic_report.report()
    again = Report.from_dict(json.loads((drawn / "report.json").read_text(encoding="utf-8")))
    write_report(tmp_path, again, evidence)
    assert (tmp_path / "index.html").read_bytes() == (drawn / "index.html").read_bytes()


def test_drawing_twice_gives_the_same_bytes(drawn, tmp_path):
    write_report(tmp_path, *synthetic_report.report())
    first = {path.relative_to(drawn): path.read_bytes() for path in drawn.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert first == second


def test_the_page_loads_nothing(page):
    found = Loads()
    found.feed(page)
    assert [load for load in found.loads if load != "data:,"] == []
    assert not re.search(r"url\((?!#)|@import|@font-face", page)
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", page))
    assert addresses <= {
        "http://www.w3.org/2000/svg",
        "https://github.com/leeoniya/uPlot",
    }  # names, not loads


def test_every_link_leads_to_something_and_ids_are_distinct(page):
    found = Loads()
    found.feed(page)
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)


def test_the_policy_allows_the_one_script_by_its_digest(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy
    assert page.count("<script") == 4


def test_the_answer_comes_first(page):
    heading = re.search(r"<h1>(.*?)</h1>", page)[1]
    assert heading.startswith(
        "peft 0.21.2 is good. 0.12.0 repaired float16 training (last bad 0.11.1), confirmed; "
    )
    assert "0.7.0 broke it (last good 0.6.2), confirmed" in heading
    assert page.index("<h1>") < page.index("<h2")


def test_figures_are_described_in_words(page):
    described = re.findall(r'role="img" aria-label="([^"]*)"', page)
    assert any("not finite from step 1" in text for text in described)
    assert any("identical" in text for text in described)


def test_importing_the_report_imports_no_drawing_library():
    code = "import sys, harness.report; print([m for m in ('matplotlib', 'numpy', 'pandas', 'jinja2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_without_any_arm_is_still_a_page(tmp_path):
    report, _ = synthetic_report.report(arms=())
    write_report(tmp_path, report, {})
    assert "Nothing was run for peft." in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Nothing was run" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_run_whose_evidence_was_swept_away_is_drawn_without_curves(tmp_path):
    report, _ = synthetic_report.report()
    write_report(tmp_path, report, {})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "0.7.0 broke it (last good 0.6.2)" in page
    assert 'id="curves"' not in page
