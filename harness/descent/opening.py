"""Opens a boundary into its hunks: which of them, taken back in the bad side, cure, and, put into the good side, break?

Taking out of the newer side comes first: a change that needs imports, helpers and callers cannot be put into the older
side alone, but one line of it can be taken out. Of a break, that cures; of a repair, that breaks.
`harness.search.Difference` searches the smallest sets. What is left when a part of each of them is exchanged does the
reverse to the other side; within that, the smallest sets there are searched. Where none is found, whole files are put into
the good side: a refactoring cannot be split hunk by hunk.
"""

from __future__ import annotations

import functools
import itertools
import time
from typing import TYPE_CHECKING, TypeAlias

from harness.descent.hunk_search import DOES_IT, HunkSearch, Known
from harness.descent.names import defines_for
from harness.report.hunks import HunkAnswer, HunkSet
from harness.search.mixtures import CERTAIN, TWICE, Belief, Outcome
from harness.search.ties import Mixture
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.descent.mixtures import Mixtures
    from harness.report.hunks import HunkResult
    from harness.search.culprits import Answer, CulpritSet
    from harness.search.mixtures import Observation

MOST_SINGLE = 8
"""Likely hunks that are taken out one by one, before any are taken out together."""
MOST_USERS, MOST_PAIRS = 4, 8
"""Likely hunks beside which others are taken out too, and how many pairs in all."""
TAKING_OUT = 44
"""Executions of the search for what the newer side brought, those of single hunks and of pairs included."""
OTHER_WAY = 24
"""Executions of the search the other way round, where a single hunk tells that way."""
AFTER_FIRST = 16
"""Executions after the first set: what it does to the other side, and whether there are further ones."""
OF_FILES, INSIDE = 24, 24
"""Executions of mixtures of whole files, and of the hunks in a mixture that is known to do it."""
MOST_INSIDE = 40
"""Hunks in such a mixture, above which they are not told apart."""

_OF_ENDS = frozenset({"both-good", "both-bad", "reversed", "end-untestable"})
"""Conclusions after which nothing between the ends can be told."""
_TAKING_BACK = {"both-good": "both-bad", "both-bad": "both-good"}
"""What the two ends are to a search that takes back: its good end is the bad side."""

_Sets: TypeAlias = dict[Mixture, HunkSet]
"""{its hunks: a set that was found}."""


class Opening:
    """The hunks of one boundary, searched.

    Args:
        mixtures: Executes them.
    """

    def __init__(self, mixtures: Mixtures) -> None:
        self.mixtures = mixtures
        self.hunks, self.sides, self.note = mixtures.hunks, mixtures.sides, mixtures.note
        self._weight = functools.cache(lambda number: mixtures.weight(mixtures.hunks[number]))
        self.known = Known(mixtures.everything, frozenset(), self._weight, [], {})

    def answer(self) -> HunkAnswer:
        """Execute what is needed and return what it shows."""
        started = time.monotonic()
        asked, innocent = self._suspects()
        conclusion, cures, sets = self._searched(asked) if asked else (self._without_hunks(), [], [])
        return HunkAnswer(
            conclusion=conclusion,
            environment=self.mixtures.session.releases[self.sides.bad].version,
            fixed=self.sides.fixed,
            hunks=len(self.hunks),
            files=len({hunk.file for hunk in self.hunks}),
            executed=len(asked | self.known.both),
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
        looks = self.mixtures.look()
        both = self.mixtures.both
        every = self.mixtures.everything - both
        self.known = Known(every, both, self._weight, [*self.mixtures.ties], {})
        for asked in looks:
            self.note(f"{counted(len(self.hunks), 'hunk')}; the job executes lines of {len(asked)}")
            idle = every - asked
            if not idle:
                return asked, None
            if asked and self._outcomes(asked, idle) == [Outcome.BAD, Outcome.GOOD]:
                return asked, True
        return every, False

    def _without_hunks(self) -> str:
        """Return the conclusion where both sides have the same files in all mixtures."""
        (outcome,) = self._outcomes(frozenset())
        return {Outcome.GOOD: "both-good", Outcome.BAD: "both-bad"}.get(outcome, "end-untestable")

    def _searched(self, asked: Mixture) -> tuple[str, list[HunkSet], list[HunkSet]]:
        """Return the conclusion, the smallest sets that cure, and those that break.

        What the newer side brought is taken out of it: of a break, that is what cures; of a repair, what breaks.
        """
        first = not self.sides.fixed
        before = len(self.known.seen)
        back = self._telling(asked, back=first)
        spent = len(self.known.seen) - before
        search = self._over(_singles(asked), TAKING_OUT - spent if back == first else OTHER_WAY, back=back)
        self._run(search)
        found = search.difference.answer()
        conclusion = found.conclusion.value
        if conclusion in _OF_ENDS:
            return _TAKING_BACK.get(conclusion, conclusion) if back else conclusion, [], []
        one, other = self._shown(search, found.sets), self._other_side(search, found)
        cures, sets = (one, other) if back else (other, one)
        least = self._least(sets, back=False)
        if not least:
            ended, sets = self._whole_files(asked)
            least = self._least(sets, back=False)
            conclusion = ended if least else conclusion
        return conclusion, self._least(cures, back=True), least

    def _least(self, sets: _Sets, *, back: bool) -> list[HunkSet]:
        """Return the sets of which no smaller part is known to do it, whatever search came across it."""
        doing = self.known.doing(back=back)
        least = [hunks for hunks in sets if not any(smaller < hunks for smaller in doing)]
        return [sets[hunks] for hunks in sorted(least, key=sorted)]

    def _telling(self, asked: Mixture, *, back: bool) -> bool:
        """Exchange single hunks in both sides, the likeliest first, until one tells, then pairs.

        Returns whether to take back or to put in: the way that tells, else the one given.

        What a side lacks is told by the other one: a parameter that the newer side lacks can be taken out of the older one.
        """
        likely = sorted(asked, key=self.known.rank)
        for number in likely[:MOST_SINGLE]:
            single = frozenset({number})
            taken_back, put_in = self._outcomes(self.known.every - single, single)
            tells = {True: taken_back == Outcome.GOOD, False: put_in == Outcome.BAD}
            if any(tells.values()):
                return back if tells[back] else not back
        self._pair(likely, back=back)
        return back

    def _pair(self, likely: Sequence[int], *, back: bool) -> None:
        """Exchange two hunks, until two tell: a likely one, and one that defines a name which the first one uses."""
        pairs = (
            frozenset({number, other})
            for number in likely[:MOST_USERS]
            for other in sorted(
                defines_for(self.hunks, number, older_is_bad=self.sides.fixed), key=self.known.rank
            )
            if other in likely
        )
        for pair in itertools.islice(dict.fromkeys(pairs), MOST_PAIRS):
            if self._outcomes(self.known.mixture(pair, back=back)) == [DOES_IT[back]]:
                return

    def _other_side(self, search: HunkSearch, found: Answer) -> _Sets:
        """Return the smallest sets that do the reverse to the other side, within what is known to do it."""
        back, sets = not search.back, _Sets()
        tested = [one for each in found.sets for one in each.reversals if one.tested]
        known = {search.hunks(one.reverted | one.along): search.hunks(one.reverted) for one in tested}
        for inside, needed in sorted(known.items(), key=lambda one: sorted(one[0])):
            sets |= self._inside(inside, back=back) or self._coarse(inside, needed, back=back)
        inside = self.known.smallest(search.hunks(search.rest(frozenset())), back=back)
        if not sets and inside not in known and 0 < len(inside) <= MOST_INSIDE:
            culprits = search.hunks(frozenset[int]().union(*(one.changes for one in found.sets)))
            sets = self._inside(inside, back=back) or self._coarse(inside, inside & culprits, back=back)
        return sets

    def _inside(self, inside: Mixture, *, back: bool) -> _Sets:
        """Return the smallest sets within some hunks."""
        search = self._over(_singles(inside), INSIDE, back=back)
        self._run(search, whole=True)
        return self._shown(search, search.difference.answer().sets)

    def _coarse(self, inside: Mixture, needed: Mixture, *, back: bool) -> _Sets:
        """Return the smallest mixture known to do it as one set, if it does not without what the other side needs."""
        inside = self.known.smallest(inside, back=back)
        needed &= inside
        others = inside - needed
        if not needed:
            return {}
        mixtures = [self.known.mixture(hunks, back=back) for hunks in (inside, others)]
        seen = self._observe([(mixture, repeat) for mixture in mixtures for repeat in range(TWICE)])
        wanted = [DOES_IT[back]] * TWICE + [DOES_IT[not back]] * TWICE
        if [one.outcome for one in seen] != wanted:
            return {}
        parts, rest = self._results(needed), self._results(others)
        return {inside: HunkSet([parts], rest, smallest=False, confirmed=True)}

    def _whole_files(self, asked: Mixture) -> tuple[str, _Sets]:
        """Return which files' changes, put into the good side, break it, and which hunks in them."""
        by_file: dict[str, set[int]] = {}
        for number in sorted(asked):
            by_file.setdefault(self.hunks[number].file, set()).add(number)
        units = [frozenset(several) for several in self._on_the_way(by_file).values()]
        files = self._over(units, OF_FILES, back=False, grow=True)
        self._run(files, whole=True)
        found = files.difference.answer()
        sets = self._shown(files, found.sets, whole_files=True)
        smaller = _Sets()
        if len(sets) == len(found.sets) == 1:
            (whole,) = sets
            inside = self.known.smallest(whole, back=False)
            smaller = self._inside(inside, back=False) if len(inside) <= MOST_INSIDE else {}
        return found.conclusion.value, smaller or sets

    def _on_the_way(self, by_file: dict[str, set[int]]) -> dict[str, set[int]]:
        """Return the changed files on the way to the line that does it, if their changes bring the failure; else all."""
        known = {file for file, _ in (*self.sides.before_lines, *self.sides.after_lines)}
        few = {file: numbers for file, numbers in by_file.items() if file in known}
        if not few or len(few) == len(by_file):
            return by_file
        brings = self._outcomes(frozenset[int]().union(*few.values())) == [Outcome.BAD]
        return few if brings else by_file

    def _shown(
        self, search: HunkSearch, several: Iterable[CulpritSet], *, whole_files: bool = False
    ) -> _Sets:
        """Return the sets that were found, each executed again, and without each of its parts; else it is left out."""
        shown = {}
        for one in several:
            without = [(one.mixture - part, Belief.GOOD, TWICE) for part in one.parts]
            wanted = [(one.mixture, Belief.BAD, CERTAIN), *without]
            if all(self._settled(search, mixture, lead) == belief for mixture, belief, lead in wanted):
                parts = [self._results(search.hunks(part)) for part in one.parts]
                required = self._results(search.hunks(one.required))
                shown[search.hunks(one.mixture)] = HunkSet(
                    parts, required, whole_files=whole_files, confirmed=True
                )
        return shown

    def _settled(self, search: HunkSearch, mixture: Mixture, lead: int) -> Belief | None:
        """Return what a mixture of a search amounts to, executed until an answer can rest on it."""
        evidence = search.difference.evidence
        while evidence.belief(mixture, lead) is None:
            repeat = next(number for number in itertools.count() if not evidence.was_told(mixture, number))
            self._tell(search, [(mixture, repeat)])
        return evidence.belief(mixture, lead)

    def _results(self, numbers: Mixture) -> list[HunkResult]:
        return [self.mixtures.result(number) for number in sorted(numbers)]

    def _over(self, units: Sequence[Mixture], budget: int, *, back: bool, grow: bool = False) -> HunkSearch:
        return HunkSearch(units, self.known, budget, back=back, grow=grow)

    def _run(self, search: HunkSearch, *, whole: bool = False) -> None:
        """Execute what a search proposes until it is done; unless the `whole` is wanted, little after the first set."""
        difference, opened = search.difference, False
        while not difference.done:
            if not whole and not opened and difference.answer().sets:
                opened = True
                difference.budget = min(difference.budget, difference.evidence.executions() + AFTER_FIRST)
            requests = difference.propose(self.mixtures.jobs)
            self._tell(search, [(request.mixture, request.repeat) for request in requests])

    def _tell(self, search: HunkSearch, wanted: Sequence[tuple[Mixture, int]]) -> None:
        """Execute mixtures of a search's units, and tell the search of them."""
        numbers = [(search.mixture(units), repeat) for units, repeat in wanted]
        for seen, (units, _) in zip(self._observe(numbers), wanted, strict=True):
            search.tell(seen, units)

    def _outcomes(self, *several: Mixture) -> list[Outcome]:
        """Return what some mixtures do, executed once."""
        return [seen.outcome for seen in self._observe([(one, 0) for one in several])]

    def _observe(self, wanted: Sequence[tuple[Mixture, int]]) -> list[Observation]:
        """Execute mixtures of hunks, each with the number of its repeat; what was executed is known."""
        seen = self.known.seen
        new = [one for one in dict.fromkeys(wanted) if one not in seen]
        for one, observation in zip(new, self.mixtures.observe_all(new), strict=True):
            seen[one] = observation
            self.known.ties.extend(tie for tie in observation.ties if tie not in self.known.ties)
        return [seen[one] for one in wanted]


def _singles(hunks: Mixture) -> list[Mixture]:
    return [frozenset({number}) for number in sorted(hunks)]
