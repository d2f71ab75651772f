"""Mixtures of hunks, executed: each is a whole tree of the package's files, laid over an environment.

Only the failure of the bad side counts as bad, and only what ends as the good side does counts as good; a mixture that
ends otherwise, or of which the overlay is not proven to be what was imported, is no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.descent.hunks import broken, executed_lines, hunks, mixed, was_executed
from harness.descent.names import called, learnt, outside_imports, quoted, scope, words
from harness.descent.ties import name_ties, syntax_ties
from harness.report.hunks import HunkResult
from harness.search.mixtures import Observation, Outcome
from harness.search.ties import Tie, Ties
from harness.sessions.alike import alike
from harness.sessions.driver import each
from harness.sessions.observation import observe
from harness.sessions.overlay import lay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.descent.hunks import Hunk
    from harness.scenario import Arm
    from harness.search.ties import Mixture
    from harness.sessions.alike import Ends
    from harness.sessions.finding import Finding
    from harness.sessions.overlay import Tree
    from harness.sessions.session import Session

EXCHANGED, MENTIONED = 100.0, 10.0
"""Suspicion of a hunk that brings or takes away a name which the failure quotes, and of one that only has it."""
CALLED = 10.0
"""How much more suspicious a hunk is in the function that the failure names."""
_NAMES_A_LACK = (
    "NameError",
    "ImportError",
    "AttributeError",
    "TypeError",
    "ModuleNotFoundError",
    "UnboundLocalError",
)


@dataclass(frozen=True, slots=True)
class Sides:
    """The two releases of a boundary.

    Attributes:
        good, bad: Positions.
        older, newer: Files of the package in either release.
        fixed: The bad release is the older one.
        before_lines, after_lines: {(file, line): how suspicious it is}, of either release.
    """

    good: int
    bad: int
    older: Tree
    newer: Tree
    fixed: bool
    before_lines: Mapping[tuple[str, int], float] = field(default_factory=dict)
    after_lines: Mapping[tuple[str, int], float] = field(default_factory=dict)


class Mixtures:
    """The mixtures of one boundary.

    A mixture is a set of numbers of hunks that are as in the bad side; all others are as in the good one.

    Args:
        session: Executes.
        arm: In which the boundary was found.
        sides: Both releases, or a commit and its parent.
        overlays: Folder for the overlays.
        ends: What both sides did.
        jobs: Executions at a time.
        note: Is told how it goes on.
    """

    def __init__(
        self,
        session: Session,
        arm: Arm,
        sides: Sides,
        overlays: Path,
        *,
        ends: Ends,
        jobs: int,
        note: Callable[[str], None],
    ) -> None:
        self.session, self.arm, self.sides, self.overlays = session, arm, sides, overlays
        self.jobs, self.note = jobs, note
        self.hunks = hunks(sides.older, sides.newer)
        self.everything: Mixture = frozenset(range(len(self.hunks)))
        self.both: Mixture = frozenset()
        self.ties: list[Tie] = []
        self.ends = ends
        self._failure = " ".join(one.judgement.reason for one in ends.bad)
        self.executions = 0

    def look(self) -> list[Mixture]:
        """Return the hunks of which the job executes a line in either release, and what they need; few, then more of them.

        The first ones leave out the heads of functions that are never called. Imports from outside the package are in all
        mixtures, and are not among them.
        """
        traced = []
        for mixture, tree in ((self._older(), self.sides.older), (self._newer(), self.sides.newer)):
            finding = self._observe(mixture, 0, {"executed": {"package": self.session.asked.package}})
            told = finding.seeds()[0].trace.executed
            if told is None:
                return []
            traced.append((tree, told["files"]))
        chosen = []
        for heads in (False, True):
            lines = [executed_lines(tree, files, heads=heads) for tree, files in traced]
            executed = {number for number, hunk in enumerate(self.hunks) if was_executed(hunk, *lines)}
            chosen.append(frozenset(executed | self._beside(executed)))
        self.both = self._outside_imports(chosen[-1])
        self.ties = [tie for tie in self._given(chosen[-1]) if not (tie.applied | tie.needed) & self.both]
        whole = [self._apart(one - self.both) for one in chosen]
        return list(dict.fromkeys(self._apart(one | (self._torn(one) - self.both)) for one in whole))

    def _given(self, executed: Mixture) -> list[Tie]:
        """Return what the files themselves say of which hunks go together."""
        fixed, older, newer = self.sides.fixed, self.sides.older, self.sides.newer
        good, bad = (newer, older) if fixed else (older, newer)
        found = name_ties(self.hunks, good, bad, older_is_bad=fixed)
        files: dict[str, list[int]] = {}
        for number, hunk in enumerate(self.hunks):
            files.setdefault(hunk.file, []).append(number)
        for numbers in files.values():
            if len(numbers) > 1 and executed.intersection(numbers):
                several = syntax_ties(self.hunks, numbers, older, newer)
                found += (
                    [Tie(one.needed, one.applied, one.requirement) for one in several] if fixed else several
                )
        return found

    def _apart(self, executed: Mixture) -> Mixture:
        """Return hunks with those that they need, and with those that need them: the others can stand either way."""
        ties, every = Ties(self.ties), self.everything - self.both
        return every - ties.without(every - ties.closed(executed, every), frozenset())

    def observe_all(self, wanted: Sequence[tuple[Mixture, int]]) -> list[Observation]:
        """Execute mixtures, each with the number of its repeat, or take what is stored."""
        return each(self.session, lambda one: self._observation(*one), wanted, self.jobs)

    def weight(self, hunk: Hunk) -> float:
        """Return how suspicious a hunk is: the nearer to a line that set the property or raised the error, the more."""
        sides = ((self.sides.before_lines, hunk.before_lines()), (self.sides.after_lines, hunk.after_lines()))
        near = [
            weight / (1 + max(own.start - line, line - max(own.stop - 1, own.start), 0))
            for known, own in sides
            for (file, line), weight in known.items()
            if file == hunk.file
        ]
        return max([1.0, self._named(hunk), *near])

    def _named(self, hunk: Hunk) -> float:
        """Return how suspicious a hunk is since it brings or takes away a name that the failure quotes."""
        before, after = words(hunk.before), words(hunk.after)
        told = [(name in before, name in after) for name in quoted(self._failure)]
        inside = {scope(self.sides.older.get(hunk.file, b""), hunk.before_start)}
        inside.add(scope(self.sides.newer.get(hunk.file, b""), hunk.after_start))
        here = CALLED if inside & called(self._failure) else 1.0
        if any(old != new for old, new in told):
            return EXCHANGED * here
        return MENTIONED * here if any(map(any, told)) else here

    def result(self, number: int) -> HunkResult:
        """Return a hunk as the report has it."""
        hunk = self.hunks[number]
        before, after = ([line.rstrip("\r\n") for line in side] for side in (hunk.before, hunk.after))
        return HunkResult(hunk.file, hunk.before_start, before, hunk.after_start, after)

    def _outside_imports(self, executed: Mixture) -> Mixture:
        """Return executed imports from outside the package: where both forms stand, no mixture fails for lack of one."""
        names = (*self.sides.older, *self.sides.newer)
        tops = {name.partition("/")[0].removesuffix(".py") for name in names}
        return frozenset(number for number in executed if outside_imports(self.hunks[number], tops))

    def _beside(self, executed: set[int]) -> set[int]:
        """Return the hunks that were one with an executed one before they were cut apart: what follows it at once."""
        groups = list[set[int]]()
        for number, hunk in enumerate(self.hunks):
            before = self.hunks[number - 1] if number else None
            joined = before is not None and before.file == hunk.file and before.touches(hunk)
            if joined:
                groups[-1].add(number)
            else:
                groups.append({number})
        return {number for group in groups if group & executed for number in group}

    def _torn(self, chosen: Mixture) -> set[int]:
        """Return all hunks of the files that cannot be compiled with only the executed hunks, or without these."""
        trees = [self._tree(mixture) for mixture in (chosen, self.everything - chosen)]
        torn = {file for tree in trees for file in broken(tree)}
        return {number for number, hunk in enumerate(self.hunks) if hunk.file in torn}

    def _older(self) -> Mixture:
        return self.everything if self.sides.fixed else frozenset()

    def _newer(self) -> Mixture:
        return self.everything - self._older()

    def _observation(self, mixture: Mixture, repeat: int) -> Observation:
        if broken(self._tree(mixture)):  # not worth an execution
            return Observation(mixture, repeat, Outcome.UNRESOLVED)
        finding = self._observe(mixture, repeat)
        good, bad = (alike(finding, side, to_the_word=True) for side in (self.ends.good, self.ends.bad))
        outcome = Outcome.OTHER if good == bad else Outcome.GOOD if good else Outcome.BAD
        self.note(f"{len(mixture)} of {len(self.hunks)} hunks: {outcome.value} ({finding.judgement.reason})")
        error: Mapping[str, Any] = finding.seeds()[0].trace.error or {}
        names_lack = outcome == Outcome.OTHER and error.get("exception") in _NAMES_A_LACK
        ties = self._ties(str(error.get("message", "")), mixture) if names_lack else []
        return Observation(mixture, repeat, outcome, tuple(ties), finding.trace_digest)

    def _ties(self, message: str, mixture: Mixture) -> list[Tie]:
        """Return which hunks go together, as far as a message names what a mixture lacks."""
        swapped = [
            replace(hunk, before=hunk.after, after=hunk.before) if self.sides.fixed else hunk
            for hunk in self.hunks
        ]
        return learnt(message, swapped, mixture)

    def _tree(self, mixture: Mixture) -> Tree:
        applied = self.everything - mixture if self.sides.fixed else mixture
        return mixed(self.sides.older, self.sides.newer, self.hunks, applied, self.both)

    def _observe(self, mixture: Mixture, repeat: int, asked: Mapping[str, Any] | None = None) -> Finding:
        """Execute a mixture, or take what is stored."""
        laid = lay(self._tree(mixture), self.overlays, self.session.asked.package)
        arm = replace(
            self.arm,
            name=f"{self.arm.name}, hunks {laid.digest[:8]}",
            instructions={**self.arm.instructions, **(asked or {})},
            of=self.arm.of or self.arm.name,
        )
        self.executions += 1
        own = replace(self.session, overlay=lambda _position: laid, ends=None)
        return observe(own, arm, self.sides.bad, repeat)
