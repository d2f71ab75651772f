"""Reports drawn once for all tests that only read them, and gold files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import synthetic_report
from browser import FLAGS, missing

from harness.report import write_report

GOLD = Path(__file__).parent / "gold"


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """The folder of the report that a real run of two arms would give."""
    folder = tmp_path_factory.mktemp("drawn")
    write_report(folder, *synthetic_report.report())
    return folder


@pytest.fixture(scope="session")
def largest(tmp_path_factory):
    """The folder of the largest report: 34 releases x 3 arms x 1,000 steps."""
    folder = tmp_path_factory.mktemp("largest")
    write_report(folder, *synthetic_report.largest())
    return folder


@pytest.fixture
def matches_gold():
    """Compare text with a gold file; a mismatch is saved beside it. `GOLD=write` accepts the new text."""

    def check(name, text):
        gold, found = GOLD / name, GOLD / f"{name}.new"
        if os.environ.get("GOLD") == "write":
            gold.write_text(text, encoding="utf-8")
        if not gold.exists() or gold.read_text(encoding="utf-8") != text:
            found.write_text(text, encoding="utf-8")
            pytest.fail(f"differs from {gold}: compare with {found.name}, accept with GOLD=write")
        found.unlink(missing_ok=True)

    return check


@pytest.fixture(scope="session")
def chromium():
    """Headless Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        missing("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright")
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
