"""What this machine is, as reports tell it."""

from __future__ import annotations

import platform

import psutil


def processor() -> str:
    """Return the name of the processor, and how many cores it has."""
    return f"{_name()}, {psutil.cpu_count()} cores"


def _name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a file of this machine's disk
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
