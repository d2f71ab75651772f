"""Resident memory before and after 20,000 calls of np.roots: a leak of some hundred bytes a call shows."""

import os
from pathlib import Path

import numpy as np


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def work(calls):
    for _ in range(calls):
        np.roots([1.0, -6.0, 11.0, -6.0])


work(2_000)
before = resident()
work(20_000)
growth = resident() - before
print(f"grown by {growth:.1f} MiB")
assert growth < 2, f"the memory grew by {growth:.1f} MiB, expected less than 2"
