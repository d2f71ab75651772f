"""How many probes run at a time."""

from __future__ import annotations

import pytest

from harness.runs.drive import fitting

GB = 10**9


@pytest.mark.parametrize(
    ("peak", "running", "available", "slots"),
    [
        (0, 0, 100 * GB, 2),
        (1 * GB, 0, 10 * GB, 8),
        (1 * GB, 2, 10 * GB, 10),
        (20 * GB, 1, 10 * GB, 1),
        (20 * GB, 0, 1 * GB, 1),
    ],
)
def test_memory_decides_how_many_fit(peak, running, available, slots):
    assert fitting(peak, running, available) == slots
