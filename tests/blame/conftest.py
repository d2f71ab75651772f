"""An index of its own for each test, and what asks `blame` there."""

from __future__ import annotations

import os

import pytest
from toyindex import ToyIndex
from worlds import NEUTRAL, freeze, names, read, serve


@pytest.fixture
def world(toy, harness, monkeypatch):
    """Serve packages beside 40 neutral ones, write both lists, and ask; returns what was answered."""
    monkeypatch.setenv("HARNESS_HOME", str(toy / "fresh"))
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def ask(*words, good=None, bad=None, pads=40, packages=None, code=None):
            if not index.packages:
                serve(index, {name: NEUTRAL for name in names(pads)} | (packages or {}))
            if good is not None:
                freeze("good.txt", dict.fromkeys(names(pads), "1.0") | good)
                freeze("bad.txt", dict.fromkeys(names(pads), "2.0") | bad)
            ends = () if "--good" in words else ("--good", "good.txt", "--bad", "bad.txt")
            done = harness("blame", *ends, *words, "--", "python", "job.py", env=dict(os.environ))
            assert "Traceback" not in done.stderr, done.stderr
            if code is not None:
                assert done.returncode == code, done.stdout + done.stderr
            return read(done)

        ask.index = index
        yield ask
