"""The machine that a job runs on: making it deterministic, and telling what it is."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

try:
    import resource
except ImportError:  # Windows has no such module
    resource = None  # type: ignore[assignment]

_STANDARD_LIBRARY = os.path.dirname(os.__file__)


def deterministic(device: str = "auto", threads: int = 1) -> Any:
    """Make torch repeat itself bit for bit and return the torch.device to train on.

    Call it before anything touches CUDA: cuBLAS reads its workspace setting once.

    Args:
        device: `auto` (CUDA where there is one, else the CPU), `cpu` or `cuda`.
        threads: Of one operation on the CPU; the order of a parallel sum depends on it.
    """
    import torch

    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def describe(device: Any) -> dict[str, Any]:
    """Return python, packages, device, device_name, threads and deterministic, as the `start` event has them.

    On CUDA also `gpu`, see `gpu`.
    """
    import platform

    torch = sys.modules.get("torch")
    kind = str(device).partition(":")[0]
    return {
        "python": platform.python_version(),
        "packages": _packages(),
        "device": kind,
        "device_name": torch.cuda.get_device_name(device) if torch and kind == "cuda" else _processor(),
        "threads": torch.get_num_threads() if torch else 1,
        "deterministic": torch.are_deterministic_algorithms_enabled() if torch else True,
        **({"gpu": gpu(torch, device)} if torch and kind == "cuda" else {}),
    }


def gpu(torch: Any, device: Any) -> dict[str, Any]:
    """Return what decides, besides the device's name, which numbers a GPU gives.

    Returns:
        `capability` (as 9.0), `memory` (bytes) and `driver` of the device, and what `libraries` returns.
    """
    facts = torch.cuda.get_device_properties(device)
    capability = "%d.%d" % (facts.major, facts.minor)
    return {
        "capability": capability,
        "memory": facts.total_memory,
        "driver": driver(),
        **libraries(torch),
    }


def libraries(torch: Any) -> dict[str, Any]:
    """Return `cuda` and `cudnn`, the versions that torch has, and whether `tf32_matmul` and `tf32_cudnn` are in force."""
    return {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32_cudnn": torch.backends.cudnn.allow_tf32,
    }


def driver(path: str = "/proc/driver/nvidia/version") -> str | None:
    """Return the version of NVIDIA's kernel driver; None where the file that tells it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            found = re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)\s", lines.read())
    except OSError:
        return None
    return found[1] if found else None


def memory_peak() -> dict[str, int | None]:
    """Return `memory_peak`, the most bytes that this process ever held, and on CUDA `device_memory_peak`."""
    peak: dict[str, int | None] = {"memory_peak": _resident_peak()}
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available() and torch.cuda.is_initialized():
        peak["device_memory_peak"] = torch.cuda.max_memory_allocated()
    return peak


def process_memory_peak() -> int | None:
    """Return the most bytes that this process, or one child that it waited for, held at a time.

    The largest of them counts, not their sum: Linux keeps no peak of a sum. None where the system does not tell the
    peak of this program alone.
    """
    own = _high_water_mark()
    if own is None or resource is None:
        return own
    return max(own, int(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024)


def _high_water_mark() -> int | None:
    """Return the most bytes that this program held, as Linux counts it.

    getrusage is no help: its figure begins with the size of the process that started this one.
    """
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:
            found = re.search(r"^VmHWM:\s+(\d+) kB", lines.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _resident_peak() -> int | None:
    """Return the peak of this program, by getrusage where the system has nothing better."""
    peak = _high_water_mark()
    if peak is not None or resource is None:
        return peak
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes there, kibibytes elsewhere
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


def _packages() -> dict[str, str]:
    """Return name and version of every package imported so far, as the package itself tells them."""
    versions = {}
    for name, module in sorted(sys.modules.items()):
        version = vars(module).get("__version__") if hasattr(module, "__dict__") else None
        if "." not in name and isinstance(version, str) and not _is_standard(module):
            versions[name] = version
    return versions


def _is_standard(module: Any) -> bool:
    path = vars(module).get("__file__") or _STANDARD_LIBRARY
    return path.startswith(_STANDARD_LIBRARY) and "site-packages" not in path


def _processor() -> str:
    """Return the processor's model name: Linux keeps it in a file, others may tell the platform module."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    import platform

    return platform.processor() or platform.machine()
