"""From how a probe ended and what it recorded to its verdict: the rules of the contract, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.probes.probe import first_line
from harness.verdicts import oracles
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.probes.probe import Execution
    from harness.traces.trace import Trace


def judge(execution: Execution, trace: Trace, settings: Mapping[str, Any], output: str = "") -> Judgement:
    """Return the verdict of one execution.

    Args:
        execution: How its process ended.
        trace: What it recorded.
        settings: The scenario's oracle.
        output: What it printed; its last line explains an end that the trace does not.
    """
    outside = execution.ended_from_outside(trace)
    if outside:
        again = ", twice" if execution.attempts > 1 else ""
        return Judgement(Verdict.SKIP, f"{outside}{again}")
    if trace.error is not None:
        return _error(trace.error, in_training=trace.training)
    if trace.start is None:
        return Judgement(Verdict.SKIP, f"error before training: {_last_line(output, execution)}")
    if trace.end is None:
        return Judgement(
            Verdict.SKIP, f"the trace breaks off without an error: {_last_line(output, execution)}"
        )
    identity = trace.identity or {}
    if identity.get("expected") is not None and identity.get("expected") != identity.get("start"):
        return Judgement(
            Verdict.SKIP, "not identical: the start values in force are not those that were injected"
        )
    return oracles.apply(trace, settings)


def _error(error: Mapping[str, Any], *, in_training: bool) -> Judgement:
    said = f"{error['exception']}: {first_line(error.get('message', ''))}"
    if not in_training:
        return Judgement(Verdict.SKIP, f"error before training: {said}")
    step, phase = error.get("step"), error.get("phase")
    fingerprint = Fingerprint("exception", step, phase, exception=error["exception"])
    return Judgement(Verdict.BAD, f"{said} (step {step}, {phase})", fingerprint)


def _last_line(output: str, execution: Execution) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return first_line(lines[-1]) if lines else f"exit status {execution.code} and no output"
