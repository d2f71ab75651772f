"""What an arm's releases are compared with: its reference release, found and executed before the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import Version

from harness.errors import UsageError
from harness.sessions.finding import Finding
from harness.verdicts.calibration import Calibration, ReferenceRun
from harness.verdicts.oracles import compares, reference_runs, with_defaults
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.scenario import Arm
    from harness.sessions.session import Session


def calibrate(session: Session, arm: Arm) -> None:
    """Find and execute an arm's reference release, if its oracle compares with one.

    Without a stated reference it is the oldest release (the newest where a repair is looked for) that can be
    tested and is good by itself; without any, the arm stays without a calibration.

    Raises:
        UsageError: The stated reference is not in the range, or is not good.
    """
    oracle = with_defaults(session.asked.scenario.oracle)
    if not compares(oracle):
        return
    if arm.name in session.asked.calibrations:
        session.calibrations[arm.name] = session.asked.calibrations[arm.name]
        return
    passed_over: dict[str, str] = {}
    for position in _references(session, oracle["reference"]):
        version = session.releases[position].version
        runs = _reference_runs(session, arm, position, oracle)
        if isinstance(runs, Finding):
            passed_over[version] = f"{runs.verdict}, {runs.judgement.reason}"
            continue
        count = len(session.releases)
        session.calibrations[arm.name] = Calibration(version, runs, count, passed_over)
        if passed_over:
            session.note(f"{arm.name}: {session.calibrations[arm.name].chosen()}")
        return
    if oracle["reference"]:
        (reason,) = passed_over.values()
        raise UsageError(
            f"the reference {oracle['reference']} cannot be compared with in arm {arm.name} ({reason}): "
            f"name a good release{_option(session)}, or none, for the first that is good"
        )


def _references(session: Session, stated: str | None) -> Sequence[int]:
    """Return the positions of the releases that may be the reference, the one to try first in front."""
    versions = [release.version for release in session.releases]
    if stated is None:
        return range(len(versions))[:: -1 if session.asked.question.plan.find_fix else 1]
    found = [place for place, version in enumerate(versions) if Version(version) == Version(stated)]
    if not found:
        raise UsageError(
            f"the reference {stated} is not in the range {versions[0]} to {versions[-1]}: "
            f"name one of the range{_option(session)}"
        )
    return found


def _option(session: Session) -> str:
    return " by --reference" if session.asked.scenario.ad_hoc else " as `reference` in [oracle]"


def _reference_runs(
    session: Session, arm: Arm, position: int, oracle: Mapping[str, Any]
) -> list[ReferenceRun] | Finding:
    """Return the executions of a reference, or the one of them that is not good."""
    wanted = reference_runs(oracle, max(arm.seeds, session.asked.question.job.seeds))
    # Executed first as the search will do it, so that of a release that fails nothing is executed in vain.
    first = _executed(session, arm, position, wanted[0][0], 0)
    if first.verdict != Verdict.GOOD:
        return first
    runs = []
    for seed, repeat in wanted:
        finding = _executed(session, arm, position, seed, repeat)
        if finding.verdict != Verdict.GOOD or finding.result is None:
            return finding
        runs.append(ReferenceRun(finding.trace, finding.result.probe, repeat, seed))
    return runs


def _executed(session: Session, arm: Arm, position: int, seed: int, repeat: int) -> Finding:
    """Execute a release with one seed, or take what is stored; judged by itself alone."""
    found = session.judged(session.probes(arm, position, repeat, seeds=seed + 1)[-1:], position)
    return found if isinstance(found, Finding) else found[0]
