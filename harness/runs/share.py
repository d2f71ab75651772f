"""A question's probes shared out among machines: each executes its share and stores the results, nothing more.

Shares are stretches of neighbouring releases with about as many probes each, so every machine meets most of its
boundaries whole: it confirms them and looks for their causes itself. A boundary between two shares is confirmed
too, since every share repeats the releases at its ends; what its cause needs is executed by the run that answers.

Of two packages the lines at the edges of their grid are shared out, one after the other. What a search asks inside of
the grid depends on what it found at the edges, and is executed by the run that answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from harness.cause.attribute import Attribution, Remedies, attribute
from harness.errors import UsageError
from harness.search.boundaries import verdict_changes
from harness.sessions.arm_map import arrange
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.sessions.investigation import Investigation
from harness.sessions.warm_start import distrust_warm_start
from harness.verdicts.oracles import with_defaults
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.sessions.arm_map import ArmMap
    from harness.sessions.driver import Task, Watcher
    from harness.sessions.lines import Line
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
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard {text}: expected K/N, the K-th of N shares, as 1/3")
    return Shard(int(number), int(of))


@dataclass(frozen=True, slots=True)
class Cell:
    """One release of one line.

    Attributes:
        line: Which one.
        session: Of the line.
        position: Of the release in it.
        probes: Digests of its first executions, but for those that a cell before it has too.
    """

    line: Line
    session: Session
    position: int
    probes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The release; of two packages both."""
        version, held = self.session.releases[self.position].version, self.line.asked.held
        return f"{self.line.asked.package} {version} with {held}" if held else version

    def missing(self) -> int:
        """Return how many of its first executions are not stored yet."""
        if self.session.releases[self.position].version in self.session.asked.assume:
            return 0
        return sum(self.session.store.find(probe) is None for probe in self.probes)


def cells(sessions: Iterable[tuple[Line, Session]]) -> list[Cell]:
    """Return all releases of all lines of a question, each execution once; all locks are resolved.

    Raises:
        HarnessError: The machine or the index failed.
    """
    found, known = [], set[str]()
    for line, session in sessions:
        session.lock_all()
        for position in range(len(session.releases)):
            digests = [one.digest for arm in session.asked.arms for one in session.probes(arm, position)]
            found.append(Cell(line, session, position, tuple(one for one in digests if one not in known)))
            known.update(digests)
    return found


def share(found: Sequence[Cell], shard: Shard) -> list[Cell]:
    """Return the cells that a machine executes: the same on every machine with these locks."""
    total, before, mine = max(1, sum(bool(cell.probes) for cell in found)), 0, []
    for cell in found:
        if min(before * shard.of // total, shard.of - 1) == shard.number - 1:
            mine.append(cell)
        before += bool(cell.probes)
    return mine


def execute_share(mine: Sequence[Cell], watcher: Watcher) -> None:
    """Execute and store what the answer needs of a share.

    Raises:
        HarnessError: As the parts say; nothing that was executed before is lost.
        KeyboardInterrupt: After every running probe was ended.
    """
    for _, stretch in groupby(mine, key=lambda cell: cell.line.locks):
        of_line = list(stretch)
        _execute(of_line[0].line, of_line[0].session, [cell.position for cell in of_line], watcher)


def _execute(line: Line, session: Session, positions: Sequence[int], watcher: Watcher) -> None:
    asked = session.asked
    question = replace(asked.question, plan=replace(asked.question.plan, search="sweep"))
    driver = Driver(replace(session, asked=replace(asked, question=question)), watcher)
    wanted = [p for p in positions if session.releases[p].version not in asked.assume]
    if line.calibrates and _reference(session) in positions:  # else the run that answers judges by it
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
