"""Gold files of every text output of one small report; the page without its scripts, styles and drawings."""

from __future__ import annotations

import re

import pytest
import synthetic_report

from harness.report import write_report

KEPT = ("0.5.0", "0.6.0", "0.6.2", "0.7.0", "0.11.1", "0.12.0")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The sides of every boundary of the usual report."""
    folder = tmp_path_factory.mktemp("small")
    report, evidence = synthetic_report.report(steps=20, releases=KEPT)
    write_report(folder, report, evidence)
    return folder


@pytest.mark.parametrize("name", ["summary.md", "issue.md", "junit.xml", "report.json"])
def test_text_outputs(small, matches_gold, name):
    matches_gold(name, (small / name).read_text(encoding="utf-8"))


def test_page(small, matches_gold):
    page = (small / "index.html").read_text(encoding="utf-8")
    for element in ("style", "script"):
        page = re.sub(rf"(<{element}[^>]*>).*?(</{element}>)", r"\1…\2", page, flags=re.DOTALL)
    page = re.sub(r"(<div role=\"img\"[^>]*>)<svg.*?</svg>", r"\1…", page, flags=re.DOTALL)
    page = re.sub(r"sha256-[A-Za-z0-9+/=]+", "sha256-…", page)
    matches_gold("index.html", re.sub(r"\n\s*\n+", "\n", page))
