"""Compare the search for a difference with plain ddmin on the same simulated environments: `nox -s bench-difference`.

Executions are counted, refusals are not (they cost a resolution, no execution). This search counts both ends and
every confirmation. Plain ddmin (`ddmin`) counts both ends once and confirms nothing. The packages
whichdep and culpip were not on the index when this was written, so they are not compared.
"""

import argparse
import statistics
import time
from collections import Counter

from ddmin import explain
from mixture_worlds import grade, planted, solve

from harness.search.mixtures import Outcome

SCENES = (
    ("one", [1], {}),
    ("one, traced", [1], {"traced": True}),
    ("one, ties", [1], {"tied": 0.4}),
    ("one, ties, traced", [1], {"tied": 0.4, "traced": True}),
    ("pair", [2], {}),
    ("pair, ties", [2], {"tied": 0.4}),
    ("pair, ties, traced", [2], {"tied": 0.4, "traced": True}),
    ("triple, ties", [3], {"tied": 0.4}),
    ("two alone, ties", [1, 1], {"tied": 0.4}),
    ("pair and one, ties", [2, 1], {"tied": 0.4}),
    ("one, untold ties", [1], {"tied": 0.1, "told": False}),
    ("one, other failures", [1], {"tied": 0.1, "executed": True}),
    ("pair, other failures", [2], {"tied": 0.1, "executed": True}),
    ("one, 5% noise", [1], {"noise": 0.05}),
    ("pair, ties, 5% noise", [2], {"tied": 0.4, "noise": 0.05}),
    ("two alone, 5% noise", [1, 1], {"noise": 0.05}),
    ("one, 10% noise", [1], {"noise": 0.1}),
)


def this_search(world):
    ended = solve(world)
    return grade(world, ended.answer), ended.executions


def ddmin(world):
    runs = 2

    def does(chosen):
        nonlocal runs
        if not chosen or len(chosen) == world.count:
            return bool(chosen)
        outcome = world.observe(chosen, 0).outcome
        runs += outcome != Outcome.UNRESOLVED
        return {Outcome.BAD: True, Outcome.GOOD: False}.get(outcome)

    sets = {frozenset(one) for one in explain(range(world.count), does).sets}
    planted_sets = {frozenset().union(*one) for one in world.expected()}
    if sets == planted_sets:
        return "right", runs
    around = len(sets) == len(planted_sets) and all(any(p <= q for q in sets) for p in planted_sets)
    return ("coarse" if around else "wrong"), runs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--scene", default="", help="only scenes whose name holds this")
    asked = parser.parse_args()
    print(f"{asked.histories} histories, {asked.count} changes\n")
    head = ("right", "coarse", "wrong", "none")
    print(
        f"{'scene':<22} {'search':<7} {'median':>6} {'90th':>5} {'most':>5} "
        + " ".join(f"{one:>7}" for one in head)
    )
    for name, sizes, options in SCENES:
        if asked.scene not in name:
            continue
        for label, run in (("this", this_search), ("ddmin", ddmin)):
            start = time.perf_counter()
            ended = [run(planted(seed, asked.count, sizes, **options)) for seed in range(asked.histories)]
            runs = sorted(count for _, count in ended)
            grades = Counter(one for one, _ in ended)
            print(
                f"{name:<22} {label:<7} {statistics.median(runs):>6.0f} {runs[len(runs) * 9 // 10]:>5} {runs[-1]:>5} "
                + " ".join(f"{grades[one] / len(ended):>7.1%}" for one in head)
                + f" {time.perf_counter() - start:>7.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
