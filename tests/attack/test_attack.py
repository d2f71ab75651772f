"""A short part of the campaign, a few attacks of every kind, always the same; `nox -s attack` goes on from there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campaign import KINDS, one
from world import World


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("attack") / "world")
    yield world
    world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_of_each_kind_is_held(attacked, kind):
    fault = one(attacked, kind, 0, list(KINDS).index(kind))
    if fault is None:
        pytest.skip("it cannot be made here")
    assert fault == ""
