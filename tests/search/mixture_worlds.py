"""Simulated pairs of environments: planted culprits, ties between packages, noise; and a driver for the search."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from harness.search.difference import Difference
from harness.search.mixtures import Observation, Outcome
from harness.search.ties import Tie


@dataclass(frozen=True)
class World:
    """What happens in every mixture.

    Attributes:
        count: Number of changes.
        culprits: Each set makes it bad by itself.
        ties: Pairs (applied, needed): no mixture has the first without the second.
        told: The ties are told by the refusal.
        executed: A broken tie does not refuse, but fails otherwise when it is executed.
        noise: Probability that an execution shows the wrong one of good and bad.
        traced: Executions leave a trace, equal in every execution of a mixture.
    """

    count: int
    culprits: tuple[frozenset, ...]
    ties: tuple[tuple[int, int], ...] = ()
    told: bool = True
    executed: bool = False
    noise: float = 0.0
    traced: bool = False
    seed: int = 0

    def observe(self, mixture, repeat):
        broken = [(one, other) for one, other in self.ties if one in mixture and other not in mixture]
        if broken:
            ties = tuple(
                Tie(frozenset({one}), frozenset({other}), f"{one} needs {other}") for one, other in broken[:1]
            )
            outcome = Outcome.OTHER if self.executed else Outcome.UNRESOLVED
            return Observation(mixture, repeat, outcome, ties if self.told and not self.executed else ())
        bad = self.bad(mixture)
        wrong = random.Random(f"{self.seed} {sorted(mixture)} {repeat}").random() < self.noise
        outcome = Outcome.BAD if bad != wrong else Outcome.GOOD
        return Observation(mixture, repeat, outcome, digest=str(sorted(mixture)) if self.traced else None)

    def bad(self, mixture):
        return any(one <= mixture for one in self.culprits)

    def possible(self, mixture):
        return not any(one in mixture and other not in mixture for one, other in self.ties)

    def _reach(self, change, pairs):
        seen, front = {change}, [change]
        while front:
            one = front.pop()
            for first, second in pairs:
                if first == one and second not in seen:
                    seen.add(second)
                    front.append(second)
        return frozenset(seen)

    def closed(self, change):
        return self._reach(change, self.ties)

    def expected(self):
        """Return the sets that a perfect search names, as sets of parts: what two-way ties bind is one part."""
        whole = {one: frozenset().union(*(self.closed(change) for change in one)) for one in self.culprits}
        least = [
            one for one in self.culprits if not any(whole[other] < whole[one] for other in self.culprits)
        ]
        found = set()
        for one in least:
            top = [c for c in one if not any(c in self.closed(d) and d not in self.closed(c) for d in one)]
            found.add(frozenset(frozenset(d for d in self.closed(c) if c in self.closed(d)) for c in top))
        return found


def planted(seed, count, sizes, tied=0.0, **options):
    """Return a world with sets of culprits of the sizes given, and ties of one or both directions.

    Args:
        seed: Of everything that is drawn.
        count: Number of changes.
        sizes: Of the sets.
        tied: Share of the changes that are tied to another one.
        options: Further fields of the world.
    """
    draw = random.Random(seed)
    order = draw.sample(range(count), count)
    sets, ties = [], []
    for size in sizes:
        sets.append(frozenset(order[:size]))
        order = order[size:]
    mixed = draw.sample(range(count), count)
    for place in range(int(count * tied / 2)):
        one, other = mixed[2 * place : 2 * place + 2]
        ties += draw.choice([[(one, other)], [(other, one)], [(one, other), (other, one)]])
    return World(count, tuple(sets), tuple(ties), seed=seed, **options)


@dataclass
class Ended:
    answer: object
    executions: int
    asked: list = field(default_factory=list)


def solve(world, jobs=1, pick=None, **options):
    """Drive one search to its end, with `jobs` mixtures under way; `pick` chooses which ends next."""
    search = Difference(world.count, **options)
    under_way, asked = [], []
    while not search.done:
        new = search.propose(jobs - len(under_way))
        asked += new
        under_way += new
        assert under_way, "nothing is under way, nothing is proposed, and the search is not done"
        request = under_way.pop(pick(len(under_way)) if pick else 0)
        search.tell(world.observe(request.mixture, request.repeat))
    answer = search.answer()
    return Ended(answer, answer.executions, asked)


def grade(world, answer):
    """Return right, coarse, wrong or none.

    Right names exactly what was planted. Coarse names parts that were not separated from others, each around one of
    the planted parts. Everything else that is claimed is wrong.
    """
    if answer.conclusion not in ("found", "found-not-reversed"):
        return "none"
    found, expected = {frozenset(one.parts) for one in answer.sets}, world.expected()
    if found == expected:
        return "right"
    around = len(found) == len(expected) and all(
        any(len(one) == len(other) and all(any(p <= q for q in one) for p in other) for one in found)
        for other in expected
    )
    return "coarse" if around else "wrong"
