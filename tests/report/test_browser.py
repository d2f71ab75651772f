"""The page in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time

import pytest
import synthetic_report
from test_report_hostile import hostile

from harness.report import write_report
from harness.site.publish import publish

FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 375, "height": 740}


def _missing(what):
    message = f"{what} is missing: apt-get install chromium, pip install playwright axe-playwright-python"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        _missing("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a page and, at the end, insist that it loaded nothing and complained of nothing."""
    contexts, faults = [], []

    def open_page(folder, fragment="", **options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        address = f"file://{folder}/index.html"
        page.on(
            "request",
            lambda request: request.url.split("#")[0] == address or faults.append(f"loads {request.url}"),
        )
        page.on(
            "console", lambda message: message.type in ("error", "warning") and faults.append(message.text)
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile-page")
    write_report(folder, *hostile())
    return folder


def cell(page, arm, version):
    return page.locator(f'.cell[href="#probe-{arm}-{version}"]')


def test_the_answer_is_what_one_sees_first(drawn, visit):
    page = visit(drawn)
    assert page.title().startswith("peft 0.7.0 broke fp16 training")
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


def test_the_table_says_what_the_strip_shows(drawn, visit):
    page = visit(drawn)
    page.locator("#map summary").click()
    row = page.locator("#map tbody tr", has=page.locator("th", has_text="0.7.0"))
    assert row.locator("td").all_inner_texts() == ["2023-12-06", "bad", "B", "C", "good", "B", "C"]


def test_curves_choose_toggle_zoom_and_read(drawn, visit):
    page = visit(drawn, "#curves")
    chart = page.locator("#chart canvas")
    chart.wait_for()
    pictures = [chart.screenshot()]

    def changed():
        page.wait_for_timeout(100)
        pictures.append(chart.screenshot())
        return pictures[-1] != pictures[-2]

    page.check('input[name="curve-arm"][value="1"]')
    assert changed()
    page.locator("#lines input").nth(1).uncheck()
    assert changed()
    page.select_option("#curve-signal", "score.gradient.backward.norm")
    assert changed()
    assert page.locator('input[name="curve-scale"][value="log"]').is_checked()
    page.check('input[name="curve-scale"][value="linear"]')
    assert changed()
    page.click("#zoom-in")
    assert changed()
    page.click("#zoom-all")
    assert changed()
    area = page.locator("#chart .u-over").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + 50)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 50, steps=4)
    page.mouse.up()
    assert changed()


def fingers(page, *steps):
    """Put fingers on the page, move them and lift them; each step is a list of (x, y)."""
    session = page.context.new_cdp_session(page)
    for index, places in enumerate([*steps, []]):
        kind = "touchStart" if index == 0 else "touchMove" if places else "touchEnd"
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(50)


def test_fingers_zoom_move_and_read(drawn, visit):
    page = visit(drawn, "#curves", viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator("#chart canvas").wait_for()
    page.check('input[name="curve-arm"][value="1"]')
    page.locator("#chart").scroll_into_view_if_needed()
    area = page.locator("#chart .u-over").bounding_box()
    left, middle, y = area["x"], area["x"] + area["width"] / 2, area["y"] + 60

    def read_at(x):
        page.touchscreen.tap(x, y)
        return int(page.locator("#at-step").inner_text().removeprefix("step "))

    assert abs(read_at(middle) - 100) <= 3
    whole = read_at(middle + 60) - read_at(middle - 60)
    apart = [[(middle - reach, y), (middle + reach, y)] for reach in (30, 40, 60, 90)]
    fingers(page, *apart)
    assert abs(read_at(middle) - 100) <= 6
    assert read_at(middle + 60) - read_at(middle - 60) < whole / 2
    before = read_at(middle)
    fingers(page, [(middle, y)], [(middle + 20, y)], [(middle + 60, y)])
    assert read_at(middle) < before - 5
    fingers(page, *reversed(apart), *reversed(apart))
    page.click("#zoom-all")
    assert read_at(left + 2) <= 3


def test_all_seeds_are_drawn_read_and_hidden_together(tmp_path, visit):
    write_report(tmp_path, *synthetic_report.with_seeds(*synthetic_report.report()))
    page = visit(tmp_path, "#curves")
    chart = page.locator("#chart canvas")
    chart.wait_for()
    rows = page.locator("#lines tbody tr")
    assert rows.count() == 2
    assert rows.nth(1).locator(".value > span").all_inner_texts()[:2] == ["seed 0NaN", "seed 1NaN"]
    assert "2 of 3 seeds" in rows.nth(1).inner_text()
    assert "seeds of one line" in page.locator("#chart-note").inner_text()
    before = chart.screenshot()
    rows.nth(0).locator("input").uncheck()
    rows.nth(1).locator("input").uncheck()
    page.wait_for_timeout(100)
    assert chart.screenshot() != before
    cell(page, "fp16", "0.7.0").click()
    assert "seed 0" in page.locator('[id="probe-fp16-0.7.0"] .steps').inner_text()


def test_the_crosshair_reads_values_with_mouse_and_keyboard(drawn, visit):
    page = visit(drawn, "#curves")
    page.locator("#chart canvas").wait_for()
    over = page.locator("#chart .u-over")
    size = over.bounding_box()
    over.hover(position={"x": size["width"] / 2, "y": 40})
    assert page.locator("#at-step").inner_text() in {"step 100", "step 101"}
    assert page.locator("#lines .value").all_inner_texts()[1] == "–"  # noqa: RUF001
    page.mouse.move(0, 0)
    page.locator("#chart").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#at-step").inner_text() == "step 2"
    assert page.locator("#lines .value").all_inner_texts()[1] == "NaN"


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
    assert _violations(page) == []


def _violations(page):
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        _missing("axe-playwright-python")
    found = Axe().run(page).response["violations"]
    grave = [item for item in found if item["impact"] in ("serious", "critical")]
    return [(item["id"], item["nodes"][0]["html"][:200]) for item in grave]


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
    assert page.locator("h1").inner_text() == "Both arms train with the newest release."
    assert page.locator(".mini .mark").count() == 2 * len(synthetic_report.RELEASES)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert _violations(page) == []


def test_the_site_links_to_the_change_in_the_report(site, visit):
    page = visit(site)
    link = page.get_by_role("link", name="peft 0.7.0 breaks fp16 in llama_seq_cls").get_attribute("href")
    folder, _, target = link.partition("/index.html")
    report = visit(site / folder, target)
    assert report.locator('[id="at-0.6.2-0.7.0"]').is_visible()


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
