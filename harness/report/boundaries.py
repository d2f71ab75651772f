"""What boundaries say of an arm, defined once: order of signals, located regressions, and whether a break is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.search.boundaries import Conclusion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.report.model import ArmResult, BoundaryResult, ReleaseResult

SIGNALS = ("verdict", "failure", "census", "trace")
"""From the strongest to the weakest."""
BY_VERDICT, BY_TRAINING = SIGNALS[:2], SIGNALS[2:]
"""Signals that the oracle's judgement changes, and those that show how it was trained: worth a word and no alarm."""
TESTED = frozenset({"good", "bad"})
"""The verdicts of a release that could be tested."""

_GRAVITY = (
    *("regressed", "non-monotone", "untestable-gap", "changed", "fixed", "never-good", "inconclusive"),
    "always-good",
)
TONES = {"regressed": "bad", "never-good": "bad", "fixed": "good", "always-good": "good"}
"""What a conclusion alone is shown as; any other is a warning."""


def strength(signal: str) -> int:
    """Return the rank of a signal, 0 for the strongest; an unknown one comes last."""
    return SIGNALS.index(signal) if signal in SIGNALS else len(SIGNALS)


def strongest_first(boundaries: Iterable[BoundaryResult]) -> list[BoundaryResult]:
    """Return boundaries by their signal, those of one signal in their order."""
    return sorted(boundaries, key=lambda boundary: strength(boundary.signal))


def span(boundary: BoundaryResult, arrow: str = "->") -> str:
    """Return between what a boundary lies; along one of two axes, which package varies and which one is held."""
    axis = boundary.axis
    if axis is None:
        return f"{boundary.before} {arrow} {boundary.after}"
    return f"{axis.package} {axis.before} {arrow} {axis.after} with {axis.held} {axis.held_version}"


def package_of(boundary: BoundaryResult, package: str) -> str:
    """Return the package whose releases vary across a boundary, in a report about one package that one."""
    return boundary.axis.package if boundary.axis else package


def sides(package: str, boundary: BoundaryResult) -> tuple[str, str]:
    """Return both sides of a boundary by name: a package with its release, or a pair.

    Args:
        package: The report's.
        boundary: Of it.
    """
    if boundary.axis is not None:
        return boundary.before, boundary.after
    return f"{package} {boundary.before}", f"{package} {boundary.after}"


def verdict_changes(arm: ArmResult) -> list[BoundaryResult]:
    """Return the boundaries in verdict, oldest first."""
    return [boundary for boundary in arm.boundaries if boundary.signal == "verdict"]


def bad_means(arms: Iterable[ArmResult]) -> str:
    """Return what a legend calls the verdict bad: of a quantity without a worse direction it is a difference."""
    two_sided = any(change.kind == "changed" for arm in arms for change in verdict_changes(arm))
    return "differs from the reference" if two_sided else "bad"


def located(arm: ArmResult) -> list[BoundaryResult]:
    """Return the located regressions of an arm; exit status, JUnit and badges go by them.

    A regression is located where no release between its sides is left to execute, no other device contradicts it,
    and it is confirmed or the arm has a conclusion.
    """
    concluded = arm.conclusion != Conclusion.INCONCLUSIVE
    return [
        boundary
        for boundary in verdict_changes(arm)
        if boundary.kind == "regressed"
        and not boundary.disputed
        and not boundary.untested
        and (boundary.confirmed or concluded)
    ]


def newest_tested(releases: Sequence[ReleaseResult]) -> ReleaseResult | None:
    """Return the newest release that is good or bad."""
    return next((release for release in reversed(releases) if release.verdict in TESTED), None)


def newest_verdict(arm: ArmResult) -> str:
    """Return the verdict of the newest release that was tested, of two packages of the newest of both; or untested."""
    if arm.grid is not None:
        newest_pair = arm.grid.corners[-1]
        return next((row.verdict for row in arm.releases if row.version == newest_pair), "untested")
    newest = newest_tested(arm.releases)
    return newest.verdict if newest else "untested"


def is_open(arm: ArmResult) -> bool:
    """Tell whether the newest change of the verdict is a located regression: nothing repaired it in the range.

    Of two packages: whether a regression is located, and the newest of both is bad.
    """
    regressions = located(arm)
    if arm.grid is not None:
        return bool(regressions) and newest_verdict(arm) == "bad"
    return bool(regressions) and regressions[-1] is verdict_changes(arm)[-1]


def tone(arm: ArmResult) -> str:
    """Return how an answer is shown: bad only while a break is open or no release is good; good, or else warn."""
    if is_open(arm) and arm.conclusion != Conclusion.INCONCLUSIVE:
        return "bad"
    return TONES.get(arm.conclusion, "warn")


def gravity(arm: ArmResult) -> tuple[bool, int]:
    """Return the rank of an arm's answer: open breaks, then the conclusions from located breaks to good news."""
    known = arm.conclusion in _GRAVITY
    rank = _GRAVITY.index(arm.conclusion if known else Conclusion.INCONCLUSIVE)
    return not (is_open(arm) and rank <= _GRAVITY.index("untestable-gap")), rank


def gravest(arms: Iterable[ArmResult]) -> ArmResult | None:
    """Return the arm whose answer comes first."""
    return min(arms, key=gravity, default=None)
