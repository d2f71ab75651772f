"""One question about two environments from its start to its report.

Both environments are executed first; then the changes between them are searched; then, for every culprit, an ordinary
`bisect` between its two versions, with the other packages held, finds the release.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.blame.gather import gather
from harness.blame.investigation import Blaming
from harness.errors import HarnessError, MachineError
from harness.files import given_up, write_atomic
from harness.history.record import Recorded
from harness.locks.stored import lock_text
from harness.report.write import write_report
from harness.runs.bisect import Run, check_starved
from harness.runs.kept import keep_job
from harness.runs.write import evidence, point_latest
from harness.sessions.subject import ENVIRONMENT

if TYPE_CHECKING:
    from harness.blame.prepare import BlameAsked
    from harness.report.model import Report
    from harness.sessions.driver import Watcher
    from harness.state import State


def blame(asked: BlameAsked, state: State, watcher: Watcher) -> Run:
    """Answer a question about two environments and write its report.

    Raises:
        HarnessError: As the parts say; nothing that was executed before is lost.
    """
    recorded = Recorded(
        watcher,
        state,
        scenario=asked.asked.line(),
        package=ENVIRONMENT,
        arms=[arm.name for arm in asked.asked.arms],
    )
    blaming = Blaming(asked, state, recorded, watcher, datetime.now(UTC))
    with given_up(blaming.folder):
        return _blame(blaming, recorded)


def _blame(blaming: Blaming, recorded: Recorded) -> Run:
    interrupted, fault = False, None
    try:
        blaming.search()
        began = time.monotonic()
        blaming.open_culprits()
        blaming.seconds["releases"] = time.monotonic() - began
    except KeyboardInterrupt:
        interrupted = True
        blaming.warnings.append("interrupted: the same command goes on where this one stopped")
    except HarnessError as error:
        searched = blaming.answer is not None or isinstance(error, MachineError)
        if blaming.prepared is None or not searched:
            raise
        fault = error
        blaming.warnings.append(str(error))
    finally:
        recorded.close()
    blaming.clear()
    report = gather(blaming)
    _write(blaming, report)
    if fault is not None:
        raise HarnessError(f"{fault}; the report of what was found until then is in {blaming.folder}")
    if blaming.prepared and blaming.prepared.comparison:
        check_starved(blaming.prepared.comparison.mixtures.driver, blaming.folder)
    return Run(report, blaming.folder, interrupted, blaming.seconds)


def _write(blaming: Blaming, report: Report) -> None:
    """Write the report, the locks of both environments and the job; runs about culprits lie in the folder already."""
    prepared, folder = blaming.prepared, blaming.folder
    for side, one in zip(("good", "bad"), prepared.rebuilt if prepared else (), strict=False):
        write_atomic(folder / "locks" / f"{side}.txt", lock_text(one.lock))
    keep_job(blaming.asked.asked.scenario).write(folder)
    found = evidence(prepared.comparison.mixtures.driver) if prepared and prepared.comparison else {}
    write_report(folder, report, found, drawings=blaming.state.drawings)
    point_latest(blaming.asked.asked.out, folder)
