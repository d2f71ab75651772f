"""What the harness measures of a probe without the job's doing: times and memory, as metrics.

They are known of probes that had the machine to themselves and a process of their own, and of no others: what runs
beside a probe slows it down, and a child of a warm parent has imported before it began.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace

MEASURED: Mapping[str, str] = {
    "step_seconds": "median time of a step after the first tenth of them, without the recorder's own work (on CUDA "
    "with it)",
    "steps_per_second": "1 / step_seconds",
    "tokens_per_second": "median over the same steps of `tokens`, which the job hands to recorder.step, by their time",
    "memory_peak": "most bytes that the process, or one that it started, held; on CUDA, most bytes that its tensors did",
    "wall_seconds": "from the start of the process to its end",
    "import_seconds": "from the start of the process until the job makes its recorder",
}
"""Names of all of them, with their meaning."""

COUNTED: Mapping[str, str] = {
    "python_calls": "calls of Python functions",
    "operations": "operations that torch executes: forward, backward and optimizer",
    "allocations": "tensors' storages that these operations allocate",
}
"""Names of what is counted only where the question is about it, with their meaning: counts repeat where seconds do not."""

OWN = frozenset({*MEASURED, *COUNTED})
"""All metrics that are the harness's own."""


def higher_is_worse(name: str) -> bool:
    """Tell whether more of a metric is worse, by its name: all but rates."""
    return not name.endswith("_per_second")


def figure(name: str, value: float) -> str:
    """Return one value of a metric as text: four digits, of bytes the MB, as reports give memory."""
    if name != "memory_peak":
        return f"{value:.4g}"
    megabytes = value / 1e6
    return f"{megabytes:,.0f} MB" if megabytes >= 1000 else f"{megabytes:.4g} MB"


def is_below(name: str, trace: Trace) -> bool:
    """Tell whether a metric is missing because the harness itself held more memory than the job.

    Linux counts the memory of a process from the size of the one that started it, see `Execution.memory_peak`.
    """
    return name == "memory_peak" and not trace.signal(name) and bool(trace.signal("wall_seconds"))


def measured(trace: Trace, *, seconds: float, memory_peak: int | None) -> dict[str, list[float | None]]:
    """Return those that are known of a probe.

    Args:
        trace: What it recorded.
        seconds: How long its process lived.
        memory_peak: Most bytes that its process held; None below what can be measured.
    """
    start, end = trace.start or {}, trace.end or {}
    steps = list(zip(trace.seconds, trace.signal("tokens") or [None] * len(trace.steps), strict=True))
    steps = [
        (took, tokens) for took, tokens in steps[-(-len(steps) // 10) if len(steps) > 1 else 0 :] if took
    ]
    rates = [tokens / took for took, tokens in steps if took is not None and tokens is not None]
    found: dict[str, float | None] = {
        "memory_peak": end.get("device_memory_peak") or memory_peak or end.get("memory_peak"),
        "wall_seconds": seconds,
        "import_seconds": start.get("seconds"),
    }
    if steps:
        step = median(took for took, _ in steps if took is not None)
        found |= {"step_seconds": step, "steps_per_second": 1 / step}
    if rates:
        found["tokens_per_second"] = median(rates)
    return {name: [float(value)] for name, value in found.items() if value is not None}
