"""Histories of a noisy metric, simulated: what one question about releases that are interleaved would answer."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from harness.verdicts.interleaved import Looks, Metric, judge_interleaved
from harness.verdicts.noise import measure_noise, reproducible
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.verdicts.difference import Aim
    from harness.verdicts.verdict import Judgement

METRIC = Metric("loss", "loss", "1.0")
MOST = 16
AA_RUNS = 5


def normal(draw: random.Random, shift: float) -> float:
    """Noise with a standard deviation of 1."""
    return 10 + shift + draw.gauss(0, 1)


def uniform(draw: random.Random, shift: float) -> float:
    """Noise that is even between two bounds, with a standard deviation of 1."""
    return 10 + shift + draw.uniform(-(3**0.5), 3**0.5)


def seconds(draw: random.Random, shift: float) -> float:
    """A time with noise of 20 %, `shift` of it more."""
    return (1 + shift) * draw.lognormvariate(0, 0.2)


def heavy(draw: random.Random, shift: float) -> float:
    """Noise with outliers: one execution in ten is five times as far off."""
    return 10 + shift + draw.gauss(0, 5 if draw.random() < 0.1 else 1)


def coin(draw: random.Random, shift: float) -> float:
    """Two values, as an accuracy over few examples has them."""
    return shift + (draw.random() < 0.3)


NOISE: dict[str, Callable[[random.Random, float], float]] = {
    "normal": normal,
    "uniform": uniform,
    "seconds": seconds,
    "heavy": heavy,
    "coin": coin,
}


def one_release(
    value: Callable[[random.Random, float], float],
    draw: random.Random,
    shift: float,
    runs: list[float],
    aim: Aim,
) -> tuple[Judgement, int]:
    """Execute one release interleaved with the reference; return the verdict and the number of pairs."""
    floor, pairs = measure_noise([runs]), list[tuple[float, float]]()
    judged = None
    for look in Looks.of(MOST, aim).pairs:
        while len(pairs) < look:
            pairs.append((value(draw, 0.0), value(draw, shift)))
        judged = judge_interleaved(METRIC, pairs, floor, aim, MOST)
        if judged.verdict != Verdict.SKIP:
            break
    assert judged is not None
    return judged, len(pairs)


def reference(value: Callable[[random.Random, float], float], draw: random.Random) -> list[float]:
    """Return A/A runs that show noise; those of a coin may happen to be equal."""
    while reproducible(runs := [value(draw, 0.0) for _ in range(AA_RUNS)]):
        pass
    return runs


def false_alarms(noise: str, aim: Aim, *, questions: int, seed: int = 1) -> float:
    """Return the share of questions about equal releases that call at least one of them changed."""
    draw, value = random.Random(seed), NOISE[noise]
    wrong = 0
    for _ in range(questions):
        runs = reference(value, draw)
        releases = (one_release(value, draw, 0.0, runs, aim)[0] for _ in range(aim.comparisons - 1))
        wrong += any(judged.verdict == Verdict.BAD for judged in releases)
    return wrong / questions


def power(
    noise: str, shift: float, aim: Aim, *, rounds: int, seed: int = 1
) -> tuple[Counter[Verdict], float]:
    """Return how often each verdict is given of a release that is shifted, and the mean number of pairs."""
    draw, value = random.Random(seed), NOISE[noise]
    found = [one_release(value, draw, shift, reference(value, draw), aim) for _ in range(rounds)]
    return Counter(judged.verdict for judged, _ in found), sum(pairs for _, pairs in found) / rounds
