"""Measure the search beside git_bayesect on the same simulated histories: `nox -s bench-search`.

A cell is a number of releases, a shape (no change, one step, a window of worse releases) and the failure rates of both
levels. What is counted, over many histories: the median of executions and the number that one history in ten exceeds; how
often every true change was confirmed and nothing else stated (right); how often something was stated but not confirmed;
and how often a confirmed boundary is not exactly a true one (false). git_bayesect knows one step only, and always names
one: it is false where that one is not.

With `--lines FILE` each line is written there as soon as it is measured, and what stands there already is not measured
again: a run that was stopped goes on.
"""

import argparse
import json
import multiprocessing
import re
import statistics
from pathlib import Path

from histories import window
from side_by_side import Prepared, solve_all

STRATEGIES = ("auto", "sweep", "binary", "noisy")
PUBLISHED = "git_bayesect"


def cells():
    """Every (shape, releases, wide, good, bad)."""
    for count in (10, 34):
        for rate in (0.0, 0.1, 0.3, 0.5, 0.9):
            yield "nothing", count, None, rate, rate
    for count in (16, 34):
        for good in (0.0, 0.05):
            for bad in (0.5, 0.8, 0.95, 1.0):
                yield "step", count, 0, good, bad
                for wide in (6, 2, 1):
                    yield f"window of {wide}", count, wide, good, bad


def dear(cell):
    """Order cells by what they cost: the nearer a rate is to a half, the more executions and states."""
    _, count, _, good, bad = cell
    return abs(bad - 0.5) < 0.1, count, good > 0, abs(bad - 0.5)


def this_search(strategy, histories, confidence, prepared):
    """Yield (executions, right, unconfirmed, false) of each history."""
    count = len(histories[0].rates)
    cheap = frozenset(range(count)) if strategy == "auto" else frozenset()
    found = solve_all(strategy, histories, count, prepared, confidence=confidence, cheap=cheap)
    for history, (runs, answer) in zip(histories, found, strict=True):
        stated = {(one.before, one.after, one.kind) for one in answer.boundaries}
        sure = {(one.before, one.after, one.kind) for one in answer.boundaries if one.confirmed}
        yield runs, sure == stated == history.changes, bool(stated - sure), not sure <= history.changes


def git_bayesect(history, confidence, most=400):
    """Return the same, of the published tool."""
    import numpy as np
    from git_bayesect import Bisector

    count = len(history.rates)
    weights = np.ones(count)
    weights[-1] = 0  # positions count from the newest; the oldest is stated to be good
    bisector, repeats = Bisector(weights), [0] * count
    runs = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        while bisector.distribution.max() < confidence and runs < most:
            index = bisector.select()
            position = count - 1 - index
            bisector.record(index, history.bad(position, repeats[position]))
            repeats[position] += 1
            runs += 1
        after = count - 1 - int(bisector.distribution.argmax())
        sure = bisector.distribution.max() >= confidence
    named = (after - 1, after, "regressed")
    return runs, sure and {named} == history.changes, not sure, sure and named not in history.changes


def measure(task):
    """Return the lines of one cell: {search: [histories, median, 90th, right, unconfirmed, false]}."""
    cell, searches, confidence = task
    _, count, wide, good, bad = cell
    lines, prepared = {}, Prepared()
    for search, histories in searches.items():
        drawn = [window(seed, count, wide, good, bad) for seed in range(1, histories + 1)]
        if search == PUBLISHED:
            ended = [git_bayesect(history, confidence) for history in drawn]
        else:
            ended = list(this_search(search, drawn, confidence, prepared))
        runs = sorted(outcome[0] for outcome in ended)
        shares = [sum(bool(outcome[place]) for outcome in ended) / len(ended) for place in (1, 2, 3)]
        lines[search] = [histories, statistics.median(runs), runs[len(runs) * 9 // 10], *shares]
    return cell, lines


def contestants(histories, published):
    """Return how many histories each search is measured with."""
    searches = dict.fromkeys(STRATEGIES, histories)
    try:
        import git_bayesect as _  # noqa: F401
    except ImportError:
        print("git_bayesect is not installed: only this search is measured\n")
        return searches
    return searches | {PUBLISHED: published}


def limit(bad):
    """Return the share of false confirmed boundaries that is allowed."""
    return 0.01 if bad >= 0.95 else 0.05


def stored(path):
    """Return the lines that were measured before: {cell: {search: line}}."""
    found = {}
    if path and path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            cell, lines = json.loads(text)
            found.setdefault(tuple(cell), {}).update(lines)
    return found


def table(measured, confidence):
    """Return the table as text."""
    head = (
        f"{'shape':<12} {'of':>3} {'good':>5} {'bad':>5} {'search':<13} {'histories':>9} {'median':>6} {'90th':>5} "
        f"{'right':>6} {'unconf':>6} {'false':>6}"
    )
    rows = [f"{confidence:.0%} asked", "", head]
    count = above = 0
    for shape, releases, wide, good, bad in cells():
        for search, line in measured.get((shape, releases, wide, good, bad), {}).items():
            histories, median, most, right, unsure, false = line
            over = false > limit(bad) and search != PUBLISHED
            count, above = count + 1, above + over
            rows.append(
                f"{shape:<12} {releases:>3} {good:>5.2f} {bad:>5.2f} {search:<13} {histories:>9} {median:>6.0f} {most:>5} "
                f"{right:>6.1%} {unsure:>6.1%} {false:>6.1%}{'  above the limit' if over else ''}"
            )
    rows += [
        "",
        f"{above} of {count} lines are above the limit: 5%, and 1% where the bad side fails in 95% or more",
    ]
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="of each cell and search")
    parser.add_argument(
        "--published", type=int, default=1000, help="histories that git_bayesect gets, which takes longest"
    )
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--only", default="", help="a regular expression: 'window of 2 of 16, 0.0 to .*'")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--lines", type=Path, help="file of the lines that are measured")
    asked = parser.parse_args()
    searches = contestants(asked.histories, asked.published)
    measured = stored(asked.lines)
    tasks = []
    for cell in sorted(cells(), key=dear):
        left = {search: number for search, number in searches.items() if search not in measured.get(cell, {})}
        if left and re.search(asked.only, f"{cell[0]} of {cell[1]}, {cell[3]} to {cell[4]}"):
            tasks.append((cell, left, asked.confidence))
    with multiprocessing.Pool(asked.jobs) as pool:
        for number, (cell, lines) in enumerate(pool.imap(measure, tasks), 1):
            measured.setdefault(cell, {}).update(lines)
            print(f"{number} of {len(tasks)} cells: {cell}", flush=True)
            if asked.lines:
                with asked.lines.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([cell, lines]) + "\n")
    print("\n" + table(measured, asked.confidence))


if __name__ == "__main__":
    main()
