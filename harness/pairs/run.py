"""A pair question asked and answered: one report, with the reports of its edges beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.pairs.gather import gather
from harness.pairs.investigate import PairInvestigation
from harness.pairs.write import write_pair
from harness.runs.bisect import point_latest

if TYPE_CHECKING:
    from pathlib import Path

    from harness.pairs.model import PairReport
    from harness.pairs.question import PairQuestion
    from harness.sessions.driver import Watcher
    from harness.state import State


@dataclass(frozen=True, slots=True)
class PairRun:
    """A finished or interrupted pair question: the report, and the folder where it is written."""

    report: PairReport
    folder: Path
    interrupted: bool = False


def bisect_pair(asked: PairQuestion, state: State, watcher: Watcher) -> PairRun:
    """Answer a pair question and write its report; the runs of its edges lie in its folder, in `runs`.

    Raises:
        HarnessError: As the parts say; nothing that was executed before is lost.
    """
    started = datetime.now(UTC)
    investigation = PairInvestigation(asked, state, watcher, started)
    interrupted = False
    try:
        investigation.run()
    except KeyboardInterrupt:
        interrupted = True
        investigation.warnings.append("interrupted: the same command goes on where this one stopped")
    report = gather(investigation)
    write_pair(investigation.folder, report)
    point_latest(asked.out, investigation.folder)
    return PairRun(report, investigation.folder, interrupted)
