"""A question's probes shared out among machines: each executes its share and stores the results, nothing more.

Shares are stretches of neighbouring releases with about as many probes each, so every machine meets most of its
boundaries whole: it confirms them and looks for their causes itself. A boundary between two shares is confirmed
too, since every share repeats the releases at its ends; what its cause needs is executed by the run that answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.cause.attribute import Attribution, Remedies, attribute
from harness.errors import UsageError
from harness.locks.resolve import Unresolvable
from harness.search.boundaries import verdict_changes
from harness.sessions.arm_map import arrange
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.sessions.investigation import Investigation
from harness.sessions.warm_start import distrust_warm_start
from harness.verdicts.oracles import with_defaults
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sessions.arm_map import ArmMap
    from harness.sessions.driver import Task, Watcher
    from harness.sessions.session import Session


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several machines: `number` counts from 1 to `of`."""

    number: int
    of: int

    def __str__(self) -> str:
        """Return it as `--shard` takes it."""
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> Shard:
    """Read `K/N`.

    Raises:
        UsageError: It is written otherwise, or K is not one of 1 to N.
    """
    number, slash, of = text.partition("/")
    if not (slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard {text}: expected K/N, the K-th of N shares, as 1/3")
    return Shard(int(number), int(of))


def share(session: Session, shard: Shard) -> list[int]:
    """Return the positions of the releases that a machine executes: the same on every machine with these locks."""
    weights = [0 if isinstance(lock, Unresolvable) else 1 for lock in session.locks]
    total, before, found = max(1, sum(weights)), 0, []
    for position, weight in enumerate(weights):
        if min(before * shard.of // total, shard.of - 1) == shard.number - 1:
            found.append(position)
        before += weight
    return found


def missing(session: Session, positions: Sequence[int]) -> int:
    """Return how many first executions of releases are not stored yet."""
    probes = [
        probe
        for position in positions
        if session.releases[position].version not in session.asked.assume
        for arm in session.asked.arms
        for probe in session.probes(arm, position)
    ]
    return sum(session.store.find(probe.digest) is None for probe in probes)


def execute_share(session: Session, shard: Shard, watcher: Watcher) -> list[int]:
    """Execute and store what the answer needs of a share; return its positions.

    Raises:
        HarnessError: As the parts say; nothing that was executed before is lost.
        KeyboardInterrupt: After every running probe was ended.
    """
    asked = session.asked
    question = replace(asked.question, plan=replace(asked.question.plan, search="sweep"))
    driver = Driver(replace(session, asked=replace(asked, question=question)), watcher)
    positions = share(session, shard)
    wanted = [p for p in positions if session.releases[p].version not in asked.assume]
    if _reference(session) in positions:  # else the run that answers judges by it
        for arm in asked.arms:
            calibrate(session, arm)
    driver.execute([(arm.name, position, 0) for position in wanted for arm in asked.arms])
    for _ in range(3):  # a repeat may itself show a new boundary
        driver.execute(_repeats(driver))
        distrust_warm_start(driver)
    attribute(
        Investigation(driver),
        Attribution(),
        causes=asked.question.plan.cause and not session.alone,
        remedies=Remedies.ALL if asked.question.plan.remedies else Remedies.NONE,
    )
    return positions


def _reference(session: Session) -> int:
    """Return the position of the release that a metric is compared with, the first one where none is named."""
    named = with_defaults(session.asked.scenario.oracle).get("reference")
    versions = [release.version for release in session.releases]
    return versions.index(named) if named in versions else 0


def _repeats(driver: Driver) -> list[Task]:
    """Return what is repeated: the sides of boundaries, both ends, and one good release to see determinism."""
    tasks: list[Task] = []
    for arm, findings in driver.findings.items():
        found = arrange(len(driver.session.releases), findings)
        tasks += [(arm, side, 1) for side in sorted(_sides(found))]
    return tasks


def _sides(found: ArmMap) -> set[int]:
    verdicts = [one.verdict for one in found.firsts]
    testable = [p for p, one in enumerate(verdicts) if one in (Verdict.GOOD, Verdict.BAD)]
    good = [position for position in testable if verdicts[position] == Verdict.GOOD]
    changed = {side for one in verdict_changes(verdicts) for side in (one.before, one.after)}
    return {*testable[:1], *testable[-1:], *good[:1], *changed, *found.sides()}
