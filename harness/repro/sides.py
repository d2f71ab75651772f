"""Executes scripts on both sides of a boundary, in the environments of the run, as any other probe."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.files import write_atomic
from harness.report.repro import NAME
from harness.sessions.observation import observe
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sessions.finding import Finding
    from harness.sessions.session import Session
    from harness.verdicts.verdict import Judgement

_SLOWER, _LEAST = 3, 10.0
"""A smaller script may take so many times as long as the last one, or so many seconds: it may wait for what never comes."""
_NUMBER = re.compile(r"\b0x[0-9a-fA-F]+|\b(nan|inf)\b|[-+]?\d[\d.]*(e[-+]?\d+)?")
"""An address in memory, too, which every process has anew."""


class NotShownError(HarnessError):
    """A script does not keep the verdicts of both sides."""

    exit_code = 3


@dataclass
class Sides:
    """Both sides of a boundary.

    Attributes:
        session: Executes; its releases begin and end with the sides.
        good, bad: Positions of the releases.
        folder: For the scripts.
        wanted: What the bad side does with the first script; None before that.
        timeout: Seconds that the next script may take; None before that.
        count: Scripts so far.
    """

    session: Session
    good: int
    bad: int
    folder: Path
    wanted: Judgement | None = None
    timeout: float | None = None
    count: int = 0

    def begin(self, text: str) -> None:
        """Execute the first script: what it does on the bad side is what every other one must do.

        Raises:
            NotShownError: One of the sides does not do what it did in the run.
        """
        bad, good = self.finding(text, self.bad), self.finding(text, self.good)
        if (bad.verdict, good.verdict) != (Verdict.BAD, Verdict.GOOD):
            said = "; ".join(
                f"{self.session.releases[place].version} is {one.verdict}: {one.judgement.reason}"
                for place, one in ((self.good, good), (self.bad, bad))
            )
            raise NotShownError(f"the job without its recorder does not show the boundary: {said}")
        self.wanted = bad.judgement
        self._limit(bad, good)

    def holds(self, text: str) -> bool:
        """Tell whether the bad side fails with a script as it did with the first one, and the good side does not."""
        bad = self.finding(text, self.bad)
        if self.wanted is None or bad.verdict != Verdict.BAD or not same(bad.judgement, self.wanted):
            return False
        good = self.finding(text, self.good)
        if good.verdict == Verdict.GOOD:
            self._limit(bad, good)
        return good.verdict == Verdict.GOOD

    def _limit(self, *findings: Finding) -> None:
        """Limit the next script, which is smaller, by the seconds that this one took."""
        most = self.timeout or self.session.asked.scenario.timeout
        self.timeout = min(most, max(_LEAST, _SLOWER * max(one.seconds for one in findings)))

    def finding(self, text: str, position: int) -> Finding:
        """Execute a script with one release, or take what is stored."""
        self.count += 1
        path = self.folder / str(self.count) / NAME
        write_atomic(path, text)
        asked = self.session.asked
        command = ("python", NAME, *asked.scenario.command[2:])
        timeout = self.timeout or asked.scenario.timeout
        scenario = replace(asked.scenario, job=path, folder=path.parent, command=command, timeout=timeout)
        session = replace(
            self.session, asked=replace(asked, scenario=scenario), job_digest=scenario.job_digest()
        )
        return observe(session, asked.arms[0], position)


def same(one: Judgement, other: Judgement) -> bool:
    """Tell whether two failures are the same one, and say the same but for numbers."""
    return one.same_end(other) and _without_numbers(one.reason) == _without_numbers(other.reason)


def _without_numbers(said: str) -> str:
    """Return a message without its numbers, of which there may be more or fewer."""
    return re.sub(r"#(, #)+", "#", _NUMBER.sub("#", said))
