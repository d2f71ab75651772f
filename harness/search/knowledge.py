"""What a search knows: every observation, and what follows from it for each release.

The strategies are functions of this object alone, so a search can be replayed from its observations.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.search.options import Options

Signal: TypeAlias = Verdict | Fingerprint
"""GOOD, BAD (the failure looked for), or the fingerprint of another failure, its step left out."""

SETTLED = 2
"""Votes by which a verdict must lead once two runs of a release have disagreed."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One finished probe.

    Attributes:
        position: The release.
        repeat: Which run of it, from 0.
        judgement: The verdict.
        digest: Digest of the trace; two equal ones prove the job deterministic.
    """

    position: int
    repeat: int
    judgement: Judgement
    digest: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Request:
    """One probe to be run: a position and the number of its repeat, from 0."""

    position: int
    repeat: int


class Knowledge:
    """Observations, probes under way, and the log of decisions.

    Attributes:
        options: The question.
        observations: Every probe that ended, in the order told.
        pending: Probes under way.
        log: One sentence a decision.
        failure: The failure looked for, where a bad release names one.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.observations: list[Observation] = []
        self.pending: set[Request] = set()
        self.log: list[str] = []
        self._other_trace = False
        self._same_trace = False
        self._traces: dict[int, str] = {}
        self._seen: set[Request] = set()
        self._runs: list[list[Signal]] = [[] for _ in range(options.count)]
        self._told: list[int] = [0] * options.count
        self._next: list[int] = [0] * options.count
        self._raw: list[Signal | None] = [None] * options.count
        for position, verdict in options.assume.items():
            self.say(f"{options.name(position)} is taken for {verdict} without a probe, as asked")
            if verdict in (Verdict.GOOD, Verdict.BAD):
                self._raw[position] = verdict
        self.failure: Signal | None = self._main_failure()

    # -- taking in ------------------------------------------------------------------------------------------

    def tell(self, observation: Observation) -> None:
        """Take in one finished probe, once; what an assumption overrides is kept but carries no weight."""
        position = observation.position
        request = Request(position, observation.repeat)
        if request in self._seen:
            return
        self._seen.add(request)
        self.observations.append(observation)
        self.pending.discard(request)
        self._told[position] += 1
        self._next[position] = max(self._next[position], observation.repeat + 1)
        signal = self._signal_of(observation.judgement)
        if signal is None or position in self.options.assume:
            return
        if observation.digest is not None:
            same = self._traces.setdefault(position, observation.digest) == observation.digest
            self._same_trace |= same and bool(self._runs[position])
            self._other_trace |= not same
        runs = self._runs[position]
        runs.append(signal)
        # The most frequent one; Counter keeps the earliest first where two are as frequent.
        self._raw[position] = runs[0] if len(runs) == 1 else Counter(runs).most_common(1)[0][0]
        self.failure = self._main_failure()

    def request(self, positions: Iterable[int]) -> list[Request]:
        """Return the next run of each position and note it as under way."""
        made = []
        for position in positions:
            made.append(Request(position, self._next[position]))
            self._next[position] += 1
        self.pending.update(made)
        return made

    def say(self, sentence: str) -> None:
        """Write one sentence into the log, once."""
        if sentence not in self.log:
            self.log.append(sentence)

    def name(self, position: int) -> str:
        """Return what the log calls a position."""
        return self.options.name(position)

    # -- one release ----------------------------------------------------------------------------------------

    def tested(self, position: int) -> bool:
        """Tell whether the position has a result, or an assumed verdict in its place."""
        return self._told[position] > 0 or position in self.options.assume

    def under_way(self, position: int) -> bool:
        """Tell whether a probe of the position runs at present."""
        return any(request.position == position for request in self.pending)

    def signal(self, position: int) -> Signal | None:
        """Return what the release shows by majority; None if skipped or untested."""
        raw = self._raw[position]
        return Verdict.BAD if raw is not None and raw == self.failure else raw

    def verdict(self, position: int) -> Verdict:
        """Return the verdict as to the failure looked for; another failure hides it, so counts as a skip."""
        signal = self.signal(position)
        if isinstance(signal, Verdict):
            return signal
        return Verdict.SKIP if self.tested(position) else Verdict.UNTESTED

    def verdicts(self) -> list[Verdict]:
        """Return the verdict of every position."""
        return [self.verdict(position) for position in range(self.options.count)]

    def counts(self, position: int) -> tuple[int, int]:
        """Return (bad runs, good and bad runs) as to the failure looked for."""
        runs = self._runs[position]
        good = runs.count(Verdict.GOOD)
        bad = sum(run in (self.failure, Verdict.BAD) for run in runs)
        return bad, good + bad

    def runs(self, position: int) -> int:
        """Return how many runs gave a verdict."""
        return len(self._runs[position])

    def told(self, position: int) -> int:
        """Return how many runs ended, skips among them."""
        return self._told[position]

    def lead(self, position: int) -> int:
        """Return by how many votes the most frequent signal leads the next."""
        votes = [*(count for _, count in Counter(self._runs[position]).most_common(2)), 0]
        return votes[0] - votes[1] if self._runs[position] else 0

    def disagrees(self, position: int, verdict: Verdict) -> bool:
        """Tell whether at least as many runs of the release gave another verdict as gave this one."""
        bad, runs = self.counts(position)
        return runs > 0 and 2 * (bad if verdict == Verdict.GOOD else runs - bad) >= runs

    def contested(self, position: int) -> bool:
        """Tell whether two runs of the release disagree."""
        return len(set(self._runs[position])) > 1

    def repeated(self, position: int) -> bool:
        """Tell whether a second run agrees with the first, or the verdict is assumed."""
        return position in self.options.assume or (
            self.runs(position) >= 2 and self.lead(position) >= SETTLED
        )

    # -- all releases ---------------------------------------------------------------------------------------

    def testable(self) -> list[int]:
        """Return the positions that are good or bad as to the failure looked for."""
        return [p for p in range(self.options.count) if isinstance(self.signal(p), Verdict)]

    def untested(self) -> list[int]:
        """Return the positions without a result, those under way among them."""
        return [p for p in range(self.options.count) if not self.tested(p)]

    def disputed(self) -> list[int]:
        """Return the positions of which two runs disagree."""
        return [p for p in range(self.options.count) if self.contested(p)]

    def deterministic(self) -> bool:
        """Tell whether runs of one release left the same trace, and nothing speaks against it."""
        return self._same_trace and not self._other_trace and not self.disputed()

    def end(self, *, newest: bool) -> int | None:
        """Return the outermost position that is not a skip; None as long as that needs another probe."""
        order = range(self.options.count)
        for position in reversed(order) if newest else order:
            if not self.tested(position):
                return None
            if self._raw[position] is not None:
                return position
        return None

    def _main_failure(self) -> Signal | None:
        """Return the failure looked for: the newest end's, else the oldest end's, else the most frequent.

        An end that is bad without a fingerprint (assumed) names none, so the most frequent one stands for it.
        """
        for newest in (True, False):
            position = self.end(newest=newest)
            raw = None if position is None else self._raw[position]
            if isinstance(raw, Fingerprint):
                return raw
            if raw == Verdict.BAD:
                break
        failures = Counter(raw for raw in self._raw if isinstance(raw, Fingerprint))
        return failures.most_common(1)[0][0] if failures else None

    def _signal_of(self, judgement: Judgement) -> Signal | None:
        if judgement.verdict not in (Verdict.GOOD, Verdict.BAD):
            return None
        if judgement.verdict == Verdict.GOOD or judgement.fingerprint is None or self.options.any_failure:
            return judgement.verdict
        return replace(judgement.fingerprint, step=None)
