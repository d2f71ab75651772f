"""Levels of a metric: releases that differ from the reference, in classes that do not differ among themselves.

A release joins the first level whose founder it does not differ from, else it founds one. So a second shift in the
same direction is another failure than the first.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from statistics import fmean, variance
from typing import TYPE_CHECKING

from harness.verdicts.difference import equal
from harness.verdicts.noise import student_quantile
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.verdicts.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Sample:
    """What one comparison measured of a release.

    Attributes:
        value: Mean of the metric with the release.
        differences: From the reference, one a pair; none where the metric is reproducible.
    """

    value: float
    differences: Sequence[float] = ()

    def differs(self, other: Sample, risk: float) -> bool:
        """Tell whether two releases differ: up to rounding, or by Welch's test of their differences.

        Welch (1947), with the degrees of freedom of Satterthwaite rounded down; NIST/SEMATECH e-Handbook, 1.3.5.3.
        """
        if not (self.differences and other.differences):
            return not equal(self.value, other.value)
        parts = [variance(one.differences) / len(one.differences) for one in (self, other)]
        if not sum(parts):
            return fmean(self.differences) != fmean(other.differences)
        free = [len(one.differences) - 1 for one in (self, other)]
        freedom = sum(parts) ** 2 / sum(part**2 / count for part, count in zip(parts, free, strict=True))
        bound = student_quantile(1 - risk / 2, max(1, int(freedom))) * math.sqrt(sum(parts))
        return abs(fmean(self.differences) - fmean(other.differences)) > bound


class Levels:
    """The levels of one arm; several threads may ask at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._founders: dict[str, list[Sample]] = {}

    def placed(self, judgement: Judgement, sample: Sample, risk: float) -> Judgement:
        """Return the judgement with the level, which the founder's value names, in its fingerprint.

        Args:
            judgement: Only that of a bad release has a level.
            sample: What it rests on.
            risk: Chance of taking two equal releases for different ones.
        """
        fingerprint = judgement.fingerprint
        if judgement.verdict != Verdict.BAD or fingerprint is None or not math.isfinite(sample.value):
            return judgement
        with self._lock:
            founders = self._founders.setdefault(fingerprint.kind, [])
            founder = next((one for one in founders if not sample.differs(one, risk)), None)
            if founder is None:
                founders.append(founder := sample)
        level = float(f"{founder.value:.6g}")
        return replace(judgement, fingerprint=replace(fingerprint, level=level))
