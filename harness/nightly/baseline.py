"""Baselines: the first one is proposed by a night, every other one is accepted by a person."""

from __future__ import annotations

import getpass
import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.history.facts import Baseline
from harness.history.history import History
from harness.runs.stored import load_report
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from harness.history.facts import Line
    from harness.nightly.examine import Examination
    from harness.report.model import ArmResult, ReleaseResult
    from harness.scenario import Arm
    from harness.state import State

DEPTH = 10
"""Releases that a first night goes back for a good one."""

NIGHT = "the first night"


def propose(
    arms: Sequence[Arm], versions: Sequence[str], examination: Callable[[str], Examination], moment: str
) -> dict[str, Baseline]:
    """Return {arm: newest release that is good twice}, the arms without one left out.

    Args:
        arms: Those without a baseline.
        versions: Oldest first; the newest `DEPTH` are looked at.
        examination: Prepares one release.
        moment: When, ISO 8601.
    """
    found: dict[str, Baseline] = {}
    for version in reversed(versions[-DEPTH:]):
        left = [arm for arm in arms if arm.name not in found]
        if not left:
            break
        looked = examination(version)
        try:
            if looked.calibrated(left):
                looked.execute([(arm.name, version) for arm in left])
                good = [arm for arm in left if _good(looked, arm.name, version)]
                looked.execute([(arm.name, version) for arm in good], repeat=1)
                for arm in good:
                    if _good(looked, arm.name, version):
                        found[arm.name] = _proposed(looked, arm.name, version, moment)
        finally:
            looked.close()
    return found


def _good(looked: Examination, arm: str, version: str) -> bool:
    return all(finding.verdict == Verdict.GOOD for finding in looked.findings(arm, version))


def _proposed(looked: Examination, arm: str, version: str, moment: str) -> Baseline:
    first = looked.findings(arm, version)[0]
    exact = looked.deterministic(arm, version)
    why = "the newest good release"
    return Baseline(version, first.lock, first.trace_digest, exact, moment, NIGHT, why)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What `accept` did.

    Attributes:
        moved: (line, version before or None, version now).
        left: Why an arm was left as it is, a line each.
    """

    moved: Sequence[tuple[Line, str | None, str]]
    left: Sequence[str]


def accept(
    run: Path, state: State, *, moment: datetime, who: str, why: str, arms: Sequence[str] | None = None
) -> Accepted:
    """Move the baselines of a run's arms to the newest release that it tested.

    Args:
        run: The run's folder.
        state: Where the history is.
        moment: When.
        who: Name of a person.
        why: For the history.
        arms: Names; None for all that the run has.

    Raises:
        UsageError: The run has no such arm, none of its arms has a good newest release, or it is about two packages.
    """
    report = load_report(run)
    if report.axes:
        raise UsageError(
            f"run {run.name} is about {report.package}: a baseline is a release of one package; name a run about one"
        )
    known = [arm.name for arm in report.arms]
    for name in arms or ():
        if name not in known:
            raise UsageError(f"run {run.name} has no arm {name!r}; it has: {', '.join(known)}")
    moved: list[tuple[Line, str | None, str]] = []
    left = []
    with closing(History.open(state)) as history, history.transaction():
        for arm in report.arms:
            if arms and arm.name not in arms:
                continue
            newest = _newest(arm)
            if newest is None or newest.verdict != Verdict.GOOD:
                left.append(_refused(arm, newest))
                continue
            line = (report.scenario, report.package, arm.name)
            before = history.baseline(line)
            when = moment.isoformat(timespec="seconds")
            history.accept(
                line,
                Baseline(
                    newest.version, newest.lock, newest.trace, arm.deterministic, when, who, why, run.name
                ),
            )
            moved.append((line, before.version if before else None, newest.version))
    if not moved:
        raise UsageError(f"nothing of run {run.name} can be a baseline: {'; '.join(left)}")
    return Accepted(moved, left)


def _newest(arm: ArmResult) -> ReleaseResult | None:
    tested = [row for row in arm.releases if row.verdict in {Verdict.GOOD, Verdict.BAD}]
    return tested[-1] if tested else None


def _refused(arm: ArmResult, newest: ReleaseResult | None) -> str:
    if newest is None:
        return f"{arm.name}: none of its releases has a verdict"
    return f"{arm.name}: {newest.version} is {newest.verdict} ({newest.reason}), and a baseline must be good"


def person() -> str:
    """Return who works here: git's user.name, else the login name."""
    try:
        asked = subprocess.run(
            ["git", "config", "user.name"], check=False, capture_output=True, text=True, timeout=10
        )
        name = asked.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        name = ""
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"
