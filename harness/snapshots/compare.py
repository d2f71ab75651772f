"""What differs between two snapshots: the changes to be searched, and what cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from harness.snapshots.snapshot import Obstacle, Snapshot


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One package that differs; a version is None where the package is absent. Versions may go up or down."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class StandIn:
    """A package that cannot be installed as it is, and the version of an index that stands in for it."""

    obstacle: Obstacle
    good: bool
    """Of the good side, else of the bad one."""
    version: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two snapshots side by side.

    Attributes:
        changes: Sorted by name; what stands in for an obstacle counts as its version.
        same: {name: version} of what both hold alike.
        stood_in: Obstacles for which another version stands in, good side first.
        not_compared: Obstacles without a stand-in, of either side: what differs there stays unknown.
        python: Version on the good and the bad side, where both tell it and major or minor version differ.
        platform: Platform on the good and the bad side, where both tell it and they differ.
    """

    changes: tuple[Change, ...]
    same: dict[str, str]
    stood_in: tuple[StandIn, ...]
    not_compared: tuple[Obstacle, ...]
    python: tuple[str, str] | None
    platform: tuple[str, str] | None


def compare(good: Snapshot, bad: Snapshot) -> Compared:
    """Return what differs between the good and the bad environment."""
    stood_in = (*_stand_ins(good, good=True), *_stand_ins(bad, good=False))
    sides = []
    for snapshot, is_good in ((good, True), (bad, False)):
        mine = {one.obstacle.name: one.version for one in stood_in if one.good == is_good}
        sides.append({**mine, **snapshot.versions()})
    # What one side has and cannot say which is no addition of the other one.
    unknown = dict.fromkeys(
        one for snapshot in (good, bad) for one in snapshot.obstacles if not (one.name and one.stand_in)
    )
    closed = {one.name for one in unknown}
    before, after = sides
    names = sorted((before.keys() | after.keys()) - closed)
    same = {name: before[name] for name in names if _alike(before.get(name), after.get(name))}
    return Compared(
        tuple(Change(name, before.get(name), after.get(name)) for name in names if name not in same),
        same,
        stood_in,
        tuple(unknown),
        _unlike(_minor(good.python), _minor(bad.python)),
        _unlike(good.platform, bad.platform),
    )


def _stand_ins(snapshot: Snapshot, *, good: bool) -> list[StandIn]:
    return [
        StandIn(one, good=good, version=one.stand_in)
        for one in snapshot.obstacles
        if one.name and one.stand_in
    ]


def _alike(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and Version(before) == Version(after)


def _minor(python: str | None) -> str | None:
    return ".".join(python.split(".")[:2]) if python else None


def _unlike(before: str | None, after: str | None) -> tuple[str, str] | None:
    return (before, after) if before and after and before != after else None
