"""One execution of a release in an arm, judged: alone, beside a control arm, beside the reference, or interleaved with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sessions.control import compare_with_control, has_control
from harness.sessions.finding import Finding
from harness.sessions.interleaved import compare_interleaved
from harness.verdicts.oracles import interleaves
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from harness.scenario import Arm
    from harness.sessions.session import Session


def observe(session: Session, arm: Arm, position: int, repeat: int = 0) -> Finding:
    """Execute a release in an arm, or take what is stored, and judge it.

    Args:
        session: Executes.
        arm: Its settings.
        position: Of the release.
        repeat: Which execution.

    Raises:
        HarnessError: Something around the probes failed.
    """
    finding = _observed(session, arm, position, repeat)
    return session.ends.judge(finding) if session.ends else finding


def _observed(session: Session, arm: Arm, position: int, repeat: int) -> Finding:
    findings = session.judged(session.probes(arm, position, repeat), position)
    if isinstance(findings, Finding):
        return findings
    oracle = session.asked.scenario.oracle
    if has_control(arm, oracle):
        return Finding.worst(compare_with_control(session, arm, position, findings, repeat))
    calibration = session.calibrations.get(arm.of or arm.name)
    finding = Finding.of_seeds(findings, oracle, calibration)
    if finding.verdict != Verdict.GOOD or calibration is None:
        return finding
    is_reference = session.releases[position].version == calibration.reference
    if not interleaves(oracle, calibration) or (is_reference and not session.alone):
        return finding
    return compare_interleaved(session, arm, position, finding, repeat)
