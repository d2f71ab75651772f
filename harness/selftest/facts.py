"""What decides which numbers a device gives, as the trace of a training on it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.selftest.summary import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.selftest.releases import Found
    from harness.sessions.finding import Finding

_OF_GPU = {
    "capability": "compute capability",
    "memory": "memory of the device",
    "driver": "driver",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
}
"""{key of a trace's `gpu`: what it is called}."""
_TF32 = ("tf32_matmul", "tf32_cudnn")


def name_of(control: Finding) -> str:
    """Return the device's name."""
    return str(_start(control).get("device_name") or "unknown")


def facts_of(control: Finding) -> dict[str, str]:
    """Return all facts that the trace tells, as text."""
    start = _start(control)
    told = {"torch": start.get("packages", {}).get("torch", ""), "python": start.get("python", "")}
    told["deterministic algorithms"] = "on" if start.get("deterministic") else "off"
    if gpu := start.get("gpu"):
        known = {words: gpu[key] for key, words in _OF_GPU.items() if gpu.get(key) is not None}
        if "memory" in gpu:
            known[_OF_GPU["memory"]] = f"{gpu['memory'] / 2**30:.1f} GiB"
        told |= known | {"TF32": "on" if any(map(gpu.get, _TF32)) else "off"}
    return {name: str(value) for name, value in told.items()}


def judge_facts(control: Finding, device: str) -> Found:
    """Tell whether the trace names all facts, and whether what makes results repeatable is in force."""
    wrong = list(_wrong(control, device))
    seen = [name_of(control), *(f"{name} {value}" for name, value in facts_of(control).items())]
    return (State.FAILED if wrong else State.PASSED), [*seen, *wrong]


def _wrong(control: Finding, device: str) -> Iterator[str]:
    start, told = _start(control), facts_of(control)
    if not control.trace.steps:
        yield f"the job did not train: {control.judgement.reason}"
        return
    if start.get("device") != device:
        yield f"the job ran on {start.get('device')}, not on {device}"
    lacking = [words for words in _OF_GPU.values() if words not in told] if device == "cuda" else []
    if lacking:
        yield f"not told: {', '.join(lacking)}"
    if told["deterministic algorithms"] == "off":
        yield "deterministic algorithms have to be on"
    if told.get("TF32") == "on":
        yield "TF32 has to be off"


def _start(control: Finding) -> Mapping[str, Any]:
    return control.trace.start or {}
