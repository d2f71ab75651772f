"""Simulated histories, and a driver that runs a search on one without any probe."""

import random
from dataclasses import dataclass, field

from harness.search.knowledge import Observation
from harness.search.search import make_search
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

GOOD = Judgement(Verdict.GOOD, "as it should be")
BAD = Judgement(
    Verdict.BAD, "the failure looked for", Fingerprint("non-finite loss", 1, "optimizer", "score")
)
CRASH = Judgement(
    Verdict.BAD, "another failure", Fingerprint("exception", 1, "forward", exception="KeyError")
)
SKIP = Judgement(Verdict.SKIP, "cannot be installed")
HIGHER = Judgement(Verdict.BAD, "higher than the reference", Fingerprint("loss higher", level=2.0))
LOWER = Judgement(Verdict.BAD, "lower than the reference", Fingerprint("loss lower", level=0.5))
LETTERS = {"g": GOOD, "b": BAD, "x": CRASH, "s": SKIP, "h": HIGHER, "l": LOWER}


def written(letters):
    """A history without noise: g good, b bad, x another failure, s skip, h and l another value than the reference."""
    return lambda position, repeat: LETTERS[letters[position]]


def region(count, start, stop):
    """Good but for the releases from `start` up to, not including, `stop`."""
    return "".join("b" if start <= position < stop else "g" for position in range(count))


@dataclass
class Flaky:
    """A history with one regression whose runs show the wrong verdict at a rate of each side.

    The outcome of one run of one release is the same whoever asks for it, and in whatever order.
    """

    seed: int
    count: int = 34
    wrong: float = 0.0
    missed: float = 0.0
    first_bad: int = 0
    drawn: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.first_bad:
            self.first_bad = random.Random(self.seed).randrange(1, self.count)

    def bad(self, position, repeat):
        stream, runs = self.drawn.setdefault(position, (random.Random(self.seed * 1009 + position), []))
        while len(runs) <= repeat:
            runs.append(stream.random())
        is_bad = position >= self.first_bad
        return is_bad != (runs[repeat] < (self.missed if is_bad else self.wrong))

    def __call__(self, position, repeat):
        return BAD if self.bad(position, repeat) else GOOD


@dataclass
class Window:
    """A history whose executions fail with a probability that depends on the release: `rates`, one for each.

    The outcome of one execution of one release is the same whoever asks for it, and in whatever order.
    """

    seed: int
    rates: tuple
    drawn: dict = field(default_factory=dict)

    def bad(self, position, repeat):
        stream, runs = self.drawn.setdefault(position, (random.Random(self.seed * 1009 + position), []))
        while len(runs) <= repeat:
            runs.append(stream.random())
        return runs[repeat] < self.rates[position]

    def __call__(self, position, repeat):
        return BAD if self.bad(position, repeat) else GOOD

    @property
    def changes(self):
        """The true boundaries: {(before, after, kind)}."""
        return {
            (after - 1, after, "regressed" if self.rates[after] > self.rates[after - 1] else "fixed")
            for after in range(1, len(self.rates))
            if self.rates[after] != self.rates[after - 1]
        }


def window(seed, count, wide, good, bad):
    """A window of `wide` worse releases somewhere inside; a step to the newest end if it is 0; none if it is None."""
    draw = random.Random(seed)
    if wide is None:
        return Window(seed, (good,) * count)
    start = draw.randrange(1, count - wide)
    stop = start + wide if wide else count
    return Window(seed, tuple(bad if start <= position < stop else good for position in range(count)))


@dataclass
class Outcome:
    answer: object
    runs: int
    releases: int
    rounds: int
    search: object

    @property
    def sides(self):
        return [(boundary.before, boundary.after) for boundary in self.answer.boundaries]

    @property
    def kinds(self):
        return [boundary.kind for boundary in self.answer.boundaries]


def solve(strategy, truth, count, *, jobs=1, digest=None, one_by_one=False, **options):
    """Run a search round by round: all that was proposed ends before more is asked for."""
    search = make_search(strategy, count=count, jobs=jobs, **options)
    asked, rounds = set(), 0
    while requests := fill(search, jobs) if one_by_one else search.propose(jobs):
        rounds += 1
        assert len(requests) <= jobs
        assert asked.isdisjoint(requests), "a run was asked for twice"
        asked |= set(requests)
        for request in requests:
            told = truth(request.position, request.repeat)
            trace = digest(request.position, request.repeat) if digest else None
            search.tell(Observation(request.position, request.repeat, told, trace))
    assert search.done
    first, last, _steps = search.narrowed()
    assert 0 <= first <= last < count
    return Outcome(search.answer(), len(asked), len({r.position for r in asked}), rounds, search)


def fill(search, slots):
    """Propose for one slot after the other."""
    found = []
    while len(found) < slots and (more := search.propose(1)):
        found += more
    return found


def told_again(found, strategy, **options):
    """A new search that is told all that another one was, release by release and not in the order of events."""
    again = make_search(strategy, count=found.search.options.count, **options)
    for observation in sorted(found.search.known.observations, key=lambda o: (o.position, o.repeat)):
        again.tell(observation)
    return again
