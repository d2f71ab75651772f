"""What a process knows of the other ranks of its job: which one it is, where its trace goes, and where it stands."""

from __future__ import annotations

import contextlib
import faulthandler
import os
from typing import Optional, Tuple

_STACKS = []  # files that stay open: the handler writes into them whatever the process does


def rank_and_size() -> Tuple[int, int]:
    """Return the rank of this process and the number of ranks, as torch's launchers tell them; (0, 1) without."""
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1


def trace_path() -> Optional[str]:
    """Return the file that this process records into: a trace of its own for each rank, whoever started the ranks."""
    path = os.environ.get("HARNESS_TRACE")
    rank, size = rank_and_size()
    return "%s.rank%d" % (path, rank) if path and size > 1 else path


def tell_stack_when_asked() -> None:
    """Write the stacks of all threads into a file when a signal comes, if the harness asks for that in HARNESS_STACK.

    The handler is faulthandler's, so it answers though the process waits in a library of C.
    """
    number, _, path = os.environ.get("HARNESS_STACK", "").partition(" ")
    if path:
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            _STACKS.append(open(path, "w"))  # noqa: SIM115 - it stays open
            faulthandler.register(int(number), file=_STACKS[-1], all_threads=True)
