"""What a question about two environments leaves behind: both environments, if they are not too large, and nothing else."""

from __future__ import annotations

import json

import pytest

from harness.blame import leftovers
from harness.blame.leftovers import clear
from harness.environments import integrity
from harness.environments.environment import MARKER
from harness.locks.lock import Lock, Pinned


def lock(name):
    return Lock((Pinned(name, "1.0", ("sha256:0",)),), "fixed", "3.11", "linux-x86_64")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "environments"


@pytest.fixture
def made(root):
    """Make an environment as a finished one lies there, on a base; returns its folder."""

    def folder(place, digest, base):
        place.mkdir(parents=True, exist_ok=True)
        (place / MARKER).write_text(
            json.dumps({"lock": digest, "base": base, "seconds": 1.0}), encoding="utf-8"
        )
        (place / integrity.STATE).write_text("", encoding="utf-8")
        (place / "content").write_bytes(b"x" * 50_000)
        return place

    def environment(one, base):
        folder(root / base, "", None)
        return folder(root / one.digest[:20], one.digest, base)

    return environment


@pytest.fixture
def asked(root, made, tmp_path):
    """Both ends, a mixture, a release of a culprit on a base of its own, and what was there before."""
    runs = tmp_path / "runs"
    (runs / "first" / "locks").mkdir(parents=True)
    (runs / "first" / "locks" / "1.0.txt").write_text(lock("release").text(), encoding="utf-8")
    (runs / "first" / "locks" / "2.0.txt").write_text("# no version of it\n", encoding="utf-8")
    before = made(lock("before"), "base-before")
    (runs / "first" / "locks" / "3.0.txt").write_text(lock("before").text(), encoding="utf-8")
    places = {name: made(lock(name), "base-shared") for name in ("good", "bad", "mixture")}
    places["release"] = made(lock("release"), "base-own")
    left = clear(
        root,
        before={before, root / "base-before"},
        ends=[lock("good"), lock("bad")],
        others=[lock("mixture"), lock("bad")],
        runs=runs,
    )
    return places, left


def test_both_ends_and_their_base_stay(root, asked):
    places, left = asked
    there = {path.name for path in root.iterdir()}
    assert there == {
        "base-before",
        "base-shared",
        *(lock(name).digest[:20] for name in ("before", "good", "bad")),
    }
    assert 150_000 <= left <= 200_000
    assert not places["mixture"].exists()


class TestTooLarge:
    @pytest.fixture(autouse=True)
    def little(self, monkeypatch):
        monkeypatch.setattr(leftovers, "MOST_LEFT", 100_000)

    def test_nothing_stays_but_what_was_there(self, little, root, asked):
        assert {path.name for path in root.iterdir()} == {"base-before", lock("before").digest[:20]}
        assert asked[1] == 0
