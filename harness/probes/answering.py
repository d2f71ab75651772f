"""Answers a job that asks, after its first steps, whether its training goes on."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from harness.files import write_atomic
from harness.traces.read import read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.probes.probe import Probe

ASKS, ANSWER = ".asks", ".answer"
"""Behind the name of the trace's file: the job makes the first file and waits for the second one, as
`harness_recorder.prefix` tells."""

_BETWEEN = 0.05
"""Seconds between two looks."""


def variables(probe: Probe) -> dict[str, str]:
    """Return the environment variables by which a job knows that it may ask."""
    return {} if probe.goes_on is None else {"HARNESS_LISTENS": "1"}


@contextlib.contextmanager
def answering(probe: Probe, trace: Path) -> Iterator[None]:
    """Listen to a job as long as the block lasts.

    Args:
        probe: Knows whether it goes on; one that does not is not listened to.
        trace: The file that the job records into.
    """
    decide = probe.goes_on
    if decide is None:
        yield
        return
    over = threading.Event()
    asks, answer = (trace.with_name(trace.name + ending) for ending in (ASKS, ANSWER))

    def listen() -> None:
        while not over.wait(_BETWEEN):
            if asks.exists():
                write_atomic(answer, "go" if decide(read_trace(trace)) else "stop")
                return

    listener = threading.Thread(target=listen, name="answers a prefix", daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()
