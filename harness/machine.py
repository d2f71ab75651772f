"""What this machine is, as reports tell it."""

from __future__ import annotations

import os
import platform

import psutil


def processor() -> str:
    """Return the name of the processor, and how many cores it has."""
    return f"{_name()}, {psutil.cpu_count()} cores"


_OF_TRAINING = (
    "CUBLAS_",
    "CUDA_",
    "MKL_",
    "NCCL_",
    "NVIDIA_",
    "OMP_",
    "OPENBLAS_",
    "PYTORCH_",
    "TORCH_",
    "XLA_",
)
"""How the names of variables begin by which torch and the libraries below it behave otherwise."""


def training_variables() -> dict[str, str]:
    """Return the variables of this process by which torch and its libraries may behave otherwise, sorted by name."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(_OF_TRAINING)}


def _name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a file of this machine's disk
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
