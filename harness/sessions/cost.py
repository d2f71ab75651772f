"""What executing a release costs here, measured before a search is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.search.options import Options
from harness.sessions.prefixes import LEAST_PREFIXES
from harness.sessions.stored import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sessions.driver import Driver
    from harness.sessions.finding import Finding

CHEAP_SWEEP = 600.0
"""Seconds that a sweep of everything may take for `auto` to prefer it to a search.

Up to ten minutes a person waits for the whole map; beyond that, a search asks less than a sweep, and answers earlier.
"""


def cheap(driver: Driver, ends: Sequence[int]) -> frozenset[int]:
    """Return the positions that are cheap: all, if executing all that are not stored takes little time.

    Args:
        driver: Executes the ends, of which it is measured, and which any strategy needs first.
        ends: Positions.
    """
    driver.execute([(arm, position, 0) for position in ends for arm in driver.arms])
    found = stored(driver)
    return found if _dear(driver, len(found)) else frozenset(range(len(driver.session.releases)))


def by_prefix(driver: Driver, newest: Sequence[int], steps: int) -> bool:
    """Tell whether executing everything is dear, and a prefix of every release costs little enough.

    It does up to the cost of the full executions by which halving looks between two ends that are alike: for a price of
    that order, a prefix of every release shows all boundaries that begin early.

    Args:
        driver: Executes the newest release, of which it is measured.
        newest: Its position.
        steps: Of a prefix.
    """
    driver.execute([(arm, position, 0) for position in newest for arm in driver.arms])
    found = [one for one in driver.firsts() if one.result is not None]
    whole = sum(one.seconds + (one.result.environment_seconds if one.result else 0.0) for one in found)
    saved = sum(_training(seed) * _share_saved(seed, steps) for one in found for seed in one.seeds())
    if not found or not _dear(driver, len(stored(driver))):
        return False
    count = len(driver.session.releases)
    return count * (1 - saved / whole) <= Options(count=count).sample_budget()


def _dear(driver: Driver, there: int) -> bool:
    """Tell whether executing all releases but so many takes long, as far as first executions tell."""
    seconds = [one.seconds for one in driver.firsts() if one.result is not None]
    left = (len(driver.session.releases) - there) * len(driver.arms)
    return not seconds or left * sum(seconds) / len(seconds) / driver.jobs > CHEAP_SWEEP


def _training(finding: Finding) -> float:
    """Return the seconds of a training; 0 where they were not told."""
    return ((finding.trace.end or {}).get("seconds") or {}).get("training") or 0.0


def _share_saved(finding: Finding, steps: int) -> float:
    """Return which share of a training is left out by its prefix; none where that has too few steps."""
    count = len(finding.trace.steps)
    return 1 - steps / count if count >= LEAST_PREFIXES * steps else 0.0
