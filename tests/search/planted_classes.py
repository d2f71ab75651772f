"""Planted histories of a reproducible job: classes that show in the first steps, and changes that begin later."""

import random
from dataclasses import dataclass
from itertools import pairwise

from histories import BAD, GOOD, SKIP

from harness.search.classes import stand_ins
from harness.search.knowledge import Observation
from harness.search.search import make_search
from harness.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Planted:
    """What each release does: `letters` g, b or s; `begins`, the class that its first steps show; `traces`, the whole.

    A release whose training fails within its prefix has been executed as a whole: its class is None.
    """

    letters: str
    begins: tuple
    traces: tuple

    def observation(self, position, repeat):
        letter = self.letters[position]
        digest = None if letter == "s" else self.traces[position]
        return Observation(position, repeat, {"g": GOOD, "b": BAD, "s": SKIP}[letter], digest)

    @property
    def changes(self):
        """The true changes in verdict: {(before, after)}, over skips."""
        tested = [p for p, letter in enumerate(self.letters) if letter != "s"]
        return {
            (before, after)
            for before, after in pairwise(tested)
            if self.letters[before] != self.letters[after]
        }

    @property
    def classes(self):
        """{position: class} of what is executed for a prefix and goes on after it."""
        return {p: one for p, one in enumerate(self.begins) if one is not None and self.letters[p] != "s"}


def plant(seed, count, *, boundaries=0, late=0, skips=0.0, early=False):
    """Plant a history.

    Args:
        seed: Of the draw.
        count: Releases.
        boundaries: Changes of the class that show in the first steps, every other class being bad in the end.
        late: Width of a window of bad releases inside of a class, which shows after the first steps alone; 0: none.
        skips: Probability of a release to be a skip.
        early: Bad releases fail within their first steps.
    """
    draw = random.Random(seed)
    cuts = sorted(draw.sample(range(1, count), boundaries))
    number = [sum(cut <= p for cut in cuts) for p in range(count)]
    letters = ["b" if one % 2 else "g" for one in number]
    begins = [
        None if early and letter == "b" else f"class {one}"
        for one, letter in zip(number, letters, strict=True)
    ]
    traces = [f"trace {one}" for one in number]
    if late:
        start = draw.randrange(1, count - late)
        for p in range(start, start + late):
            letters[p] = "g" if letters[p] == "b" else "b"
            traces[p] += " late"
    letters = ["s" if 0 < p < count - 1 and draw.random() < skips else one for p, one in enumerate(letters)]
    return Planted("".join(letters), tuple(begins), tuple(traces))


@dataclass(frozen=True)
class Ended:
    """How a search of a planted history ended.

    `full`: full executions that were paid; `missed`: true changes that were not stated; `false`: stated ones that are
    none; `wrong`: releases that are inferred, and do something else.
    """

    full: int
    missed: set
    false: set
    wrong: list
    inferred: dict
    answer: object


def search(planted, strategy, *, full=None, jobs=1):
    """Search a planted history; what came to its own end within its prefix is told beforehand and costs nothing."""
    count = len(planted.letters)
    by_prefix = strategy == "prefix"
    options = {"classes": planted.classes, "full": full} if by_prefix else {}
    asked = make_search(strategy, count=count, jobs=jobs, **options)
    whole = [p for p in range(count) if p not in planted.classes] if by_prefix else []
    for position in whole:
        asked.tell(planted.observation(position, 0))
    while requests := asked.propose(jobs):
        for request in requests:
            asked.tell(planted.observation(request.position, request.repeat))
    assert asked.done
    answer = asked.answer()
    seen = [one.position for one in asked.known.observations if planted.letters[one.position] != "s"]
    states = {
        p: (v, planted.traces[p]) for p, v in enumerate(answer.judged) if v in (Verdict.GOOD, Verdict.BAD)
    }
    standing = stand_ins(count, planted.classes, states, states.__contains__) if by_prefix else {}
    standing = {p: like for p, like in standing.items() if answer.judged[p] == Verdict.UNTESTED}
    stated = {(one.before, one.after) for one in answer.boundaries}
    return Ended(
        sum(p in planted.classes for p in seen) if by_prefix else len(seen),
        planted.changes - stated,
        stated - planted.changes,
        [p for p, like in standing.items() if planted.letters[p] != planted.letters[like]],
        standing,
        answer,
    )
