"""Tests are judged by pytest's own exit status (pytest documentation, "Exit codes"), and each test by its outcome.

| pytest ends with | verdict |
|---|---|
| 0, all tests passed | good |
| 1, some tests failed | bad |
| 2, interrupted, as by a file that cannot be collected | skip; with `import_errors = "bad"` a failed import is bad |
| 3, an internal error; 4, its command line is wrong; 5, no test was collected | skip |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.probes.probe import first_line
from harness.verdicts.verdict import Fingerprint, Judgement, SkipKind, Verdict
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.trace import Trace

_IMPORTING = frozenset({"ImportError", "ModuleNotFoundError", "SyntaxError"})
_OUTCOMES = {
    "passed": Verdict.GOOD,
    "xfailed": Verdict.GOOD,
    "xpassed": Verdict.GOOD,
    "failed": Verdict.BAD,
    "error": Verdict.BAD,
}
"""A test that is expected to fail is good as long as pytest takes it for good."""


def judge_tests(trace: Trace, code: int, last_words: str, settings: Mapping[str, Any]) -> Judgement:
    """Return the verdict of all tests together.

    Args:
        trace: With the events of pytest.
        code: pytest's exit status.
        last_words: The last line that was printed.
        settings: `import_errors` of the oracle.
    """
    ended = trace.pytest or {}
    tests = outcomes(trace)
    if ended.get("elsewhere"):
        place = ended["elsewhere"][0]
        said = f"the tests load {place}, not the release that is installed: run them from a folder without it"
        return Judgement(Verdict.SKIP, said, skip_kind=SkipKind.NOT_IDENTICAL)
    if code == 0:
        return Judgement(Verdict.GOOD, _counted(tests))
    if code == 1:
        return _failed(tests)
    errors = ended.get("errors") or []
    if code == 2 and errors:
        first = errors[0]
        said = f"{first['node']} cannot be collected: {_exception(first)}"
        if first["exception"] in _IMPORTING and settings.get("import_errors") == "bad":
            return Judgement(Verdict.BAD, said, Fingerprint("exception", exception=first["exception"]))
        kind = SkipKind.IMPORT_ERROR if first["exception"] in _IMPORTING else SkipKind.BEFORE_TRAINING
        return Judgement(Verdict.SKIP, said, skip_kind=kind)
    reasons = {
        2: "pytest was interrupted",
        3: "pytest failed by an error of its own",
        4: "pytest does not understand its command line",
        5: "pytest collected no test",
    }
    reason = reasons.get(code, f"pytest ended with exit status {code}")
    return Judgement(
        Verdict.SKIP, f"{reason} (exit status {code}): {last_words}", skip_kind=SkipKind.NOT_MEASURED
    )


def outcomes(trace: Trace) -> dict[str, Judgement]:
    """Return {test: its own verdict}, in the order of execution; an error in any phase makes it bad."""
    found: dict[str, Judgement] = {}
    for event in trace.tests:
        judged = _outcome(event)
        before = found.get(event["node"])
        if before is None or before.verdict != Verdict.BAD:
            found[event["node"]] = judged
    return found


def _outcome(event: Mapping[str, Any]) -> Judgement:
    verdict = _OUTCOMES.get(event["outcome"], Verdict.SKIP)
    if verdict == Verdict.GOOD:
        return Judgement(verdict, event["outcome"])
    if verdict == Verdict.SKIP:
        return Judgement(verdict, f"skipped: {first_line(event['message'])}", skip_kind=SkipKind.ASKED)
    exception = event["exception"] or None
    phase = event["phase"] if event["phase"] != "call" else None
    kind = "exception" if exception else "test failed"
    fingerprint = Fingerprint(kind, phase=phase, exception=exception)
    return Judgement(verdict, _exception(event) + (f" (in {phase})" if phase else ""), fingerprint)


def _exception(event: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, [event["exception"], first_line(event["message"])])) or "failed"


def _failed(tests: Mapping[str, Judgement]) -> Judgement:
    failed = {node: one for node, one in tests.items() if one.verdict == Verdict.BAD}
    if not failed:
        return Judgement(Verdict.BAD, "pytest ended with exit status 1", Fingerprint("test failed"))
    node, first = next(iter(failed.items()))
    said = f"{len(failed)} of {len(tests)} tests {'fails' if len(failed) == 1 else 'fail'}: {node}: {first.reason}"
    classes = {one.fingerprint.exception for one in failed.values() if one.fingerprint}
    exception = next(iter(classes)) if len(classes) == 1 else None
    return Judgement(Verdict.BAD, said, Fingerprint("test failed", exception=exception))


def _counted(tests: Mapping[str, Judgement]) -> str:
    passed = sum(one.verdict == Verdict.GOOD for one in tests.values())
    skipped = len(tests) - passed
    said = counted(passed, "test passes", "tests pass")
    return f"{said}, {skipped} skipped" if skipped else said
