"""Executions of one release that disagree: how many are bad, of how many that have a verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.report.model import ReleaseResult


def executions(release: ReleaseResult) -> tuple[int, int]:
    """Return how many executions of a release are bad, and how many have a verdict; all seeds of one are one."""
    single = [item["verdict"] for item in release.executions if not item["seed"]]
    whole = len(single) == len(release.executions) > 0
    verdicts = single if whole else [release.verdict, *release.repeats]
    counted = Counter(verdicts)
    return counted["bad"], counted["bad"] + counted["good"]


def divided(release: ReleaseResult) -> bool:
    """Tell whether executions of a release disagree."""
    bad, total = executions(release)
    return 0 < bad < total
