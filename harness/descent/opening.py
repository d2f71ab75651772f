"""Opens a boundary into its hunks: which of them, reverted in the bad side, cure, and, applied to the good one, break?

Single hunks are reverted first, the likeliest ones in front, then pairs of which one defines what the other one uses;
`harness.search.Difference` then finds the smallest set, both ways. Where there are many, whole files come first: a
refactoring cannot be split hunk by hunk.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.descent.names import defines_for
from harness.report.hunks import HunkAnswer, HunkSet
from harness.search.difference import Difference
from harness.search.mixtures import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.descent.mixtures import Mixtures
    from harness.search.mixtures import Observation
    from harness.search.ties import Mixture, Tie

MOST_SINGLE = 8
"""Single hunks that are reverted and applied before the search for a smallest set."""
MOST_USERS, MOST_PAIRS = 4, 8
"""Likely hunks beside which others are reverted too, and how many pairs in all."""
BUDGET = 60
"""Executions of mixtures of hunks, where there are few, or one tells alone."""
AFTER_SINGLE = 30
"""Executions after a single hunk was found to cure or to break."""
OF_FILES, IN_FILES = 30, 30
"""Executions of mixtures of whole files, and then of the hunks in those that do it."""
MOST_INSIDE = 40
"""Hunks in those files, above which they are not told apart."""


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for the smallest set of units.

    Attributes:
        units: Each a set of numbers of hunks that are taken or left together.
        weights: How suspicious each unit is.
    """

    units: Sequence[Mixture]
    search: Difference
    weights: Sequence[float]

    def hunks(self, mixture: Mixture) -> Mixture:
        """Return the hunks of some units."""
        return frozenset(number for unit in mixture for number in self.units[unit])

    def rank(self, unit: int) -> tuple[float, int]:
        """Return what units are sorted by, the likeliest first."""
        return -self.weights[unit], unit

    def order(self) -> list[int]:
        """Return the units, the likeliest first."""
        return sorted(range(len(self.units)), key=self.rank)


class Opening:
    """The hunks of one boundary, searched.

    Args:
        mixtures: Executes them.
    """

    def __init__(self, mixtures: Mixtures) -> None:
        self.mixtures = mixtures
        self.hunks, self.sides, self.note = mixtures.hunks, mixtures.sides, mixtures.note
        self.everything = mixtures.everything

    def answer(self) -> HunkAnswer:
        """Execute what is needed and return what it shows."""
        started = time.monotonic()
        executed = self.mixtures.look()
        both = self.mixtures.both
        idle = self.everything - executed - both
        innocent = self.mixtures.innocent(idle) if idle and executed else None
        asked = sorted((executed if innocent else self.everything) - both)
        self.note(
            f"{len(self.hunks)} hunks, lines of {len(executed)} are executed; {len(asked)} are searched"
        )
        conclusion, sets = "both-good", list[HunkSet]()
        cures, breaks, together = list[int](), list[int](), list[int]()
        if asked:
            search = self._over([frozenset({number}) for number in asked], BUDGET)
            cures, breaks = self._single(search, asked)
            together = [] if cures else self._pair(search, asked)
            conclusion, sets = self._smallest(search, asked, alone=bool(cures or breaks))
        return HunkAnswer(
            conclusion=conclusion,
            environment=self.mixtures.session.releases[self.sides.bad].version,
            fixed=self.sides.fixed,
            hunks=len(self.hunks),
            files=len({hunk.file for hunk in self.hunks}),
            executed=len(executed),
            innocent=innocent,
            cures=[self.mixtures.result(number) for number in cures],
            breaks=[self.mixtures.result(number) for number in breaks],
            together=[self.mixtures.result(number) for number in together],
            sets=sets,
            executions=self.mixtures.executions,
            seconds=round(time.monotonic() - started, 1),
        )

    def _smallest(self, search: _Search, asked: Sequence[int], *, alone: bool) -> tuple[str, list[HunkSet]]:
        """Return the smallest sets: where no hunk tells alone, of whole files first, and then of hunks in those files."""
        by_file: dict[str, set[int]] = {}
        for number in asked:
            by_file.setdefault(self.hunks[number].file, set()).add(number)
        if alone or len(by_file) == 1 or len(asked) <= MOST_SINGLE:
            return self._drawn(search)
        files = self._over([frozenset(several) for several in self._on_the_way(by_file).values()], OF_FILES)
        conclusion, sets = self._drawn(files, whole_files=True)
        found = files.search.answer().sets
        inside = sorted(frozenset().union(*(files.hunks(one.mixture) for one in found)))
        if not sets or len(found) > 1 or len(inside) > MOST_INSIDE:
            return conclusion, sets
        finer, smaller = self._drawn(self._over([frozenset({number}) for number in inside], IN_FILES))
        return (finer, smaller) if smaller and finer == "found" else (conclusion, sets)

    def _on_the_way(self, by_file: dict[str, set[int]]) -> dict[str, set[int]]:
        """Return the changed files on the way to the line that does it, if their changes bring the failure; else all."""
        known = {file for file, _ in (*self.sides.before_lines, *self.sides.after_lines)}
        few = {file: numbers for file, numbers in by_file.items() if file in known}
        if not few or len(few) == len(by_file):
            return by_file
        (seen,) = self.mixtures.observe_all([(frozenset[int]().union(*few.values()), 0)])
        return few if seen.outcome == Outcome.BAD else by_file

    def _over(self, units: Sequence[Mixture], budget: int) -> _Search:
        """Return a search over units of hunks, each taken or left as a whole."""
        weights = [max(self.mixtures.weight(self.hunks[number]) for number in unit) for unit in units]
        return _Search(units, Difference(len(units), weights=weights, budget=budget), weights)

    def _drawn(self, search: _Search, *, whole_files: bool = False) -> tuple[str, list[HunkSet]]:
        """Search to the end and return the conclusion and the sets that it names."""
        while not search.search.done:
            requests = search.search.propose(self.mixtures.jobs)
            self._told(search, [(request.mixture, request.repeat) for request in requests])
        found = search.search.answer()
        if found.conclusion.value not in {"found", "found-not-reversed", "too-many"}:
            return found.conclusion.value, []
        return found.conclusion.value, [
            HunkSet(
                [
                    [self.mixtures.result(number) for number in sorted(search.hunks(part))]
                    for part in one.parts
                ],
                [self.mixtures.result(number) for number in sorted(search.hunks(one.required))],
                whole_files,
            )
            for one in found.sets
        ]

    def _single(self, search: _Search, asked: Sequence[int]) -> tuple[list[int], list[int]]:
        """Exchange single hunks in both sides, the likeliest first, until one tells; return what cures and what breaks.

        The search is told of everything, so that nothing is executed twice.
        """
        everything = frozenset(range(len(asked)))
        for place in search.order()[:MOST_SINGLE]:
            alone = frozenset({place})
            reverted, applied = self._told(search, [(everything - alone, 0), (alone, 0)])
            cures = [asked[place]] if reverted.outcome == Outcome.GOOD else []
            breaks = [asked[place]] if applied.outcome == Outcome.BAD else []
            if cures or breaks:
                search.search.budget = min(
                    search.search.budget, search.search.evidence.executions() + AFTER_SINGLE
                )
                return cures, breaks
        return [], []

    def _pair(self, search: _Search, asked: Sequence[int]) -> list[int]:
        """Return two hunks whose reversal in the bad side cures, while neither does it alone; none where none is seen.

        The first is a likely one, the other one defines in the bad side a name that the first one uses.
        """
        everything = frozenset(range(len(asked)))
        place = {number: index for index, number in enumerate(asked)}
        tried = 0
        for index in search.order()[:MOST_USERS]:
            users = defines_for(self.hunks, asked[index], older_is_bad=self.sides.fixed)
            likely = sorted((place[one] for one in users if one in place), key=search.rank)
            for other in likely[: MOST_PAIRS - tried]:
                tried += 1
                pair = frozenset({index, other})
                (seen,) = self._told(search, [(everything - pair, 0)])
                if seen.outcome != Outcome.GOOD:
                    continue
                wanted = [(everything - pair, 1), *((everything - {one}, 0) for one in sorted(pair))]
                again, *alone = self._told(search, wanted)
                if again.outcome == Outcome.GOOD and all(one.outcome != Outcome.GOOD for one in alone):
                    return sorted(asked[one] for one in pair)
        return []

    def _told(self, search: _Search, wanted: Sequence[tuple[Mixture, int]]) -> list[Observation]:
        """Execute mixtures of a search's units, and tell the search of them."""
        place = {number: index for index, unit in enumerate(search.units) for number in unit}
        numbers = [(search.hunks(mixture), repeat) for mixture, repeat in wanted]
        seen = [
            replace(one, mixture=mixture, ties=tuple(_within(one.ties, place)))
            for one, (mixture, _) in zip(self.mixtures.observe_all(numbers), wanted, strict=True)
        ]
        for one in seen:
            search.search.tell(one)
        return seen


def _within(ties: Sequence[Tie], place: Mapping[int, int]) -> Iterable[Tie]:
    """Return ties in the numbers of the units asked about; what is not asked about binds nothing."""
    for tie in ties:
        applied = frozenset(place[number] for number in tie.applied if number in place)
        needed = frozenset(place[number] for number in tie.needed if number in place)
        if applied and needed and not applied & needed:
            yield replace(tie, applied=applied, needed=needed)
