"""Measure the prefix search beside sweep, binary and noisy on planted histories: `nox -s bench-search`.

A history is of a reproducible job: classes that show in the first steps, and a window of other releases that begins
after them. Jobs are 1, 10 and 100 times as long as their prefix. What is counted, over many histories: the cost, in
executions of the whole job, next to that of the sweep; how often every true change in verdict was stated (all); how
often one that was stated is none (false); how often a change was missed with all its releases said to be inferred or
not executed (untold is where they were not); and the share of releases that are inferred and do something else (wrong).
"""

import argparse
import statistics

from planted_classes import plant, search

from harness.verdicts.verdict import Verdict

LENGTHS = (1, 10, 100)
SEARCHES = ("prefix", "sweep", "binary", "noisy")
SHAPES = {
    "nothing": {},
    "1 boundary": {"boundaries": 1},
    "2 boundaries": {"boundaries": 2},
    "2 that fail at once": {"boundaries": 2, "early": True},
    "4 boundaries": {"boundaries": 4},
    "2, a tenth skipped": {"boundaries": 2, "skips": 0.1},
    "late window of 1": {"late": 1},
    "late window of 5": {"late": 5},
    "2 and a late window of 3": {"boundaries": 2, "late": 3},
}


def cost(planted, strategy, ended, length):
    """Return what a search cost, in executions of the whole job."""
    if strategy != "prefix":
        return ended.full
    # Every release that begins is executed for its prefix, both ends once more; one that fails within it costs that.
    begun = sum(letter != "s" for letter in planted.letters) + 2
    return ended.full + begun / length


def budget(count, length):
    """Return how many full executions may look into classes, as `Prefixes.budget` says."""
    return max(0, int(count * (1 / 3 - 1 / length)))


def line(shape, strategy, length, histories, count):
    """Return (cost to the sweep's, all, false, missed, untold, wrong)."""
    costs, found = [], []
    for seed in range(histories):
        planted = plant(seed, count, **SHAPES[shape])
        full = budget(count, length) if strategy == "prefix" else None
        ended = search(planted, strategy, full=full)
        whole = cost(planted, "sweep", search(planted, "sweep"), length)
        costs.append(cost(planted, strategy, ended, length) / whole)
        unseen = {p for p, verdict in enumerate(ended.answer.judged) if verdict == Verdict.UNTESTED}
        untold = any(not {before, after} & unseen for before, after in ended.missed)
        wrong = len(ended.wrong) / count
        found.append((not ended.missed, bool(ended.false), bool(ended.missed), untold, wrong))
    return statistics.median(costs), *(
        sum(map(float, column)) / histories for column in zip(*found, strict=True)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--releases", type=int, default=34)
    asked = parser.parse_args()
    print(f"{asked.histories} histories a line, {asked.releases} releases\n")
    print(
        f"{'history':<25} {'search':<7} {'job':>4} {'cost':>6} {'all':>6} {'false':>6} {'missed':>6} {'untold':>6} {'wrong':>6}"
    )
    for shape in SHAPES:
        for strategy in SEARCHES:
            for length in LENGTHS if strategy == "prefix" else LENGTHS[1:2]:
                spent, *shares = line(shape, strategy, length, asked.histories, asked.releases)
                said = " ".join(f"{share:>6.1%}" for share in shares)
                times = f"{length}x" if strategy == "prefix" else ""
                print(f"{shape:<25} {strategy:<7} {times:>4} {spent:>6.2f} {said}", flush=True)


if __name__ == "__main__":
    main()
