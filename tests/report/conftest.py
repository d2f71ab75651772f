"""Reports drawn once for all tests that only read them, and gold files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import synthetic_report

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
