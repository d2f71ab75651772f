"""Opens a boundary into its hunks: which of them, taken back in the bad side, cure, and, put into the good side, break?

Taking out of the newer side comes first: a change that needs imports, helpers and callers cannot be put into the older
side alone, but one line of it can be taken out. Of a break, that cures; of a repair, that breaks.
`harness.search.Difference` searches the smallest sets; that every choice of one part of each set does the reverse to the
other side is the last thing that it executes. Where that cannot be executed, whole files are put into the good side: a
refactoring cannot be split hunk by hunk.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.descent.names import defines_for
from harness.report.hunks import HunkAnswer, HunkSet
from harness.search.difference import Difference
from harness.search.mixtures import TWICE, Belief, Outcome
from harness.search.ties import Tie

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.descent.mixtures import Mixtures
    from harness.report.hunks import HunkResult
    from harness.search.culprits import Answer, CulpritSet
    from harness.search.mixtures import Observation
    from harness.search.ties import Mixture

MOST_SINGLE = 8
"""Likely hunks that are taken out one by one, before any are taken out together."""
MOST_USERS, MOST_PAIRS = 4, 8
"""Likely hunks beside which others are taken out too, and how many pairs in all."""
TAKING_OUT = 44
"""Executions of the search for what the newer side brought."""
OTHER_WAY = 24
"""Executions of the search the other way round, where a single hunk tells that way."""
AFTER_FIRST = 16
"""Executions after the first set: what it does to the other side, and whether there are further ones."""
OF_FILES, IN_FILES = 24, 24
"""Executions of mixtures of whole files, and then of the hunks in those that do it."""
MOST_INSIDE = 40
"""Hunks in those files, above which they are not told apart."""

_OPPOSITE = {Outcome.GOOD: Outcome.BAD, Outcome.BAD: Outcome.GOOD}
_OF_ENDS = frozenset({"both-good", "both-bad", "reversed", "end-untestable"})
"""Conclusions after which nothing between the ends can be told."""
_CONCLUSIONS = {"both-good": "both-bad", "both-bad": "both-good"}
"""What a search that takes back calls the two ends."""


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for the smallest set of units.

    Attributes:
        units: Each a set of numbers of hunks that are taken or left together.
        place: {hunk: its unit}.
        search: Of the numbers of units.
        weights: How suspicious each unit is.
        back: A mixture of the search is what is taken back in the bad side; otherwise, what is put into the good one.
    """

    units: Sequence[Mixture]
    place: Mapping[int, int]
    search: Difference
    back: bool
    weights: Sequence[float]

    def rank(self, unit: int) -> tuple[float, int]:
        """Return what units are sorted by, the likeliest first."""
        return -self.weights[unit], unit

    def order(self) -> list[int]:
        """Return the units, the likeliest first."""
        return sorted(range(len(self.units)), key=self.rank)

    def hunks(self, units: Iterable[int]) -> Mixture:
        """Return the hunks of some units."""
        return frozenset(number for unit in units for number in self.units[unit])

    def mixture(self, units: Mixture) -> Mixture:
        """Return which hunks are as in the bad side in a mixture of the search."""
        return self.hunks(range(len(self.units))) - self.hunks(units) if self.back else self.hunks(units)

    def told(self, seen: Observation, units: Mixture) -> Observation:
        """Return an observation of hunks as one of the search's own."""
        outcome = _OPPOSITE.get(seen.outcome, seen.outcome) if self.back else seen.outcome
        ties = tuple(_within(seen.ties, self.place, back=self.back))
        return replace(seen, mixture=units, outcome=outcome, ties=ties)


class Opening:
    """The hunks of one boundary, searched.

    Args:
        mixtures: Executes them.
    """

    def __init__(self, mixtures: Mixtures) -> None:
        self.mixtures = mixtures
        self.hunks, self.sides, self.note = mixtures.hunks, mixtures.sides, mixtures.note

    def answer(self) -> HunkAnswer:
        """Execute what is needed and return what it shows."""
        started = time.monotonic()
        asked, innocent = self._suspects()
        conclusion, cures, sets = "both-good", list[HunkSet](), list[HunkSet]()
        if asked:
            conclusion, cures, sets = self._searched(asked)
            if not cures and not sets and self.sides.fixed and conclusion not in _OF_ENDS:
                conclusion, sets = self._whole_files(asked)
        return HunkAnswer(
            conclusion=conclusion,
            environment=self.mixtures.session.releases[self.sides.bad].version,
            fixed=self.sides.fixed,
            hunks=len(self.hunks),
            files=len({hunk.file for hunk in self.hunks}),
            executed=len(asked | self.mixtures.both),
            innocent=innocent,
            taken_back=cures,
            sets=sets,
            executions=self.mixtures.executions,
            seconds=round(time.monotonic() - started, 1),
        )

    def _suspects(self) -> tuple[Mixture, bool | None]:
        """Return the hunks to search, and whether all others are shown to be innocent; None if there are none.

        Those of which the job executes a line come first, the heads of functions that are never called left out; where
        the others are not innocent, more are searched.
        """
        every, both = self.mixtures.everything, self.mixtures.both
        for asked in self.mixtures.look():
            idle = every - asked - self.mixtures.both
            self.note(f"{len(self.hunks)} hunks; the job executes lines of {len(asked)}")
            if not idle:
                return asked, None
            if asked and self.mixtures.innocent(idle):
                return asked, True
        return every - both, False

    def _searched(self, asked: Mixture) -> tuple[str, list[HunkSet], list[HunkSet]]:
        """Return the conclusion, the smallest sets that cure, and those that break.

        What the newer side brought is taken out of it: of a break, that is what cures; of a repair, what breaks.
        """
        back = not self.sides.fixed
        units = [frozenset({number}) for number in sorted(asked)]
        search = self._over(units, TAKING_OUT, back=back)
        told = self._single(search)
        if told is None:
            self._pair(search)
        elif told[0] != back:
            back = told[0]
            search = self._over(units, OTHER_WAY, back=back)
            self._tell(search, [(frozenset({told[1]}), 0)])
        self._run(search)
        found = search.search.answer()
        first = [self._shown(search, one) for one in found.sets]
        other = [
            replace(
                self._set(search, [frozenset({unit}) for unit in sorted(one.reverted)], one.along),
                confirmed=found.confirmed,
            )
            for one in sorted(
                {one for each in found.sets for one in each.reversals if one.tested},
                key=lambda one: sorted(one.reverted),
            )
        ]
        conclusion = found.conclusion.value
        if not back:
            return conclusion, other, first
        if not other and conclusion not in _OF_ENDS:
            conclusion, other = self._put_in(search, found)
        return _CONCLUSIONS.get(conclusion, conclusion), first, other

    def _single(self, search: _Search) -> tuple[bool, int] | None:
        """Exchange single hunks in both sides, the likeliest first, until one tells.

        Returns whether it cures when it is taken back, rather than breaks when it is put in, and its unit; None if none
        tells.

        What a side lacks is told by the other one: a parameter that the newer side lacks can be taken out of the older one.
        """
        everything = search.search.evidence.everything
        for place in search.order()[:MOST_SINGLE]:
            single = frozenset({place})
            self._tell(search, [(single, 0), (everything - single, 0)])
            alone, without = (search.search.evidence.belief(one) for one in (single, everything - single))
            if alone == Belief.BAD:
                return search.back, place
            if without == Belief.GOOD:
                return not search.back, place
        return None

    def _pair(self, search: _Search) -> None:
        """Take out two hunks, until two tell: a likely one, and one that defines a name which the first one uses."""
        place, tried = search.place, 0
        for index in search.order()[:MOST_USERS]:
            (number,) = search.units[index]
            users = defines_for(self.hunks, number, older_is_bad=self.sides.fixed)
            likely = sorted((place[one] for one in users if one in place), key=search.rank)
            for other in likely[: MOST_PAIRS - tried]:
                tried += 1
                pair = frozenset({index, other})
                self._tell(search, [(pair, 0)])
                if search.search.evidence.belief(pair) == Belief.BAD:
                    return

    def _put_in(self, search: _Search, found: Answer) -> tuple[str, list[HunkSet]]:
        """Return the smallest set known to break the good side, where what was taken out does not tell that."""
        broken = search.search.evidence.believed(Belief.GOOD)  # as good as no hunk taken back
        smallest = search.mixture(max(broken, key=len))
        if len(smallest) <= MOST_INSIDE:
            units = [frozenset({number}) for number in sorted(smallest)]
            conclusion, sets = self._drawn(self._over(units, IN_FILES))
        else:
            conclusion, sets = self._whole_files(search.mixture(frozenset()))
        if sets:
            return conclusion, sets
        if not found.sets:
            return found.conclusion.value, []
        needed = smallest & search.hunks(frozenset[int]().union(*(one.changes for one in found.sets)))
        without, again = self.mixtures.observe_all([(smallest - needed, 0), (smallest, 1)])
        if not needed or without.outcome == Outcome.BAD or again.outcome != Outcome.BAD:
            return found.conclusion.value, []
        parts, rest = self._results(needed), self._results(smallest - needed)
        return found.conclusion.value, [HunkSet([parts], rest, smallest=False, confirmed=True)]

    def _shown(self, search: _Search, found: CulpritSet) -> HunkSet:
        """Return a set that was found, executed once more where that was not done yet."""
        evidence = search.search.evidence
        while evidence.belief(found.mixture, TWICE) is None:
            self._tell(
                search, [(found.mixture, sum(one.mixture == found.mixture for one in evidence.observations))]
            )
        sure = evidence.belief(found.mixture, TWICE) == Belief.BAD
        return replace(self._set(search, found.parts, found.required), confirmed=sure)

    def _set(self, search: _Search, parts: Iterable[Mixture], required: Mixture) -> HunkSet:
        return HunkSet(
            [self._results(search.hunks(part)) for part in parts], self._results(search.hunks(required))
        )

    def _results(self, numbers: Mixture) -> list[HunkResult]:
        return [self.mixtures.result(number) for number in sorted(numbers)]

    def _whole_files(self, asked: Mixture) -> tuple[str, list[HunkSet]]:
        """Return which files' changes, put into the good side, break it, and which hunks in them."""
        by_file: dict[str, set[int]] = {}
        for number in sorted(asked):
            by_file.setdefault(self.hunks[number].file, set()).add(number)
        inside = sorted(asked)
        conclusion, sets = "unfinished", list[HunkSet]()
        if len(by_file) > 1:
            units = [frozenset(several) for several in self._on_the_way(by_file).values()]
            files = self._over(units, OF_FILES, grow=True)
            conclusion, sets = self._drawn(files, whole_files=True)
            found = files.search.answer().sets
            inside = sorted(frozenset[int]().union(*(files.hunks(one.mixture) for one in found)))
            if not sets or len(found) > 1:
                return conclusion, sets
        if len(inside) > MOST_INSIDE:
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

    def _over(
        self, units: Sequence[Mixture], budget: int, *, back: bool = False, grow: bool = False
    ) -> _Search:
        """Return a search over units of hunks, each taken or left as a whole."""
        weights = [max(self.mixtures.weight(self.hunks[number]) for number in unit) for unit in units]
        place = {number: index for index, unit in enumerate(units) for number in unit}
        ties = list(_within(self.mixtures.ties, place, back=back))
        search = Difference(len(units), weights=weights, ties=ties, budget=budget, grow=grow)
        return _Search(units, place, search, back, weights)

    def _drawn(self, search: _Search, *, whole_files: bool = False) -> tuple[str, list[HunkSet]]:
        """Search to the end and return the conclusion and the sets that it names."""
        self._run(search, whole=True)
        found = search.search.answer()
        if found.conclusion.value not in {"found", "found-not-reversed", "too-many"}:
            return found.conclusion.value, []
        sets = [self._set(search, one.parts, one.required) for one in found.sets]
        sure = found.conclusion.found
        return found.conclusion.value, [replace(one, whole_files=whole_files, confirmed=sure) for one in sets]

    def _run(self, search: _Search, *, whole: bool = False) -> None:
        """Execute what a search proposes until it is done; unless the `whole` is wanted, little after the first set."""
        opened = False
        while not search.search.done:
            if not whole and not opened and search.search.answer().sets:
                opened = True
                after = search.search.evidence.executions() + AFTER_FIRST
                search.search.budget = min(search.search.budget, after)
            requests = search.search.propose(self.mixtures.jobs)
            self._tell(search, [(request.mixture, request.repeat) for request in requests])

    def _tell(self, search: _Search, wanted: Sequence[tuple[Mixture, int]]) -> None:
        """Execute mixtures of a search's units, and tell the search of them."""
        numbers = [(search.mixture(units), repeat) for units, repeat in wanted]
        for seen, (units, _) in zip(self.mixtures.observe_all(numbers), wanted, strict=True):
            search.search.tell(search.told(seen, units))


def _within(ties: Iterable[Tie], place: Mapping[int, int], *, back: bool) -> Iterable[Tie]:
    """Yield ties of hunks in the numbers of a search's units.

    Args:
        ties: What stands as in the bad side is applied.
        place: {hunk: its unit}; all others stand as in the good side.
        back: The search takes back: what is applied in it stands as in the good side.
    """
    for tie in ties:
        if not tie.applied <= place.keys():
            continue
        applied = frozenset(place[number] for number in tie.applied)
        needed = frozenset(place[number] for number in tie.needed if number in place)
        if applied and needed and not applied & needed:
            yield Tie(needed, applied, tie.requirement) if back else Tie(applied, needed, tie.requirement)
