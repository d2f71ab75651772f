"""Compare the noisy search with git_bayesect on the same simulated histories: `nox -s bench-search`.

Every history has one regression in one of 33 gaps. Observations are counted until 95% confidence, ends,
determinism check and confirmation included.
"""

import argparse
import statistics
import time

from histories import Flaky, solve

SCENES = (
    ("no noise", 0.0, 0.0),
    ("5% both sides", 0.05, 0.05),
    ("10% both sides", 0.1, 0.1),
    ("20% both sides", 0.2, 0.2),
    ("20% missed, none wrong", 0.0, 0.2),
    ("50% missed, none wrong", 0.0, 0.5),
    ("20% wrong, none missed", 0.2, 0.0),
)


def this_search(strategy):
    def run(history, confidence):
        found = solve(strategy, history, history.count, confidence=confidence)
        right = found.sides == [(history.first_bad - 1, history.first_bad)]
        return right and found.answer.conclusion == "regressed", found.runs

    return run


def git_bayesect(history, confidence, most=400):
    import numpy as np
    from git_bayesect import Bisector

    weights = np.ones(history.count)
    weights[-1] = 0  # positions count from the newest; the oldest is stated to be good
    bisector, repeats = Bisector(weights), [0] * history.count
    runs = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        while bisector.distribution.max() < confidence and runs < most:
            index = bisector.select()
            position = history.count - 1 - index
            bisector.record(index, history.bad(position, repeats[position]))
            repeats[position] += 1
            runs += 1
        return history.count - 1 - int(bisector.distribution.argmax()) == history.first_bad, runs


def contestants():
    yield "noisy", this_search("noisy")
    yield "auto", this_search("auto")
    try:
        import git_bayesect as _  # noqa: F401
    except ImportError:
        print("git_bayesect is not installed: only this search is measured\n")
    else:
        yield "git_bayesect", git_bayesect


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--count", type=int, default=34)
    parser.add_argument("--confidence", type=float, default=0.95)
    asked = parser.parse_args()
    running = list(contestants())
    print(f"{asked.histories} histories, {asked.count - 1} gaps, {asked.confidence:.0%} asked\n")
    print(f"{'noise':<24} {'search':<14} {'median':>6} {'90th':>5} {'most':>5} {'right':>7} {'seconds':>8}")
    for name, wrong, missed in SCENES:
        for label, run in running:
            start = time.perf_counter()
            ended = [
                run(Flaky(seed, asked.count, wrong, missed), asked.confidence)
                for seed in range(1, asked.histories + 1)
            ]
            runs = sorted(count for _, count in ended)
            share = sum(right for right, _ in ended) / len(ended)
            print(
                f"{name:<24} {label:<14} {statistics.median(runs):>6.0f} {runs[len(runs) * 9 // 10]:>5} "
                f"{runs[-1]:>5} {share:>7.1%} {time.perf_counter() - start:>8.1f}"
            )


if __name__ == "__main__":
    main()
