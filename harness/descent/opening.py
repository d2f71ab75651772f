"""Opens a boundary into its hunks: which of them, reverted in the bad release, cure, and, applied to the good one, break?

Every mixture of hunks is a whole tree of the package's files, laid over the bad release's environment. Only the failure
of the bad release counts as bad, and only what ends as the good release does counts as good; a mixture that ends
otherwise, or of which the overlay is not proven to be what was imported, is no evidence. Single hunks are reverted
first, the likeliest ones in front; `harness.search.Difference` then finds the smallest set, both ways.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.cause.dependencies import alike
from harness.descent import overlay
from harness.descent.hunks import broken, executed_lines, hunks, learnt, mixed, was_executed
from harness.report.hunks import HunkAnswer, HunkResult, HunkSet
from harness.search.difference import Difference
from harness.search.mixtures import Observation, Outcome
from harness.sessions.driver import each
from harness.sessions.observation import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.descent.hunks import Hunk, Tree
    from harness.scenario import Arm
    from harness.search.culprits import Answer
    from harness.search.ties import Mixture, Tie
    from harness.sessions.finding import Finding
    from harness.sessions.session import Session

MOST_SINGLE = 12
"""Single hunks that are reverted and applied before the search for a smallest set."""
BUDGET = 80
"""Executions of mixtures."""
AFTER_SINGLE = 30
"""Executions after a single hunk was found to cure or to break."""
_NAMES_A_LACK = (
    "NameError",
    "ImportError",
    "AttributeError",
    "TypeError",
    "ModuleNotFoundError",
    "UnboundLocalError",
)
VARIABLE = "HARNESS_OVERLAY"


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


class Opening:
    """The mixtures of one boundary.

    A mixture is a set of numbers of hunks that are as in the bad release; all others are as in the good one.

    Args:
        session: Executes.
        arm: In which the boundary was found.
        sides: Both releases.
        overlays: Folder for the overlays.
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
        jobs: int,
        note: Callable[[str], None],
    ) -> None:
        self.session, self.arm, self.sides, self.overlays = session, arm, sides, overlays
        self.jobs, self.note = jobs, note
        self.hunks = hunks(sides.older, sides.newer)
        self.everything: Mixture = frozenset(range(len(self.hunks)))
        self.ends = {place: [observe(session, arm, place)] for place in (sides.good, sides.bad)}
        self.executions = 0

    def answer(self) -> HunkAnswer:
        """Execute what is needed and return what it shows."""
        started = time.monotonic()
        executed = self._executed()
        idle = self.everything - executed
        innocent = self._innocent(idle) if idle and executed else None
        asked = sorted(executed if innocent else self.everything)
        self.note(
            f"{len(self.hunks)} hunks, lines of {len(executed)} are executed; {len(asked)} are searched"
        )
        weights = [self._weight(self.hunks[number]) for number in asked]
        search = Difference(len(asked), weights=weights, budget=BUDGET) if asked else None
        cures, breaks = self._single(search, asked, weights) if search else ([], [])
        if search:
            self._search(search, asked)
        found = search.answer() if search else None
        return HunkAnswer(
            conclusion=found.conclusion.value if found else "both-good",
            environment=self.session.releases[self.sides.bad].version,
            hunks=len(self.hunks),
            files=len({hunk.file for hunk in self.hunks}),
            executed=len(executed),
            innocent=innocent,
            cures=[self._result(number) for number in cures],
            breaks=[self._result(number) for number in breaks],
            sets=self._sets(found, asked) if found else [],
            executions=self.executions,
            seconds=round(time.monotonic() - started, 1),
        )

    def _sets(self, found: Answer, asked: Sequence[int]) -> list[HunkSet]:
        if found.conclusion.value not in {"found", "found-not-reversed", "too-many"}:
            return []
        return [
            HunkSet(
                [[self._result(asked[place]) for place in sorted(part)] for part in one.parts],
                [self._result(asked[place]) for place in sorted(one.required)],
            )
            for one in found.sets
        ]

    def _executed(self) -> Mixture:
        """Return the hunks of which the job executes a line in either release."""
        lines = []
        for mixture, tree in ((self._older(), self.sides.older), (self._newer(), self.sides.newer)):
            finding = self._observe(mixture, 0, {"executed": {"package": self.session.asked.package}})
            told = finding.seeds()[0].trace.executed
            if told is None:
                return self.everything
            lines.append(executed_lines(tree, told["files"]))
        executed = {
            number for number, hunk in enumerate(self.hunks) if was_executed(hunk, lines[0], lines[1])
        }
        return frozenset(executed | self._torn(executed))

    def _torn(self, executed: set[int]) -> set[int]:
        """Return all hunks of the files that cannot be compiled with only the executed hunks, or without these."""
        chosen = frozenset(executed)
        trees = [self._tree(mixture) for mixture in (chosen, self.everything - chosen)]
        torn = {file for tree in trees for file in broken(tree)}
        return {number for number, hunk in enumerate(self.hunks) if hunk.file in torn}

    def _older(self) -> Mixture:
        return self.everything if self.sides.fixed else frozenset()

    def _newer(self) -> Mixture:
        return self.everything - self._older()

    def _innocent(self, idle: Mixture) -> bool:
        """Tell whether the hunks that are not executed neither keep the failure nor bring it."""
        without, alone = self._observe_all([(self.everything - idle, 0), (idle, 0)])
        return without.outcome == Outcome.BAD and alone.outcome == Outcome.GOOD

    def _single(
        self, search: Difference, asked: Sequence[int], weights: Sequence[float]
    ) -> tuple[list[int], list[int]]:
        """Exchange single hunks in both releases, the likeliest first, until one tells; return what cures and what breaks.

        The search is told of everything, so that nothing is executed twice.
        """
        order = sorted(range(len(asked)), key=lambda place: (-weights[place], place))[:MOST_SINGLE]
        everything = frozenset(range(len(asked)))
        for place in order:
            alone = frozenset({place})
            reverted, applied = self._told(search, asked, [(everything - alone, 0), (alone, 0)])
            cures = [asked[place]] if reverted.outcome == Outcome.GOOD else []
            breaks = [asked[place]] if applied.outcome == Outcome.BAD else []
            if cures or breaks:
                search.budget = min(search.budget, search.evidence.executions() + AFTER_SINGLE)
                return cures, breaks
        return [], []

    def _search(self, search: Difference, asked: Sequence[int]) -> None:
        while not search.done:
            requests = search.propose(self.jobs)
            self._told(search, asked, [(request.mixture, request.repeat) for request in requests])

    def _told(
        self, search: Difference, asked: Sequence[int], wanted: Sequence[tuple[Mixture, int]]
    ) -> list[Observation]:
        """Execute mixtures of the hunks asked about, and tell the search of them."""
        place = {number: index for index, number in enumerate(asked)}
        numbers = [(frozenset(asked[index] for index in mixture), repeat) for mixture, repeat in wanted]
        seen = [
            replace(one, mixture=mixture, ties=tuple(_within(one.ties, place)))
            for one, (mixture, _) in zip(self._observe_all(numbers), wanted, strict=True)
        ]
        for one in seen:
            search.tell(one)
        return seen

    def _observe_all(self, wanted: Sequence[tuple[Mixture, int]]) -> list[Observation]:
        return each(self.session, lambda one: self._observation(*one), wanted, self.jobs)

    def _observation(self, mixture: Mixture, repeat: int) -> Observation:
        if broken(self._tree(mixture)):  # not worth an execution
            return Observation(mixture, repeat, Outcome.UNRESOLVED)
        finding = self._observe(mixture, repeat)
        good, bad = (
            alike(finding, self.ends[place], to_the_word=True) for place in (self.sides.good, self.sides.bad)
        )
        outcome = Outcome.OTHER if good == bad else Outcome.GOOD if good else Outcome.BAD
        if not all(overlay.proven(one.trace, self._tree(mixture)) for one in finding.seeds()):
            outcome = Outcome.OTHER
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
        return mixed(self.sides.older, self.sides.newer, self.hunks, applied)

    def _observe(self, mixture: Mixture, repeat: int, asked: Mapping[str, Any] | None = None) -> Finding:
        """Execute a mixture, or take what is stored."""
        tree, session = self._tree(mixture), self.session
        folder = overlay.write(tree, self.overlays)
        named = {"package": session.asked.package, "digest": overlay.digest(tree)}
        arm = replace(
            self.arm,
            name=f"{self.arm.name}, hunks {named['digest'][:8]}",
            instructions={**self.arm.instructions, "overlay": named, **(asked or {})},
            of=self.arm.of or self.arm.name,
        )
        scenario = session.asked.scenario
        variables = {**scenario.variables, VARIABLE: str(folder)}
        own = replace(session, asked=replace(session.asked, scenario=replace(scenario, variables=variables)))
        self.executions += 1
        return observe(own, arm, self.sides.bad, repeat)

    def _weight(self, hunk: Hunk) -> float:
        """Return how suspicious a hunk is: the nearer to a line that set the property or raised the error, the more."""
        sides = ((self.sides.before_lines, hunk.before_lines()), (self.sides.after_lines, hunk.after_lines()))
        near = [
            weight / (1 + max(own.start - line, line - max(own.stop - 1, own.start), 0))
            for known, own in sides
            for (file, line), weight in known.items()
            if file == hunk.file
        ]
        return max([1.0, *near])

    def _result(self, number: int) -> HunkResult:
        hunk = self.hunks[number]
        before, after = ([line.rstrip("\r\n") for line in side] for side in (hunk.before, hunk.after))
        return HunkResult(hunk.file, hunk.before_start, before, hunk.after_start, after)


def _within(ties: Sequence[Tie], place: Mapping[int, int]) -> Iterable[Tie]:
    """Return ties in the numbers of the hunks asked about; what is not asked about binds nothing."""
    for tie in ties:
        applied = frozenset(place[number] for number in tie.applied if number in place)
        needed = frozenset(place[number] for number in tie.needed if number in place)
        if applied and needed:
            yield replace(tie, applied=applied, needed=needed)
