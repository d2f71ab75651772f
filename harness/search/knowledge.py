"""What a search knows: every observation, and what follows from it for each release.

The strategies are functions of this object alone, so a search can be replayed from its observations.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from harness.search.chains import Level
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from harness.search.options import Options

Signal: TypeAlias = Verdict | Fingerprint
"""GOOD, BAD (a failure without a fingerprint), or `Fingerprint.failure`."""

Derived = TypeVar("Derived")

TWICE, THRICE = 2, 3
"""Executions of a side that a confirmation needs: of a job that equal traces prove deterministic, and of any other."""


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
        traced: Whether any execution with a verdict left a trace.
        named_failures: The failures with a fingerprint that were seen.
        left: How many releases have no result yet.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.observations: list[Observation] = []
        self.pending: set[Request] = set()
        self.log: list[str] = []
        self.traced = False
        self.named_failures: set[Fingerprint] = set()
        self.left = options.count - len(options.assume)
        self._other_trace = False
        self._same_trace = False
        self._traces: dict[int, str] = {}
        self._seen: set[Request] = set()
        self._runs: list[list[Signal]] = [[] for _ in range(options.count)]
        self._told: list[int] = [0] * options.count
        self._next: list[int] = [0] * options.count
        self._raw: list[Signal | None] = [None] * options.count
        self._levels = [Level(position) for position in range(options.count)]
        self._contested: set[int] = set()
        self._fresh = 0
        self._derived: dict[Hashable, object] = {}
        for position, verdict in options.assume.items():
            self.say(f"{options.name(position)} is taken for {verdict} without a probe, as asked")
            if verdict in (Verdict.GOOD, Verdict.BAD):
                self._raw[position] = verdict
                self._levels[position] = Level(position, assumed=verdict == Verdict.BAD)

    # -- taking in ------------------------------------------------------------------------------------------

    def tell(self, observation: Observation) -> None:
        """Take in one finished probe, once; what an assumption overrides is kept but carries no weight."""
        position = observation.position
        request = Request(position, observation.repeat)
        if request in self._seen:
            return
        self._seen.add(request)
        self._derived.clear()
        self.observations.append(observation)
        self.pending.discard(request)
        self.left -= not self.tested(position)
        self._told[position] += 1
        self._next[position] = max(self._next[position], observation.repeat + 1)
        signal = self._signal_of(observation.judgement)
        if signal is None or position in self.options.assume:
            return
        runs = self._runs[position]
        if observation.digest is not None:
            self.traced = True
            same = self._traces.setdefault(position, observation.digest) == observation.digest
            self._same_trace |= same and bool(runs)
            self._other_trace |= not same
        runs.append(signal)
        if isinstance(signal, Fingerprint):
            self.named_failures.add(signal)
        failures = self._levels[position].failures + (signal != Verdict.GOOD)
        self._levels[position] = Level(position, failures, len(runs))
        if signal != runs[0]:
            self._contested.add(position)
        # The most frequent one; Counter keeps the earliest first where two are as frequent.
        self._raw[position] = runs[0] if len(runs) == 1 else Counter(runs).most_common(1)[0][0]

    def request(self, positions: Iterable[int]) -> list[Request]:
        """Return the next run of each position and note it as under way."""
        made = []
        for position in positions:
            made.append(Request(position, self._next[position]))
            self._next[position] += 1
        self.pending.update(made)
        return made

    def derived(self, name: Hashable, make: Callable[[], Derived]) -> Derived:
        """Return what follows from the observations; it is made once, and again after the next one."""
        if name not in self._derived:
            self._derived[name] = make()
        return cast("Derived", self._derived[name])

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
        """Return what most executions of the release show; None if skipped or untested."""
        return self._raw[position]

    def verdict(self, position: int) -> Verdict:
        """Return the verdict of most executions of the release."""
        signal = self._raw[position]
        if signal is None:
            return Verdict.SKIP if self.tested(position) else Verdict.UNTESTED
        return Verdict.GOOD if signal == Verdict.GOOD else Verdict.BAD

    def counts(self, position: int) -> tuple[int, int]:
        """Return (failures of any kind, executions with a verdict)."""
        level = self._levels[position]
        return level.failures, level.executions

    def level(self, position: int) -> Level:
        """Return what the noise model is told of the release."""
        return self._levels[position]

    def failures(self, position: int) -> Counter[Signal]:
        """Return how often each failure was seen."""
        return Counter(signal for signal in self._runs[position] if signal != Verdict.GOOD)

    def runs(self, position: int) -> int:
        """Return how many executions gave a verdict."""
        return len(self._runs[position])

    def told(self, position: int) -> int:
        """Return how many executions ended, skips among them."""
        return self._told[position]

    def trace(self, position: int) -> str | None:
        """Return the trace of the release's first execution; None where it left none, or where traces tell nothing."""
        return None if self._other_trace else self._traces.get(position)

    def full(self) -> int:
        """Return how many full executions, those under way included, went into releases that have a class."""
        classes = self.options.classes
        return sum(self._told[position] for position in classes) + sum(
            request.position in classes for request in self.pending
        )

    def skips(self, position: int) -> int:
        """Return how many executions ended without a verdict."""
        return self._told[position] - self._levels[position].executions

    def repeated(self, position: int) -> bool:
        """Tell whether enough executions gave a verdict to confirm a boundary beside it, or the verdict is assumed."""
        needed = TWICE if self.deterministic() else THRICE
        return position in self.options.assume or self.runs(position) >= needed

    # -- all releases ---------------------------------------------------------------------------------------

    def testable(self) -> list[int]:
        """Return the positions that are good or bad."""
        return self.derived(
            "testable", lambda: [p for p, signal in enumerate(self._raw) if signal is not None]
        )

    def untested(self) -> list[int]:
        """Return the positions without a result, those under way among them."""
        return self.derived("untested", lambda: [p for p in range(self.options.count) if not self.tested(p)])

    def fresh(self, most: int) -> list[int]:
        """Return the first positions that were neither executed nor asked for; all calls together are linear."""
        found: list[int] = []
        position = self._fresh
        while position < self.options.count and len(found) < most:
            if not self._next[position] and position not in self.options.assume:
                found.append(position)
            elif not found:
                self._fresh = position + 1
            position += 1
        return found

    def disputed(self) -> list[int]:
        """Return the positions of which two executions disagree."""
        return sorted(self._contested)

    def noisy(self) -> bool:
        """Tell whether two executions of one release disagree on good or bad."""
        contested = (self._levels[position] for position in self._contested)
        return any(0 < level.failures < level.executions for level in contested)

    def deterministic(self) -> bool:
        """Tell whether executions of one release left the same trace, and nothing speaks against it."""
        return self._same_trace and not self._other_trace and not self._contested

    def end(self, *, newest: bool) -> int | None:
        """Return the outermost position that is not a skip; None as long as that needs another probe."""
        order = range(self.options.count)
        for position in reversed(order) if newest else order:
            if not self.tested(position):
                return None
            if self._raw[position] is not None:
                return position
        return None

    def _signal_of(self, judgement: Judgement) -> Signal | None:
        if judgement.verdict not in (Verdict.GOOD, Verdict.BAD):
            return None
        if judgement.verdict == Verdict.GOOD or judgement.fingerprint is None or self.options.any_failure:
            return judgement.verdict
        return judgement.fingerprint.failure
