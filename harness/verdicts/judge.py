"""From how a probe ended and what it recorded to its verdict: the rules of the contract, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.probes.probe import first_line
from harness.verdicts import oracles
from harness.verdicts.exit_status import judge_exit
from harness.verdicts.pytest_status import judge_tests
from harness.verdicts.ranks import judge_ranks
from harness.verdicts.skips import from_outside
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict

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

    def alone(ended: Execution, recorded: Trace, printed: str) -> Judgement:
        return _judge_process(ended, recorded, settings, printed)

    if trace.ranks:
        return judge_ranks(execution, trace, output, settings, alone)
    return alone(execution, trace, output)


def _judge_process(execution: Execution, trace: Trace, settings: Mapping[str, Any], output: str) -> Judgement:
    """Return the verdict of one process."""
    outside = execution.ended_from_outside(trace)
    if outside:
        again = ", twice" if execution.attempts > 1 else ""
        return from_outside(execution, f"{outside}{again}")
    if trace.error is not None and trace.error.get("misused"):
        said = f"the job calls its recorder wrongly: {first_line(trace.error['message'])}"
        return Judgement(Verdict.SKIP, said, skip_kind=SkipKind.NOT_MEASURED)
    if trace.prefix is not None:
        return Judgement(Verdict.UNTESTED, f"executed for its first {trace.prefix} steps alone")
    ended = oracles.by_end(execution, trace, output, settings)
    if ended is not None:
        return ended
    if oracles.by_exit_status(settings):
        if trace.pytest is None:
            ended = judge_exit(execution, trace, output, settings)
        else:
            ended = judge_tests(trace, execution.code, execution.last_words(output), settings)
        decided = ended.verdict != Verdict.GOOD or settings["kind"] == "exit-status"
        return ended if decided else oracles.apply(trace, settings)
    return _incomplete(execution, trace, output) or oracles.apply(trace, settings)


def _incomplete(execution: Execution, trace: Trace, output: str) -> Judgement | None:
    """Return the verdict of a job that did not record a whole, identical training; None if it did."""
    if trace.error is not None:
        return _error(trace.error, in_training=trace.training)
    if trace.start is None:
        return Judgement(
            Verdict.SKIP,
            f"error before training: {execution.last_words(output)}",
            skip_kind=SkipKind.BEFORE_TRAINING,
        )
    if trace.end is None:
        return Judgement(
            Verdict.SKIP,
            f"the trace breaks off without an error: {execution.last_words(output)}",
            skip_kind=SkipKind.BROKEN_OFF,
        )
    identity = trace.identity or {}
    if identity.get("expected") is not None and identity.get("expected") != identity.get("start"):
        return Judgement(
            Verdict.SKIP,
            "not identical: the start values in force are not those that were injected",
            skip_kind=SkipKind.NOT_IDENTICAL,
        )
    return None


def _error(error: Mapping[str, Any], *, in_training: bool) -> Judgement:
    said = f"{error['exception']}: {first_line(error.get('message', ''))}"
    if not in_training:
        reason = f"error before training: {said}"
        return Judgement(
            Verdict.SKIP,
            reason,
            skip_kind=SkipKind.BEFORE_TRAINING,
            raised_in=str(error.get("raised_in") or ""),
        )
    step, phase = error.get("step"), error.get("phase")
    fingerprint = Fingerprint("exception", step, phase, exception=error["exception"])
    return Judgement(
        Verdict.BAD,
        f"{said} (step {step}, {phase})",
        fingerprint,
        raised_in=str(error.get("raised_in") or ""),
    )
