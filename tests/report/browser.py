"""What the tests in a browser share."""

from __future__ import annotations

import os

import pytest

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


def missing(what):
    message = f"{what} is missing: apt-get install chromium, pip install playwright axe-playwright-python"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def cell(page, arm, version):
    return page.locator(f'.cell[href="#probe-{arm}-{version}"]')


def fingers(page, *steps):
    """Put fingers on the page, move them and lift them; each step is a list of (x, y)."""
    session = page.context.new_cdp_session(page)
    for index, places in enumerate([*steps, []]):
        kind = "touchStart" if index == 0 else "touchMove" if places else "touchEnd"
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(50)


def violations(page):
    """Return what axe-core finds serious or critical."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        missing("axe-playwright-python")
    found = Axe().run(page).response["violations"]
    grave = [item for item in found if item["impact"] in ("serious", "critical")]
    return [(item["id"], item["nodes"][0]["html"][:200]) for item in grave]
