"""One index with packages that do nothing, and what asks `blame` there about further packages of a test's own."""

from __future__ import annotations

import pytest
from toyindex import ToyIndex
from worlds import COUNT, NEUTRAL, freeze, names, read, serve


@pytest.fixture(scope="session")
def pads():
    """Serve the packages that do nothing; what uv fetched for one test, the next one finds."""
    with ToyIndex(metadata=True, lasting=True) as index:
        serve(index, dict.fromkeys(names(), NEUTRAL))
        yield index


@pytest.fixture
def world(toy, harness, monkeypatch, pads):
    """Put packages of the test's own beside the others, write both lists, and ask; returns what was answered.

    Names of those packages must be no other test's, since an index does not change a release.
    """
    monkeypatch.setenv("UV_DEFAULT_INDEX", pads.url)

    def ask(*words, good=None, bad=None, packages=None, code=None, count=COUNT):
        serve(pads, packages or {})
        if good is not None:
            freeze("good.txt", dict.fromkeys(names(count), "1.0") | good)
            freeze("bad.txt", dict.fromkeys(names(count), "2.0") | bad)
        ends = () if "--good" in words else ("--good", "good.txt", "--bad", "bad.txt")
        done = harness("blame", *ends, *words, "--", "python", "job.py")
        assert "Traceback" not in done.stderr, done.stderr
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return read(done)

    ask.index = pads
    return ask
