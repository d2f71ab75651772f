"""A month of its own: an index, a state directory and a working folder that no other test shares."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from simulated import Month
from states import own_state
from toyindex import DAYS, ToyIndex, wheel

CONFIG = """
reports = "reports"

[[watch]]
scenario = "toy"
"""


@pytest.fixture
def own_index():
    with ToyIndex() as index:
        index.add(
            "helper",
            wheel("helper", "1.0", "", uploaded=DAYS[0]),
            wheel("helper", "2.0", "", uploaded=DAYS[1]),
        )
        yield index


@pytest.fixture
def month(own_index, toy_state, tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_DEFAULT_INDEX", own_index.url)
    monkeypatch.setenv("UV_CACHE_DIR", toy_state["UV_CACHE_DIR"])
    monkeypatch.setenv("HARNESS_HOME", own_state(tmp_path / "home", toy_state["HARNESS_HOME"]))
    shutil.copytree(Path(__file__).parent.parent / "scenarios" / "toy", tmp_path / "scenarios" / "toy")
    monkeypatch.chdir(tmp_path)
    return Month(own_index, tmp_path, CONFIG)
