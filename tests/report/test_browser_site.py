"""The site of all runs in a real browser."""

from __future__ import annotations

import shutil

import pytest
import synthetic_report
from browser import PHONE, violations

from harness.site.publish import publish


@pytest.fixture(scope="module")
def site(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    reports = folder / "reports"
    shutil.copytree(drawn, reports / "one")
    publish(reports, folder / "site", title="Bisections")
    return folder / "site"


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": PHONE, "is_mobile": True}],
    ids=["light", "dark", "phone"],
)
def test_the_site_opens_from_a_disk_is_accessible_and_fits_a_phone(site, visit, options):
    page = visit(site, **options)
    assert page.locator("h1").inner_text() == "Both arms are good with the newest release tested."
    assert page.locator(".mini .mark").count() == 2 * len(synthetic_report.RELEASES)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert violations(page) == []


def test_the_figures_of_the_newest_run_can_be_had(site, visit):
    page = visit(site)
    page.locator(".files summary").click()
    links = page.locator(".files a").evaluate_all("links => links.map(link => link.href)")
    assert links
    for link in links:
        assert (site / link.partition("/site/")[2]).is_file()


def test_the_site_links_to_the_change_in_the_report(site, visit):
    page = visit(site)
    link = page.get_by_role("link", name="peft 0.7.0 breaks fp16 in llama_seq_cls").get_attribute("href")
    folder, _, target = link.partition("/index.html")
    report = visit(site / folder, target)
    assert report.locator('[id="at-0.6.2-0.7.0"]').is_visible()
