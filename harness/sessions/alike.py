"""Whether an execution ended as another one did: what is no evidence for either side of a boundary ended as neither."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.verdicts.verdict import Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.sessions.finding import Finding

_FOLDERS = re.compile(r"(?:/[^\s/'\"():,]+)+/(?=[^\s/'\"():,])")
"""Folders of a file's path: those of an environment, or of what is laid over it, differ from execution to execution."""
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Ends:
    """What the two sides of a boundary did; of an execution between them only what ended as one of them is evidence.

    Attributes:
        good, bad: Executions of either side. Of a boundary between two failures, `good` is the older one.
    """

    good: Sequence[Finding]
    bad: Sequence[Finding]

    def judge(self, finding: Finding) -> Finding:
        """Return the finding with a verdict that says which side it ended as; a skip where it is neither."""
        good, bad = (alike(finding, side, to_the_word=True) for side in (self.good, self.bad))
        if good != bad:
            verdict = Verdict.GOOD if good else Verdict.BAD
            if finding.verdict == verdict:
                return finding
            fingerprint = finding.judgement.fingerprint if bad else None
            return replace(finding, judgement=Judgement(verdict, finding.judgement.reason, fingerprint))
        if finding.verdict == Verdict.SKIP:
            return finding
        reason = f"ends as neither side of the boundary: {finding.judgement.reason}"
        return replace(finding, judgement=Judgement(Verdict.SKIP, reason, skip_kind=SkipKind.OTHER_FAILURE))


def alike(finding: Finding, side: Iterable[Finding], *, to_the_word: bool) -> bool:
    """Tell whether an execution ended as those of a side do: good, or with the same failure, its step left out.

    Args:
        finding: The execution.
        side: Executions of that side.
        to_the_word: What is not judged by a number must have the same reason too, as the message of an exception.
    """
    return any(_same_end(finding, one, to_the_word=to_the_word) for one in side)


def _same_end(one: Finding, other: Finding, *, to_the_word: bool) -> bool:
    if one.identity and other.identity and one.identity != other.identity:
        return False
    mine, theirs = one.judgement, other.judgement
    failure = mine.fingerprint
    by_number = mine.effect is not None or (
        failure is not None and failure.step is not None and not failure.exception
    )
    same_words = (
        failure is None or by_number or not to_the_word or _words(mine.reason) == _words(theirs.reason)
    )
    return mine.same_end(theirs) and same_words


def _words(reason: str) -> str:
    """Return a message without what differs between two executions of the same files: folders and addresses."""
    return _ADDRESS.sub("0x", _FOLDERS.sub("", reason))
