"""What an answer says that is not known yet: its places of change against those that were reported before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.report.boundaries import strongest_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from harness.history.facts import Boundary
    from harness.report.model import ArmResult, BoundaryResult


@dataclass(frozen=True, slots=True)
class Place:
    """Two neighbouring releases of an answer, and what is new there.

    Attributes:
        boundaries: What changes, strongest signal first.
        known: The reported boundary that this one locates more precisely; None for a new one.
        sure: The strongest one is confirmed, with no release between that nobody probed, and no other device
            contradicts it.
    """

    boundaries: Sequence[BoundaryResult]
    known: Boundary | None
    sure: bool

    @property
    def strongest(self) -> BoundaryResult:
        """What the place is told by."""
        return self.boundaries[0]


def new_places(
    arm: ArmResult, known: Sequence[Boundary], flaky: Collection[str], seen: Collection[str]
) -> Iterator[Place]:
    """Yield the places of change that were not reported yet, oldest first.

    Args:
        arm: The answer.
        known: What was reported of this line.
        flaky: Releases whose verdicts do not repeat: a place beside one is no evidence.
        seen: Releases that were there when the known boundaries were told: should one of them get its verdict
            late, it locates a boundary; a newer one makes a boundary of its own.
    """
    by_place: dict[tuple[str, str], list[BoundaryResult]] = {}
    for boundary in arm.boundaries:
        if not {boundary.before, boundary.after} & set(flaky):
            by_place.setdefault((boundary.before, boundary.after), []).append(boundary)
    for several in sorted(by_place.values(), key=lambda group: Version(group[0].after)):
        ordered = strongest_first(several)
        fresh = [one for one in ordered if not any(_told(one, old) for old in known)]
        if not fresh:
            continue
        wider = next((old for old in known if fresh[0].after in seen and _holds(old, fresh[0])), None)
        sure = fresh[0].confirmed and not fresh[0].untested and not fresh[0].disputed
        yield Place(fresh, wider, sure)


def broken(known: Sequence[Boundary]) -> list[Boundary]:
    """Return the reported breaks that are not over."""
    return [
        one
        for one in known
        if one.kind == "regressed" and one.signal in {"verdict", "pins"} and one.closed is None
    ]


def since(one: Boundary) -> str:
    """Say what a break came with: a release, or packages that moved, with their names where they are known."""
    return "the packages moved" if one.signal == "pins" and " " not in one.after else one.after


def _told(new: BoundaryResult, old: Boundary) -> bool:
    """Tell whether a boundary was reported: the same, or one within it, a release between being gone meanwhile."""
    if (old.before, old.after) == (new.before, new.after):
        return _alike(new, old)
    return (
        old.closed is None and _alike(new, old) and _within((old.before, old.after), (new.before, new.after))
    )


def _holds(old: Boundary, new: BoundaryResult) -> bool:
    """Tell whether a reported boundary is wider than a new one of the same kind."""
    return _alike(new, old) and _within((new.before, new.after), (old.before, old.after))


def _alike(new: BoundaryResult, old: Boundary) -> bool:
    return (new.signal, new.kind) == (old.signal, old.kind)


def _within(inner: tuple[str, str], outer: tuple[str, str]) -> bool:
    return Version(outer[0]) <= Version(inner[0]) and Version(inner[1]) <= Version(outer[1])
