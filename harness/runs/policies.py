"""The releases that a run executed with the packages of their day, executed with those that all of them share too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.files import write_atomic
from harness.locks.lock import Lock
from harness.locks.locks import Locks
from harness.locks.stored import lock_text
from harness.report.policies import FIXED, PolicyResult
from harness.sessions.driver import Driver
from harness.sessions.finding import executions
from harness.verdicts.verdict import Verdict
from harness.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from harness.locks.resolve import Unresolvable
    from harness.sessions.finding import Finding
    from harness.sessions.investigation import Investigation


@dataclass(slots=True)
class Beside:
    """What policy `fixed` gives for the releases of a run of another policy.

    Attributes:
        results: In the order of arms and releases.
        locks: {version: lock, or why there is none}.
    """

    results: list[PolicyResult] = field(default_factory=list)
    locks: dict[str, Lock | Unresolvable] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the locks into the folder of a run's locks."""
        for version, lock in self.locks.items():
            write_atomic(folder / FIXED / f"{version}.txt", lock_text(lock))


def beside_fixed(investigation: Investigation, beside: Beside) -> None:
    """Execute every release that has a verdict with its lock of policy `fixed` too.

    Args:
        investigation: Has executed them with another policy; of a run of policy `fixed` nothing is executed.
        beside: What is found is put here at once, so that an interrupted run keeps it.

    Raises:
        HarnessError: The index is out of reach.
        KeyboardInterrupt: After every running probe was ended.
    """
    driver = investigation.driver
    session = driver.session
    if not session.resolver.days:
        return
    judged = {
        (arm, place): repeats[min(repeats)]
        for arm, findings in driver.findings.items()
        for place, repeats in sorted(findings.items())
        if repeats and repeats[min(repeats)].verdict in (Verdict.GOOD, Verdict.BAD)
    }
    places = sorted({place for _, place in judged})
    if not places:
        return
    if not session.provider.here:
        driver.watcher.note(
            "the packages that all releases share are not executed beside: a cluster executes one policy"
        )
        return
    driver.watcher.note(
        f"executing {counted(len(places), 'release')} with the packages that all of them share"
    )
    fixed = replace(session.resolver, days={})
    releases = [session.releases[place] for place in places]
    found = Locks(fixed, releases, session.reference, session.note)
    found.resolve()
    beside.locks |= {release.version: lock for release, lock in zip(releases, found, strict=True)}
    shared = [session.reference, *(one for one in found if isinstance(one, Lock))]
    environments = session.environments.sharing(shared)
    # As for remedies: arms of another name, so that the history does not take them for the releases of their day.
    arms = {
        arm.name: replace(arm, name=f"{arm.name}, shared packages", of=arm.name) for arm in session.asked.arms
    }
    mixed = session.with_locks(dict(zip(places, found, strict=True)), list(arms.values()))
    with session.provider.executor(environments, session.reference, session.device, warm=False) as executor:
        second = Driver(
            replace(mixed, environments=environments, executor=executor, resolver=fixed), driver.watcher
        )
        try:
            second.execute([(arms[arm].name, place, 0) for arm, place in judged])
        finally:
            for (arm, place), own in judged.items():
                other = second.findings[arms[arm].name].get(place, {}).get(0)
                if other is not None:
                    beside.results.append(_result(arm, session.releases[place].version, own, other))


def _result(arm: str, version: str, own: Finding, other: Finding) -> PolicyResult:
    return PolicyResult(
        arm=arm,
        version=version,
        as_of=own.verdict.value,
        reason=own.judgement.reason,
        fixed=other.verdict.value,
        fixed_reason=other.judgement.reason,
        lock=other.lock,
        executions=executions([other]),
    )
