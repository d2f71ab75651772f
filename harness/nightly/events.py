"""The sentences of a night about a watch as a whole; `arm` has those about one arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.nightly.boundaries import broken
from harness.traces.compare import first_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.facts import Baseline, Boundary
    from harness.nightly.config import Watch
    from harness.nightly.news import News
    from harness.nightly.outcome import Outcome
    from harness.sessions.finding import Finding


def unreachable(watch: Watch, why: str) -> str:
    """Say that nothing can be known tonight."""
    return f"the index could not be asked for {watch.package}, so nothing new can be known ({why}); the next night looks again"


def fault(watch: Watch, why: str) -> str:
    """Say what went wrong around a watch."""
    return f"{watch.name} could not be looked at: {why}; the next night looks again"


def listing(outcome: Outcome, found: News, told: Mapping[str, Sequence[Boundary]]) -> None:
    """Tell what the index did to releases that are known, and which new ones nobody is given.

    Args:
        outcome: Takes the events.
        found: What changed in the listing.
        told: {arm: boundaries that were reported}.
    """
    package = outcome.watch.package
    for release in found.yanked:
        why = f" ({release.yanked_reason})" if release.yanked_reason else ""
        arms = [
            arm
            for arm, several in told.items()
            if any(one.after == release.version for one in broken(several))
        ]
        had = f"; it had broken {', '.join(arms)}" if arms else ""
        outcome.tell(
            "yanked", f"{package} {release.version} is yanked now{why}{had}", release=release.version
        )
    for release in found.restored:
        outcome.tell("restored", f"{package} {release.version} is offered again", release=release.version)
    for version in found.gone:
        outcome.tell("gone", f"{package} {version} is not listed any more", release=version)
    for release in found.new:
        if release.yanked and not found.first:
            said = f"{package} {release.version} is new and yanked already: nobody is given it, so it is not tested"
            outcome.tell("yanked", said, release=release.version)


def proposed(outcome: Outcome, arm: str, baseline: Baseline) -> None:
    """Tell what the first night compares with from now on."""
    how = (
        "two executions are equal bit for bit"
        if baseline.deterministic
        else "what two executions differ by is noise"
    )
    said = f"{outcome.watch.package} {baseline.version} is the baseline of {arm} from now on: {baseline.why}; {how}"
    outcome.tell("baseline", said, arm=arm, release=baseline.version)


def no_baseline(outcome: Outcome, arm: str, count: int) -> None:
    """Tell that a first night found nothing good."""
    package = outcome.watch.package
    tried = (
        f"none of the newest {count} releases of {package} is"
        if count > 1
        else f"the newest release of {package} is not"
    )
    said = f"{tried} good in {arm}, so there is no baseline"
    outcome.tell("inconclusive", said, arm=arm)


def left(outcome: Outcome, versions: Sequence[str], budget: str) -> None:
    """Tell what waits for the next night."""
    for version in versions:
        said = f"{outcome.watch.package} {version} waits for the next night: the budget of {budget} is spent"
        outcome.tell("left", said, release=version)


def machine(outcome: Outcome, arm: str, version: str, first: Finding, last: Finding) -> None:
    """Tell that the same environment trains otherwise tonight."""
    where = first_difference(first.trace, last.trace)
    said = (
        f"{outcome.watch.package} {version}, the baseline of {arm}, trains otherwise tonight in the same environment"
        f"{f' ({where})' if where else ''}: the machine, its driver or its load changed"
    )
    outcome.tell("changed", said, arm=arm, release=version)


def pins(outcome: Outcome, moved: Sequence[str]) -> None:
    """Tell what moved in the environment that all releases share."""
    said = f"the shared packages are others than last night: {', '.join(moved)}"
    outcome.tell("pins", said)
