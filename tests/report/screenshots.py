"""Make the README's screenshots again, from a real run: `python tests/report/screenshots.py [RUN [FOLDER]]`.

RUN is the folder of a run, default `reports/latest`; FOLDER is where the pictures go, default
`reports/example/screenshots`. Needs Chromium, as the tests of the page do.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from browser import FLAGS, PHONE
from PIL import Image
from playwright.sync_api import sync_playwright

from harness.site.publish import publish

DESKTOP = {"width": 1200, "height": 1390}
VIEWS = {
    "desktop": ("report", "#answer", {"viewport": DESKTOP}),
    "dark": ("report", "#curves", {"viewport": {"width": 1200, "height": 720}, "color_scheme": "dark"}),
    "phone": (
        "report",
        "#answer",
        {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 2},
    ),
    "site": ("site", "#now", {"viewport": {"width": 1200, "height": 640}}),
}
COLOURS = 96


def main(run, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        reports, site = Path(made) / "reports", Path(made) / "site"
        shutil.copytree(run.resolve(), reports / run.resolve().name)
        publish(reports, site, title="Training bisections")
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for name, (what, fragment, options) in VIEWS.items():
            context = browser.new_context(**options)
            page = context.new_page()
            page.goto(f"file://{site if what == 'site' else run.resolve()}/index.html")
            if fragment == "#curves":
                page.locator(fragment).evaluate("section => section.scrollIntoView()")
                page.locator("#chart canvas").wait_for()
                page.wait_for_timeout(300)
                page.locator(fragment).evaluate("section => section.scrollIntoView()")
                box = page.locator("#chart .u-over").bounding_box()
                page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80)
            page.wait_for_timeout(300)
            save(page.screenshot(), folder / f"{name}.png")
        browser.close()


def save(shot, path):
    """Keep a picture of flat colours as a palette: a third of the size."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(*given, *(Path("reports/latest"), Path("reports/example/screenshots"))[len(given) :])
