"""Two environments with many changes: the culprits are named exactly, and no innocent is."""

from __future__ import annotations

import pytest
from worlds import job

FAILS = "raise ValueError('planted')"


def test_one_culprit_among_many_and_its_release(world):
    job("import guilty", "assert guilty.X < 3, 'planted'")
    history = {f"1.{minor}": f"X = {1 if minor < 3 else 3}\n" for minor in range(6)}
    asked = world(good={"guilty": "1.0"}, bad={"guilty": "1.5"}, packages={"guilty": history}, code=0)
    assert asked.sets == [[["guilty"]]]
    assert asked.headline == (
        "Guilty 1.0 -> 1.5 did it, alone; the 40 other changed packages are innocent; its first bad release is 1.3."
    )
    assert asked.blame["executions"] <= 16
