"""What is said of releases and boundaries of which the first steps alone were executed, made here and nowhere else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.model import BoundaryResult, PrefixResult, ReleaseResult


def inferred(prefix: PrefixResult) -> str:
    """Return what a release is inferred from; empty where no executed release stands for it."""
    return f"equal to {prefix.like} for {prefix.steps} steps, bit for bit" if prefix.like else ""


def confirmation(boundary: BoundaryResult) -> str:
    """Return how a boundary was confirmed, or that it was not."""
    if not boundary.confirmed:
        return "not confirmed"
    what = (
        "both sides" if boundary.repeated_steps is None else f"{boundary.repeated_steps} steps of both sides"
    )
    return f"confirmed by executing {what} again"


def of_prefix(prefix: PrefixResult) -> str:
    """Return the reason of a release that has no verdict since it was executed for its first steps alone."""
    alone = f"executed for its first {prefix.steps} steps alone"
    return f"{alone}; they equal those of {prefix.like}, which is {prefix.verdict}" if prefix.like else alone


def begun(releases: Sequence[ReleaseResult]) -> list[str]:
    """Return what an answer says of all such releases, one sentence for those that are inferred and one for the others.

    Args:
        releases: All of an arm.
    """
    count = len(releases)
    own = [release for release in releases if release.prefix is not None and release.verdict == "untested"]
    said = []
    known = Counter(release.prefix.verdict for release in own if release.inferred and release.prefix)
    if known:
        number, steps = sum(known.values()), own[0].prefix.steps if own[0].prefix else 0
        verdicts = " and ".join(f"{number} {verdict}" for verdict, number in sorted(known.items()))
        were = "was" if number == 1 else "were"
        said.append(
            f"{number} of {count} releases {were} executed for {steps} steps alone and inferred ({verdicts}): changes that "
            "begin later may lie there"
        )
    left = [release for release in own if not release.inferred]
    if left:
        were = "was" if len(left) == 1 else "were"
        said.append(
            f"{len(left)} of {count} releases {were} executed for the first steps alone: changes may lie there"
        )
    return said
