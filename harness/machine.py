"""What this machine is, as reports tell it, and whether it lets the harness load its libraries."""

from __future__ import annotations

import mmap
import os
import resource


def processor() -> str:
    """Return the name of the processor, and how many cores it has."""
    import psutil  # noqa: PLC0415 - kept out of start-up

    return f"{_name()}, {psutil.cpu_count()} cores"


def _name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a file of this machine's disk
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return os.uname().machine


_LIBRARIES, _A_CORE, _MOST = 200 << 20, 40 << 20, 1 << 30
"""Bytes of address space that numpy and its linear algebra take as they are loaded, about; a core adds a buffer."""


def check_address_space() -> None:
    """Complain where a limit leaves too little address space to load numpy.

    Its loader then ends the process with exit status 1, which means a located regression to whoever started it.

    Raises:
        OSError: So it is.
    """
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        mmap.mmap(-1, min(_LIBRARIES + _A_CORE * (os.cpu_count() or 1), _MOST)).close()
