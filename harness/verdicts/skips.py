"""Skips whose kind has to be read from what another program says: the resolver, or an import that fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.probes.probe import Execution

_WRONG_PYTHON = re.compile(
    r"matching Python (?:ABI|implementation|version) tag|Python version \([^)]*\) does not satisfy|requires[- ][Pp]ython"
)
"""What uv says of a release that has nothing for the interpreter in use."""
_NO_MODULE = re.compile(r"No module named '([^']+)'")
"""What Python says of a module that it does not find."""
_PLACE = re.compile(r" \((?:/|[A-Za-z]:\\)[^()]*\)$")
"""The file at the end of an ImportError's message: it lies in another environment for each release."""


def unresolvable(reason: str) -> Judgement:
    """Return the skip of a release without a lock.

    Args:
        reason: The resolver's own.
    """
    kind = SkipKind.WRONG_PYTHON if _WRONG_PYTHON.search(reason) else SkipKind.UNRESOLVABLE
    return Judgement(Verdict.SKIP, f"cannot be resolved: {reason}", skip_kind=kind)


def not_imported(said: str, error: Mapping[str, Any]) -> Judgement:
    """Return the skip of a script that could not import a module.

    Args:
        said: Class and message of the exception.
        error: As the recorder describes it.
    """
    missing = _NO_MODULE.search(str(error.get("message", "")))
    return Judgement(
        Verdict.SKIP,
        f"cannot be imported: {_PLACE.sub('', said)}",
        skip_kind=SkipKind.IMPORT_ERROR,
        module=missing[1] if missing else "",
        raised_in=str(error.get("raised_in") or ""),
    )


def from_outside(execution: Execution, reason: str) -> Judgement:
    """Return the skip of a probe that something else than its own code ended.

    Args:
        execution: How its process ended.
        reason: As `Execution.ended_from_outside` says it.
    """
    kind = {"timeout": SkipKind.OUT_OF_TIME, "signal": SkipKind.KILLED}.get(
        execution.ended, SkipKind.OUT_OF_MEMORY
    )
    return Judgement(Verdict.SKIP, reason, skip_kind=kind)
