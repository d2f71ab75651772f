"""The failure of the bad environment, by which every mixture is judged: no other failure is evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.search.mixtures import Outcome
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sessions.finding import Finding
    from harness.verdicts.verdict import Judgement

_VARYING = re.compile(r"0x[0-9a-fA-F]+|(?:/[^\s/'\":]+)+|\d+")
"""What differs between two executions or two environments in the words of one failure: addresses, paths, numbers."""


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """How the bad environment fails.

    Attributes:
        judgement: Of one of its bad executions; None where none is bad.
        words: What its exception says, without numbers and paths; empty where executions of the bad environment
            differ in that, and for a failure that is judged by numbers. Environments that lack something raise
            exceptions of the usual classes, so the class alone is weak evidence.
        any: Every failure counts.
    """

    judgement: Judgement | None = None
    words: str = ""
    any: bool = False

    @classmethod
    def of(cls, findings: Sequence[Finding], *, any_failure: bool) -> KnownFailure:
        """Return what the executions of the bad environment have in common."""
        bad = [one for one in findings if one.verdict == Verdict.BAD]
        if not bad:
            return cls(any=any_failure)
        words = {_words(one) for one in bad}
        return cls(bad[0].judgement, words.pop() if len(words) == 1 else "", any=any_failure)

    def outcome(self, finding: Finding) -> Outcome:
        """Return what an execution says: good, the known failure, or no evidence."""
        if finding.verdict == Verdict.GOOD:
            return Outcome.GOOD
        if finding.verdict != Verdict.BAD:
            return Outcome.OTHER
        if self.any or self.judgement is None:
            return Outcome.BAD
        same = self.judgement.same_end(finding.judgement)
        return Outcome.BAD if same and self.words in ("", _words(finding)) else Outcome.OTHER


def _words(finding: Finding) -> str:
    """Return the words of an exception without what varies; empty for a failure that numbers show."""
    judgement = finding.judgement
    if judgement.effect is not None or judgement.fingerprint is None or not judgement.fingerprint.exception:
        return ""
    return _VARYING.sub("#", judgement.reason)
