"""Simulated boundaries that are opened into hunks: two trees of files, and what every mixture of their hunks does."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

from mixture_worlds import World

from harness.descent.mixtures import Mixtures, Sides
from harness.descent.opening import Opening
from harness.search.mixtures import Observation, Outcome
from harness.search.ties import Tie

SESSION = SimpleNamespace(releases=[SimpleNamespace(version="1.0"), SimpleNamespace(version="2.0")])
ENDS = SimpleNamespace(good=[], bad=[])


@dataclass(frozen=True)
class Boundary:
    """A boundary, with a hunk a number.

    Attributes:
        does: Returns the outcome of a mixture of hunks, and the ties that it shows.
        files: File of each hunk, sorted.
        fixed: The older side is the bad one.
        looks: What is to be searched, few hunks and then more; all hunks if empty.
        both: Hunks of which both forms stand in all mixtures.
        suspects: {hunk: suspicion}, where it is not 1.
        known: Ties that the files tell.
        lines: {hunk: (line as before, line as after)}, where it does not just exchange a text.
        near: Files on the way to the line that does it.
        jobs: Executions at a time.
        flips: Returns the outcome of one repeat, where not all of them end alike.
    """

    does: object
    files: tuple
    fixed: bool = False
    looks: tuple = ()
    both: frozenset = frozenset()
    suspects: dict = field(default_factory=dict)
    known: tuple = ()
    lines: dict = field(default_factory=dict)
    near: tuple = ()
    jobs: int = 1
    flips: object = None

    @property
    def every(self):
        return frozenset(range(len(self.files))) - self.both

    def outcome(self, mixture):
        return self.does(mixture)[0]

    def trees(self):
        """Return the older and the newer tree."""
        older, newer = {}, {}
        for number, file in enumerate(self.files):
            lines = self.lines.get(number, (f"x{number} = 'older'", f"x{number} = 'newer'"))
            for tree, line in zip((older, newer), lines, strict=True):
                tree[file] = tree.get(file, b"") + f"{line}\npass  # {number}\n".encode()
        return older, newer


class Simulated(Mixtures):
    """The mixtures of a simulated boundary: what they do is told by the boundary, all else is as it is.

    Attributes:
        asked: {(mixture, repeat): how often it was executed}.
    """

    def __init__(self, boundary):
        good, bad = (1, 0) if boundary.fixed else (0, 1)
        near = {(file, 1): 1.0 for file in boundary.near}
        sides = Sides(good, bad, *boundary.trees(), boundary.fixed, near)
        super().__init__(SESSION, None, sides, None, ends=ENDS, jobs=boundary.jobs, note=lambda _: None)
        assert len(self.hunks) == len(boundary.files)
        self.boundary, self.asked = boundary, Counter()

    def look(self):
        self.both, self.ties = self.boundary.both, [*self.boundary.known]
        return [*self.boundary.looks] or [self.boundary.every]

    def weight(self, hunk):
        return self.boundary.suspects.get(self.hunks.index(hunk), 1.0)

    def _observation(self, mixture, repeat):
        assert not mixture & self.both
        self.asked[mixture, repeat] += 1
        outcome, ties = self.boundary.does(mixture)
        if self.boundary.flips:
            outcome = self.boundary.flips(mixture, repeat)
        self.executions += outcome != Outcome.UNRESOLVED
        return Observation(mixture, repeat, outcome, tuple(ties))


def opened(boundary):
    """Open a simulated boundary; return (answer, its mixtures)."""
    mixtures = Simulated(boundary)
    return Opening(mixtures).answer(), mixtures


def bad_with(*culprits, ties=(), **options):
    """Return what makes mixtures bad that hold all of any set of culprits, with `World`'s ties and options."""
    world = World(0, tuple(map(frozenset, culprits)), tuple(ties), **options)

    def does(mixture):
        seen = world.observe(mixture, 0)
        return seen.outcome, seen.ties

    return does


# -- boundaries of which much is drawn -------------------------------------------------------------------


def planted_boundary(seed, count=None):
    """Return a boundary with one to three sets of culprits, and ties that are told by files or failures, or by nobody."""
    draw = random.Random(seed)
    count = count or draw.randint(1, 9)
    numbers = range(count)
    culprits = [draw.sample(numbers, min(count, draw.randint(1, 3))) for _ in range(draw.randint(1, 3))]
    ties = [draw.sample(numbers, 2) for _ in range(draw.randint(0, 5) if count > 1 else 0)]
    told, executed = (draw.random() < 0.5 for _ in range(2))
    return Boundary(
        bad_with(*culprits, ties=map(tuple, ties), told=told, executed=executed),
        known=tuple(Tie(frozenset({a}), frozenset({b})) for a, b in ties if draw.random() < 0.3),
        **_drawn(draw, count, frozenset().union(*culprits)),
    )


def any_boundary(seed):
    """Return a boundary with any function of up to six hunks, impossible mixtures and other failures in it."""
    draw = random.Random(seed)
    count = draw.randint(1, 6)
    options = _drawn(draw, count, frozenset())
    every = frozenset(range(count)) - options["both"]
    kinds = draw.choice(
        [
            [Outcome.GOOD, Outcome.BAD],
            [Outcome.GOOD, Outcome.BAD, Outcome.OTHER],
            [Outcome.GOOD, Outcome.BAD, Outcome.OTHER, Outcome.OTHER],
            list(Outcome),
        ]
    )
    known = {every: Outcome.BAD, frozenset(): Outcome.GOOD}
    if draw.random() < 0.1:
        known[draw.choice([*known])] = draw.choice(list(Outcome))

    def does(mixture):
        return known.setdefault(mixture, random.Random(f"{seed} {sorted(mixture)}").choice(kinds)), ()

    return Boundary(does, **options)


def _drawn(draw, count, culprits):
    """Return what does not depend on the function; what the job executes need not hold the culprits."""
    numbers, looks = range(count), ()
    both = frozenset(draw.sample(numbers, 1)) - culprits if draw.random() < 0.2 else frozenset()
    if draw.random() < 0.6:
        few = frozenset(draw.sample(numbers, draw.randint(0, count)))
        few |= culprits if draw.random() < 0.7 else frozenset()
        more = few | frozenset(draw.sample(numbers, draw.randint(0, count)))
        looks = (few - both, more - both)
    files = tuple(sorted(f"p/{draw.choice('abcd')}.py" for _ in numbers))
    return {
        "files": files,
        "fixed": draw.random() < 0.5,
        "looks": looks,
        "both": both,
        "suspects": {number: draw.choice([1, 1, 1, 10, 1000]) for number in numbers},
        "near": tuple(draw.sample(sorted(set(files)), 1)) if draw.random() < 0.3 else (),
        "jobs": draw.choice([1, 2, 3]),
    }


# -- what of an answer does not hold ---------------------------------------------------------------------


def faults(boundary, answer, mixtures):
    """Return every claim of an answer that the truth, or what was executed, does not bear."""
    found = [
        f"{name} {[sorted(part) for part in parts_of(mixtures, one)]}: {fault}"
        for name, sets in (("taken back", answer.taken_back), ("put in", answer.sets))
        for one in sets
        for fault in _of_set(boundary, one, mixtures, back=name == "taken back")
    ]
    good, bad = boundary.outcome(frozenset()), boundary.outcome(boundary.every)
    ends = {
        "both-good": bad == Outcome.GOOD,
        "both-bad": good == Outcome.BAD,
        "reversed": (good, bad) == (Outcome.BAD, Outcome.GOOD),
        "end-untestable": bool({Outcome.OTHER, Outcome.UNRESOLVED} & {good, bad}),
    }
    if not ends.get(answer.conclusion, True):
        found.append(f"{answer.conclusion}: the ends are {good} and {bad}")
    if answer.innocent:
        found += [] if _innocent(boundary, answer) else ["what was not searched is not innocent"]
    if answer.innocent is None and answer.executed != answer.hunks:
        found.append("nothing is said of hunks that were not searched")
    if max(mixtures.asked.values()) > 1:
        found.append("the same was executed twice")
    return found


def _of_set(boundary, one, mixtures, *, back):
    """Yield what does not hold of a set."""
    wanted, other = (Outcome.GOOD, Outcome.BAD) if back else (Outcome.BAD, Outcome.GOOD)
    parts, required = parts_of(mixtures, one), numbers(mixtures, one.required)
    whole = required.union(*parts)
    less = [whole - part for part in parts] if one.smallest else [required] * bool(required)

    def mixture(hunks):
        return boundary.every - hunks if back else hunks

    def repeats(hunks):
        return sum(one == mixture(hunks) for one, _ in mixtures.asked)

    if not parts or sum(map(len, (*parts, required))) != len(whole):
        yield "it is empty, or a hunk stands there twice"
    if boundary.outcome(mixture(whole)) != wanted:
        yield "it does not do it"
    for smaller in less:
        if boundary.outcome(mixture(smaller)) != other:
            yield f"{sorted(smaller)} was not shown not to do it"
    if one.confirmed and min(map(repeats, [whole, *less])) < 2:
        yield "it was not executed twice"
    for executed, _ in mixtures.asked:
        if mixture(executed) < whole and boundary.outcome(executed) == wanted:
            yield f"{sorted(mixture(executed))} is known to do it too"


def _innocent(boundary, answer):
    """Tell whether what was not searched neither keeps the failure nor brings it."""
    shown = [
        (boundary.outcome(asked), boundary.outcome(boundary.every - asked))
        for asked in boundary.looks
        if len(asked | boundary.both) == answer.executed
    ]
    return (Outcome.BAD, Outcome.GOOD) in shown


def numbers(mixtures, hunks):
    """Return the numbers of hunks as the report has them."""
    every = [mixtures.result(number) for number in sorted(mixtures.everything)]
    return frozenset(every.index(hunk) for hunk in hunks)


def parts_of(mixtures, one):
    return [numbers(mixtures, part) for part in one.parts]
