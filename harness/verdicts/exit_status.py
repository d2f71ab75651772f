"""A plain script is judged by how it ends, by the rules of `git bisect run`, before anything else is asked.

| the script | verdict |
|---|---|
| ends with 0 | good |
| ends with 125, or with 128 and more, or by a signal | skip |
| could not be parsed, or a module could not be imported | skip, unless `import_errors = "bad"` |
| prints what `bad_when_stdout_matches` matches | bad, whatever its exit status; other failures are then a skip |
| ends with anything else | bad; with `error_matches`, a skip unless its output matches |

Where the command runs pytest, its exit statuses count, as `harness.verdicts.pytest_status` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.probes.probe import first_line
from harness.verdicts.skips import not_imported
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.probes.probe import Execution
    from harness.traces.trace import Trace

_SKIP, _FIRST_SIGNAL = 125, 128
_ENDED_WELL = "exit status 0"
_TRACEBACK = "Traceback (most recent call last)"
_CLASS = r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*)"
_RAISED = re.compile(rf"{_CLASS}: ?(.*)$", re.MULTILINE)
"""The last line of a traceback: class, which may have its module before it, and message."""
_RAISED_ALONE = re.compile(rf"^{re.escape(_TRACEBACK)}:\n(?:[ \t].*\n)+{_CLASS}()$", re.MULTILINE)
"""A traceback whose last line is the class alone, as that of a bare `assert`."""


def judge_exit(execution: Execution, trace: Trace, output: str, settings: Mapping[str, Any]) -> Judgement:
    """Judge a script that ended by itself, or was ended by a signal of its own making.

    Args:
        execution: How its process ended.
        trace: Its error, where the harness saw one.
        output: What it printed.
        settings: `bad_when_stdout_matches`, `error_matches` and `import_errors`; each may be None.
    """
    code, error = execution.code, trace.error if execution.code else None
    if code == _SKIP or code >= _FIRST_SIGNAL:
        asked = (
            "the script asks to be skipped" if code == _SKIP else f"ended by signal {code - _FIRST_SIGNAL}"
        )
        kind = SkipKind.ASKED if code == _SKIP else SkipKind.KILLED
        return Judgement(Verdict.SKIP, f"{asked} (exit status {code})", skip_kind=kind)
    said = _said(execution, error, output)
    if error is not None and error.get("importing") and settings.get("import_errors") != "bad":
        return not_imported(said, error)
    failure = _fingerprint(error, output, code) if code else None
    if settings.get("bad_when_stdout_matches"):
        return _by_output(settings["bad_when_stdout_matches"], output, said, failure)
    if not code:
        return Judgement(Verdict.GOOD, said)
    wanted = settings.get("error_matches")
    if wanted and not re.search(wanted, output, re.MULTILINE):
        other = f"another error, it does not match {wanted!r}: {said}"
        return Judgement(Verdict.SKIP, other, failure, skip_kind=SkipKind.OTHER_FAILURE)
    return Judgement(Verdict.BAD, said, failure, raised_in=str((error or {}).get("raised_in") or ""))


def _by_output(pattern: str, output: str, said: str, failure: Fingerprint | None) -> Judgement:
    found = re.search(pattern, output, re.MULTILINE)
    if found:
        seen = first_line(found[0]) or pattern
        return Judgement(Verdict.BAD, f"the output has {seen!r}", Fingerprint("output matches"))
    if failure is not None:
        other = f"failed otherwise, the output does not match {pattern!r}: {said}"
        return Judgement(Verdict.SKIP, other, failure, skip_kind=SkipKind.OTHER_FAILURE)
    return Judgement(Verdict.GOOD, f"{said}, and the output does not match {pattern!r}")


def _said(execution: Execution, error: Mapping[str, Any] | None, output: str) -> str:
    if not execution.code:
        return _ENDED_WELL
    if error is not None:
        cell = f"cell {error['cell']}: " if error.get("cell") else ""
        return f"{cell}{error['exception']}: {first_line(error.get('message', ''))}"
    return f"exit status {execution.code}: {execution.last_words(output)}"


def last_raised(output: str) -> dict[str, str] | None:
    """Return `exception` and `message` of the last traceback in an output; None if there is none."""
    if _TRACEBACK not in output:
        return None
    found = [*_RAISED.finditer(output), *_RAISED_ALONE.finditer(output)]
    last = max(found, key=lambda one: one.end(), default=None)
    return {"exception": last[1], "message": last[2]} if last else None


def _fingerprint(error: Mapping[str, Any] | None, output: str, code: int) -> Fingerprint:
    """Return what the failure looks like: the exception's class where there is one, else the exit status."""
    found = error or last_raised(output)
    exception = found["exception"] if found else None
    cell = f"cell {error['cell']}" if error and error.get("cell") else None
    return Fingerprint("exception" if exception else f"exit status {code}", phase=cell, exception=exception)
