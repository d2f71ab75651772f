"""The folder of a run: its report, its locks and the files of its job, written as a whole."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from harness.files import given_up, whole_folder, write_atomic
from harness.locks.stored import lock_texts
from harness.report.evidence import ProbeEvidence
from harness.report.write import write_report
from harness.runs.kept import keep_job
from harness.runs.stored import remedy_evidence

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.model import Report
    from harness.runs.policies import Beside
    from harness.sessions.driver import Driver
    from harness.sessions.session import Session


def write(report: Report, driver: Driver, out: Path, beside: Beside | None = None) -> Path:
    """Write the report and the locks as one folder, and let `latest` point at it."""
    session = driver.session
    folder = out / report.run
    with given_up(folder), whole_folder(folder) as new:
        write_locks(new / "locks", session)
        if beside is not None:
            beside.write(new / "locks")
        keep_job(session.asked.scenario).write(new)
        found = evidence(driver) | remedy_evidence(report, session.store)
        write_report(new, report, found, drawings=session.store.state.drawings)
    point_latest(out, folder)
    return folder


def write_locks(folder: Path, session: Session) -> None:
    """Write the reference and every lock that was asked for, or why there is none, as `--locks` reads them."""
    texts = lock_texts(session.reference, session.releases, session.known_locks())
    for name, text in texts.items():
        write_atomic(folder / name, text, durable=False)


def evidence(driver: Driver) -> dict[str, ProbeEvidence]:
    """Return {digest of a probe: its trace and output} of all first executions."""
    firsts = [
        one
        for findings in driver.findings.values()
        for repeats in findings.values()
        for one in (repeats[0].seeds() if 0 in repeats else ())
    ]
    return {one.result.probe: ProbeEvidence(one.trace, one.result.output()) for one in firsts if one.result}


def point_latest(out: Path, folder: Path) -> None:
    """Let `latest` point at the newest report; where links cannot be made it is a copy."""
    link, new = out / "latest", out / ".latest.tmp"
    new.unlink(missing_ok=True)
    try:
        new.symlink_to(folder.name)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        new.replace(link)
    except OSError:
        shutil.copytree(folder, link, dirs_exist_ok=True)
