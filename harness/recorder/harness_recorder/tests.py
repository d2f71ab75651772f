"""A plugin of pytest that writes what became of every test into the trace; pytest loads it by PYTEST_PLUGINS.

It imports nothing of pytest's: hooks are found by their names, which are those of pytest 3 and later.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional

from .lines import Lines
from .script import tell_modules

_LONGEST = 300
_MOST_ERRORS = 20


class Tests:
    """What this process has seen of the tests so far."""

    def __init__(self, path: str, package: str) -> None:
        self.lines = Lines(path)
        self.package = package
        self.errors: List[Dict[str, Any]] = []

    def report(self, report: Any) -> None:
        """Write the outcome of one phase of one test, where it decides something."""
        wasxfail = hasattr(report, "wasxfail")
        outcome = str(report.outcome)
        if outcome == "passed" and (report.when != "call" or wasxfail):
            if not (wasxfail and report.when == "call"):
                return
            outcome = "xpassed"
        elif outcome == "skipped" and wasxfail:
            outcome = "xfailed"
        elif outcome == "failed" and report.when != "call":
            outcome = "error"
        exception, message = _said(report)
        self.lines.write(
            "test",
            node=str(report.nodeid),
            outcome=outcome,
            phase=str(report.when),
            exception=exception,
            message=message,
            seconds=float(getattr(report, "duration", 0.0)),
        )

    def collected(self, report: Any) -> None:
        """Keep why a file could not be collected."""
        if report.outcome == "failed" and len(self.errors) < _MOST_ERRORS:
            exception, message = _said(report)
            self.errors.append({"node": str(report.nodeid), "exception": exception, "message": message})

    def end(self, status: int) -> None:
        """Write how the session ended, and from where the package under test was loaded."""
        self.lines.write("pytest", status=int(status), errors=self.errors, elsewhere=_elsewhere(self.package))
        self.lines.close()
        tell_modules()


_tests: Optional[Tests] = None


def pytest_configure(config: Any) -> None:
    """Begin, but not in the workers of pytest-xdist: their reports come to the process that started them."""
    global _tests  # noqa: PLW0603 - a plugin is a module
    path = os.environ.get("HARNESS_TRACE")
    if path and not hasattr(config, "workerinput") and _tests is None:
        from .instructions import instructions

        _tests = Tests(path, str(instructions().get("tests", "")))


def pytest_runtest_logreport(report: Any) -> None:
    """Take in what became of a phase of a test."""
    if _tests is not None:
        _tests.report(report)


def pytest_collectreport(report: Any) -> None:
    """Take in what became of a file."""
    if _tests is not None:
        _tests.collected(report)


def pytest_sessionfinish(session: Any, exitstatus: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Take in how all ended."""
    global _tests  # noqa: PLW0603
    if _tests is not None:
        _tests.end(int(exitstatus))
        _tests = None


def _said(report: Any) -> Any:
    """Return class and message of what a report was ended by; empty where nothing was raised."""
    what = getattr(report, "longrepr", None)
    crash = getattr(what, "reprcrash", None)
    if crash is not None:
        text = str(crash.message)
    elif isinstance(what, tuple):  # of a skip: file, line, reason
        return "", str(what[-1])[:_LONGEST]
    else:  # of a file that cannot be collected: the text of a traceback, or a sentence
        rows = [row[2:].strip() for row in str(what or "").splitlines() if row.startswith("E ")]
        text = (
            rows[0] if rows else str(what or "").strip().splitlines()[-1] if str(what or "").strip() else ""
        )
    first = text.strip().splitlines()[0] if text.strip() else ""
    head, colon, rest = first.partition(":")
    name = head.rpartition(".")[2]
    if name.isidentifier() and name[:1].isupper():
        return name, rest.strip()[:_LONGEST] if colon else ""
    return ("AssertionError" if first.startswith("assert ") else ""), first[:_LONGEST]


def _elsewhere(package: str) -> List[str]:
    """Return files of the package under test that were loaded from outside of site-packages."""
    from importlib import metadata

    try:
        files = metadata.files(package) or []
    except Exception:  # no such distribution, or damaged metadata
        files = []
    names = {
        file.parts[0].partition(".")[0] for file in files if not file.parts[0].endswith((".dist-info", ".."))
    }
    found = []
    for name in sorted(names):
        place = getattr(sys.modules.get(name), "__file__", None)
        if place and "site-packages" not in os.path.normpath(place).split(os.sep):
            found.append(str(place))
    return found
