"""The page in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

import dataclasses
import time

import pytest
import synthetic_report
from browser import PHONE, cell, violations
from test_report_hostile import hostile

from harness.report import write_report


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile-page")
    write_report(folder, *hostile())
    return folder


def test_the_answer_is_what_one_sees_first(drawn, visit):
    page = visit(drawn)
    assert page.title().startswith("peft 0.21.2 is good. 0.12.0 repaired float16 training")
    box = page.locator("h1").bounding_box()
    assert box["y"] + box["height"] < 400
    assert page.locator(".badge", has_text="confirmed").first.is_visible()


def test_a_cell_tells_its_release_on_hover_and_focus(drawn, visit):
    page = visit(drawn)
    assert page.locator(".cell").count() == 2 * len(synthetic_report.RELEASES)
    cell(page, "fp16", "0.7.0").hover()
    tip = page.locator("#tip")
    assert tip.is_visible()
    for expected in (
        "0.7.0 · fp16 · bad",
        "lora_A are NaN",
        "step 1",
        "training 2.10 s",
        "uploaded 2023-12-06",
    ):
        assert expected in tip.inner_text()
    cell(page, "fp16", "0.3.0").focus()
    page.keyboard.press("ArrowRight")
    assert "0.4.0 · fp16 · good" in tip.inner_text()
    page.keyboard.press("ArrowDown")
    assert "0.4.0 · bf16" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_a_cell_opens_its_probe_with_steps_and_log(drawn, visit):
    page = visit(drawn)
    probe = page.locator('[id="probe-fp16-0.7.0"]')
    assert not probe.locator("dl").is_visible()
    cell(page, "fp16", "0.7.0").click()
    assert "loading peft 0.7.0" in probe.locator(".log pre").inner_text()
    assert "NaN" in probe.locator(".steps table").inner_text()
    assert "--release 0.7.0 --arm fp16" in probe.locator(".command").inner_text()
    assert probe.bounding_box()["y"] < 800


def test_spacing_by_date(drawn, visit):
    page = visit(drawn)
    before = (
        cell(page, "fp16", "0.12.0").bounding_box()["x"] - cell(page, "fp16", "0.11.1").bounding_box()["x"]
    )
    page.check("input[value=date]")
    after = (
        cell(page, "fp16", "0.12.0").bounding_box()["x"] - cell(page, "fp16", "0.11.1").bounding_box()["x"]
    )
    assert after > before
    assert page.get_by_text("2025", exact=True).is_visible()


def test_spacing_by_date_on_a_phone(drawn, visit):
    page = visit(drawn, viewport=PHONE, has_touch=True, is_mobile=True)
    versions = ("0.11.0", "0.11.1", "0.12.0")
    even = [cell(page, "fp16", version).bounding_box()["y"] for version in versions]
    page.locator("#spacing label", has_text="by date").tap()
    dated = [cell(page, "fp16", version).bounding_box()["y"] for version in versions]
    assert even[2] - even[1] == pytest.approx(even[1] - even[0], abs=1)
    assert dated[2] - dated[1] > 2 * (dated[1] - dated[0]), "a day, then two months"
    assert cell(page, "fp16", "0.11.1").bounding_box()["height"] >= 24
    assert page.get_by_text("2025", exact=True).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_table_says_what_the_strip_shows(drawn, visit):
    page = visit(drawn)
    page.locator("#map summary").click()
    row = page.locator("#map tbody tr", has=page.locator("th", has_text="0.7.0"))
    assert row.locator("td").all_inner_texts() == ["2023-12-06", "bad", "B", "C", "good", "B", "C"]


@pytest.mark.parametrize(
    "target", ["changes", "at-0.6.2-0.7.0", "arm-bf16", "environment", "probes-bf16", "probe-bf16-0.9.0"]
)
def test_deep_links(drawn, visit, target):
    page = visit(drawn, f"#{target}")
    found = page.locator(f'[id="{target}"]')
    page.wait_for_timeout(200)
    assert found.is_visible()
    assert -1 <= found.bounding_box()["y"] < 800
    assert all(found.locator("xpath=ancestor::details").evaluate_all("folds => folds.map(fold => fold.open)"))


def test_copy_as_issue(drawn, visit):
    page = visit(drawn, permissions=["clipboard-read", "clipboard-write"])
    page.click("#copy-issue")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == (drawn / "issue.md").read_text(encoding="utf-8")
    page.locator("#reproduce .copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("python -m harness bisect")


def test_the_text_of_the_issue_can_be_seen_without_a_clipboard(drawn, visit):
    page = visit(drawn)
    page.click("#show-issue")
    assert page.locator("#issue-text").input_value() == (drawn / "issue.md").read_text(encoding="utf-8")


def test_both_themes_and_the_switch(drawn, visit):
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = visit(drawn), visit(drawn, color_scheme="dark")
    assert light.evaluate(ground) == "rgb(255, 255, 255)"
    assert dark.evaluate(ground) == "rgb(20, 23, 26)"
    for expected in ("rgb(255, 255, 255)", "rgb(20, 23, 26)"):
        light.click("#theme")
        assert light.evaluate(ground) == expected
    light.reload()
    assert light.evaluate(ground) == "rgb(20, 23, 26)"


@pytest.mark.parametrize("kind", ["drawn", "hostile_folder"])
def test_a_phone_needs_no_sideways_scrolling(request, visit, kind):
    page = visit(request.getfixturevalue(kind), viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    first, second = page.locator(".cell").nth(0).bounding_box(), page.locator(".cell").nth(1).bounding_box()
    assert second["y"] > first["y"]
    assert first["height"] >= 24
    assert first["width"] >= 24


def test_without_scripts_the_answer_the_strip_and_the_figures_are_there(drawn, visit):
    page = visit(drawn, java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("#copy-issue").is_hidden()
    page.locator('[id="probes-fp16"] > summary').click()
    page.locator('[id="probe-fp16-0.7.0"] > summary').click()
    assert page.locator('[id="probe-fp16-0.7.0"] dl').is_visible()


def test_printing_hides_the_controls_and_keeps_the_figures(drawn, visit):
    page = visit(drawn)
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("figure svg").first.is_visible()


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=["light", "dark", "phone"]
)
def test_accessibility(drawn, visit, options):
    page = visit(drawn, "#probe-fp16-0.7.0", **options)
    page.locator("#explorer").scroll_into_view_if_needed()
    page.locator("#chart canvas").wait_for()
    assert violations(page) == []


def test_hostile_text_does_nothing(hostile_folder, visit):
    page = visit(hostile_folder)
    for fold in page.locator("details").all():
        fold.evaluate("fold => { fold.open = true; }")
    page.locator("#explorer").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert "<script>" in page.locator(".log pre").first.inner_text()


def test_the_largest_page_opens(largest, visit, record_property):
    start = time.perf_counter()
    page = visit(largest)
    page.locator("h1").wait_for()
    record_property("seconds_to_open", round(time.perf_counter() - start, 2))
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    record_property("milliseconds_to_load", round(loaded))
    assert loaded < 10_000, "ten times what is wanted of an idle machine"
    page.locator("#explorer").scroll_into_view_if_needed()
    page.locator("#chart canvas").wait_for()
    assert page.locator("#lines tbody tr").count() == len(synthetic_report.RELEASES)


def test_a_report_without_arms_opens(tmp_path, visit):
    report, _ = synthetic_report.report(arms=())
    write_report(tmp_path, dataclasses.replace(report, environment={}), {})
    assert visit(tmp_path).locator("h1").inner_text() == "Nothing was run for peft."
