"""The interactive curves in a real browser."""

from __future__ import annotations

import synthetic_report
from browser import PHONE, cell, fingers

from harness.report import write_report


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
    values = [text.split() for text in rows.nth(1).locator(".value > span").all_inner_texts()]
    assert values[:2] == [["seed", "0", "NaN"], ["seed", "1", "NaN"]]
    assert "2 of 3 seeds" in rows.nth(1).inner_text()
    assert "seeds of one line" in page.locator("#chart-note").inner_text()
    before = chart.screenshot()
    rows.nth(0).locator("input").uncheck()
    rows.nth(1).locator("input").uncheck()
    page.wait_for_timeout(100)
    assert chart.screenshot() != before
    cell(page, "fp16", "0.7.0").click()
    steps = page.locator('[id="probe-fp16-0.7.0"] .steps')
    steps.get_by_text("seed 0").first.wait_for()  # what is folded is filled when it opens
    assert "seed 0" in steps.inner_text()


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


def show(page, **how):
    """Show a page in another way, and wait until its chart, which is made anew, is drawn: it is told in a first frame."""
    page.emulate_media(**how)
    page.evaluate(
        "async () => { for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame); }"
    )


def test_a_page_in_the_dark_is_printed_in_the_colours_of_paper(drawn, visit):
    page = visit(drawn, "#curves", color_scheme="dark")
    chart = page.locator("#chart canvas")
    chart.wait_for()
    show(page, media="print", color_scheme="light")
    expected = chart.screenshot()
    show(page, media="screen", color_scheme="dark")
    show(page, media="print", color_scheme="dark")
    assert chart.screenshot() == expected
