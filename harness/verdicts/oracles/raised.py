"""The oracle `exception`: the exception that ends a job decides, wherever it is raised; another one is a skip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.keys import Key
from harness.keys.kinds import REGEX, one_of
from harness.probes.probe import first_line
from harness.verdicts.exit_status import last_raised
from harness.verdicts.oracles.oracle import Oracle
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.probes.probe import Execution
    from harness.traces.trace import Trace


def by_exception(execution: Execution, trace: Trace, output: str, settings: Mapping[str, Any]) -> Judgement:
    """Judge a job that ended by itself."""
    error = trace.error or last_raised(output if execution.code else "")
    if error is None:
        return _without(execution, output, Verdict(settings["none"]))
    said = f"{error['exception']}: {error['message']}"
    told = first_line(said)
    wanted, expected = settings["bad"], settings["good"]
    if (wanted and re.search(wanted, said)) or not (wanted or expected):
        fingerprint = Fingerprint("exception", phase=error.get("phase"), exception=error["exception"])
        return Judgement(Verdict.BAD, told, fingerprint, raised_in=str(error.get("raised_in") or ""))
    if expected and re.search(expected, said):
        return Judgement(Verdict.GOOD, f"raised as it should be: {told}")
    return Judgement(
        Verdict.SKIP,
        f"another exception than those looked for: {told}",
        Fingerprint("exception", phase=error.get("phase"), exception=error["exception"]),
        skip_kind=SkipKind.OTHER_FAILURE,
    )


def _without(execution: Execution, output: str, verdict: Verdict) -> Judgement:
    if execution.code:
        said = f"failed without an exception: {execution.last_words(output)}"
        return Judgement(
            Verdict.SKIP,
            f"{said} (exit status {execution.code})",
            Fingerprint(f"exit status {execution.code}"),
            skip_kind=SkipKind.OTHER_FAILURE,
        )
    fingerprint = Fingerprint("no exception") if verdict == Verdict.BAD else None
    return Judgement(verdict, "no exception was raised", fingerprint)


ORACLE = Oracle(
    lambda _trace, _settings: Judgement(Verdict.GOOD, "no exception was raised"),
    {
        "bad": Key(
            REGEX,
            "an exception whose line `Class: message` matches is bad; neither this nor `good`: every one is",
            example="ValueError: .*unscale",
        ),
        "good": Key(REGEX, "an exception whose line matches is good", example="^NotImplementedError"),
        "none": Key(
            one_of("good", "bad", "skip"),
            "what an end without an exception is",
            default="good",
            example="bad",
        ),
    },
    "good is a job that does not raise the exception that is looked for, or that raises the one it should",
    by_end=by_exception,
)
