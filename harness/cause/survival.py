"""How long trainings last: the share of seeds that still go on, by step, with a confidence band.

The share is the Kaplan-Meier estimate (Kaplan & Meier 1958): the product over the steps with failures of 1 - d / n,
d failures among the n trainings still watched. Trainings that ended without a failure are censored there. The band
is pointwise, from Greenwood's variance on the scale of log(-log S) (Kalbfleisch & Prentice 2002, section 1.4),
which keeps it within 0 and 1. Where S is 1 or 0 that has no value; there it is the exact binomial limit (Clopper &
Pearson 1934) of the trainings still watched.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from harness.report.attribution import SurvivalResult
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sessions.finding import Finding

CONFIDENCE = 0.95


def survival(arm: str, release: str, finding: Finding) -> SurvivalResult | None:
    """Return how long the seeds of one release lasted; None where fewer than two trained."""
    lives = [life for life in map(_life, finding.seeds()) if life is not None]
    if len(lives) < 2:
        return None
    horizon = max(steps for steps, _ in lives)
    return SurvivalResult(
        arm=arm,
        release=release,
        seeds=len(lives),
        failures=sum(failed for _, failed in lives),
        horizon=horizon,
        curve=kaplan_meier(lives),
    )


def kaplan_meier(lives: Sequence[tuple[int, bool]]) -> list[list[float]]:
    """Return [step, share, low, high] where the share changes, from step 0 to the last step of all.

    Args:
        lives: (steps, whether the training failed then) of each training; at least one.
    """
    count = len(lives)
    share, variance = 1.0, 0.0
    curve = [[0.0, 1.0, *_band(1.0, 0.0, count)]]
    for step in sorted({steps for steps, failed in lives if failed}):
        watched = sum(steps >= step for steps, _ in lives)
        failures = sum(steps == step and failed for steps, failed in lives)
        share *= 1 - failures / watched
        if failures < watched:
            variance += failures / (watched * (watched - failures))
        curve.append([float(step), share, *_band(share, variance, count)])
    horizon = float(max(steps for steps, _ in lives))
    if curve[-1][0] < horizon:
        curve.append([horizon, *curve[-1][1:]])
    return curve


def _band(share: float, variance: float, count: int) -> tuple[float, float]:
    exact: float = ((1 - CONFIDENCE) / 2) ** (1 / count)
    if share in (0.0, 1.0):
        return (exact, 1.0) if share else (0.0, 1 - exact)
    width = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(variance) / abs(math.log(share))
    return share ** math.exp(width), share ** math.exp(-width)


def _life(finding: Finding) -> tuple[int, bool] | None:
    """Return (steps, failed) of one seed; a loss that did not fall is no failure here, and a skip is censored."""
    fingerprint = finding.judgement.fingerprint
    if finding.verdict == Verdict.BAD and fingerprint is not None and fingerprint.step:
        return fingerprint.step, True
    steps = finding.trace.steps
    return (steps[-1], False) if steps else None
