"""Whether a training goes on after its first steps: the harness is asked, where it listens.

It reads the trace so far and answers at once: a release that begins otherwise than its neighbour is wanted in full, and
its process goes on in place of beginning anew.
"""

from __future__ import annotations

import os
import time

ASKS, ANSWER = ".asks", ".answer"  # behind the name of the trace's file
GO = "go"
_PATIENCE = 60.0  # seconds that an answer may take
_BETWEEN = 0.02  # seconds between two looks


def goes_on() -> bool:
    """Ask the harness; no, where it does not listen."""
    trace = os.environ.get("HARNESS_TRACE")
    if not trace or not os.environ.get("HARNESS_LISTENS"):
        return False
    open(trace + ASKS, "wb").close()
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            with open(trace + ANSWER, encoding="utf-8") as answer:
                return answer.read() == GO
        except FileNotFoundError:
            time.sleep(_BETWEEN)
    return False
