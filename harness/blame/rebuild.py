"""Both environments as locks for this machine, each package in the version that its list names.

What cannot be installed as it is has a version of the index in its place, or is left out of both environments; each
such package is named. What is left out of one environment is left out of the other one too, since its version on one
side is not known.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from harness.errors import UsageError
from harness.locks.lock import Lock
from harness.locks.resolve import HELD
from harness.locks.torch import with_host_torch
from harness.releases.index import list_releases
from harness.snapshots import AsOf, known_to

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from harness.locks.resolve import Resolver, Unresolvable
    from harness.snapshots import Snapshot

_OF_GPU = re.compile(r"^(pytorch-triton.*|triton.*|nvidia-.*|cuda-.*|rocm.*)$")
"""Names of what torch's build for a GPU is made of."""
_NO_GPU = "belongs to a build for a GPU, and this machine has none"
_UNKNOWN = "no index in your settings has a package of this name"
_VANISHED = "no index in your settings has this version any more"
_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class StandIn:
    """A version that stands in for what cannot be installed as it is."""

    name: str
    reason: str
    version: str | None
    stand_in: str

    def to_dict(self) -> dict[str, str | None]:
        """Return all fields."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A package that is in neither lock, since nothing can stand in for it on one side."""

    name: str
    reason: str
    version: str | None

    def to_dict(self) -> dict[str, str | None]:
        """Return all fields."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One environment, locked for this machine.

    Attributes:
        given: As the command line names it.
        kind: What it was read from.
        lock: Why there is none, if there is none.
        python, platform: As the list says; empty where it does not.
        held: Packages of a date that were taken as the index has them now.
    """

    given: str
    kind: str
    lock: Lock | Unresolvable
    python: str = ""
    platform: str = ""
    stood_in: tuple[StandIn, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(slots=True)
class _Side:
    """One environment while it is being rebuilt; `versions` is what its lock shall hold."""

    given: str
    snapshot: Snapshot | AsOf
    versions: dict[str, str] = field(default_factory=dict)
    stood_in: dict[str, StandIn] = field(default_factory=dict)
    left_out: dict[str, LeftOut] = field(default_factory=dict)


class Index:
    """Knows which versions of a package the user's index has; each package is asked for once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[str, tuple[str, ...]] = {}

    def ask(self, names: Iterable[str]) -> None:
        """Ask for several packages at a time."""
        new = [name for name in dict.fromkeys(names) if name not in self._known]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            self._known.update(zip(new, pool.map(self._versions, new), strict=True))

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a package, none of one that no source knows."""
        self.ask([name])
        return self._known[name]

    def _versions(self, name: str) -> tuple[str, ...]:
        try:
            listing = list_releases(name, self._resolver.settings, self._resolver.state)
        except UsageError:  # every source answered, and none knows it
            return ()
        return tuple(release.version for release in listing.releases)


def rebuild(
    given: tuple[str, str], read: tuple[Snapshot | AsOf, Snapshot | AsOf], resolver: Resolver, *, gpu: bool
) -> tuple[Rebuilt, Rebuilt]:
    """Lock the good and the bad environment.

    Args:
        given: Both, as the command line names them.
        read: Both, as they were read.
        resolver: Locks; its pins are what a date is resolved for.
        gpu: Whether builds for a GPU can be used here.

    Raises:
        UsageError: A date is given, and nothing says which packages the job needs.
        HarnessError: The index is out of reach.
    """
    index = Index(resolver)
    sides = (_Side(given[0], read[0]), _Side(given[1], read[1]))
    dates = [
        _of_date(side, side.snapshot, resolver) if isinstance(side.snapshot, AsOf) else None for side in sides
    ]
    for side in sides:
        if not isinstance(side.snapshot, AsOf):
            _take_in(side, side.snapshot, index, gpu=gpu)
    locks = _locked(sides, dates, resolver, index)
    return _rebuilt(sides[0], dates[0], locks[0]), _rebuilt(sides[1], dates[1], locks[1])


def _of_date(side: _Side, moment: AsOf, resolver: Resolver) -> Rebuilt:
    if not resolver.requirements():
        raise UsageError(
            f"{side.given} is a date, and nothing says which packages the job needs then: give a scenario, a PEP 723 "
            "block in the script, or --with REQUIREMENT"
        )
    lock = resolver.as_of(moment.moment)
    held: tuple[str, ...] = ()
    if not isinstance(lock, Lock):
        second = resolver.as_of(moment.moment, held=HELD)
        lock, held = (second, HELD) if isinstance(second, Lock) else (lock, held)
    return Rebuilt(side.given, "the index as it stood at a date", lock, held=held)


def _take_in(side: _Side, snapshot: Snapshot, index: Index, *, gpu: bool) -> None:
    conda = [one.name for one in snapshot.packages if one.origin == "conda"]
    index.ask(conda)
    snapshot = known_to(snapshot, lambda name: bool(index.versions(name)))
    side.snapshot = snapshot
    side.versions = snapshot.versions()
    for one in snapshot.obstacles:
        if one.name and one.stand_in:
            side.stood_in[one.name] = StandIn(one.name, one.reason.value, one.version, one.stand_in)
            side.versions[one.name] = one.stand_in
        else:
            name = one.name or one.text
            side.left_out[name] = LeftOut(name, one.reason.value, one.version)
    for name in [name for name in side.versions if not gpu and _OF_GPU.match(name)]:
        side.left_out[name] = LeftOut(name, _NO_GPU, side.versions.pop(name))


def _locked(
    sides: tuple[_Side, _Side], dates: list[Rebuilt | None], resolver: Resolver, index: Index
) -> list[Lock | Unresolvable]:
    """Lock both sides; what the index has not is found out only where a lock fails."""
    locks = _lock_once(sides, dates, resolver)
    lists = [side for side, date in zip(sides, dates, strict=True) if date is None]
    if all(isinstance(lock, Lock) for lock in locks):
        return locks
    index.ask(name for side in lists for name in side.versions)
    changed = [_without_vanished(side, index) for side in lists]
    return _lock_once(sides, dates, resolver) if any(changed) else locks


def _lock_once(
    sides: tuple[_Side, _Side], dates: list[Rebuilt | None], resolver: Resolver
) -> list[Lock | Unresolvable]:
    closed = {name for side in sides for name in side.left_out}
    found: list[Lock | Unresolvable] = []
    for side, date in zip(sides, dates, strict=True):
        lock = (
            date.lock
            if date
            else resolver.as_listed({k: v for k, v in side.versions.items() if k not in closed})
        )
        if isinstance(lock, Lock):
            lock = lock.only(lock.versions().keys() - closed)
            host = resolver.torch.host
            lock = with_host_torch(lock, host) if host and "torch" in lock.versions() else lock
        found.append(lock)
    return found


def _without_vanished(side: _Side, index: Index) -> bool:
    """Put what the index still has in place of what it has no more; return whether there was anything."""
    gone = {
        name: version for name, version in side.versions.items() if not _has(index.versions(name), version)
    }
    for name, version in gone.items():
        nearest = _nearest(index.versions(name), version)
        if nearest is None:
            del side.versions[name]
            side.left_out[name] = LeftOut(name, _UNKNOWN, version)
        else:
            side.versions[name] = nearest
            side.stood_in[name] = StandIn(name, _VANISHED, version, nearest)
    return bool(gone)


def _has(versions: Collection[str], wanted: str) -> bool:
    sought = Version(wanted)
    known = [parsed for one in versions if (parsed := _parsed(one)) is not None]
    return any(parsed == sought or Version(parsed.public) == sought for parsed in known)


def _nearest(versions: Collection[str], wanted: str) -> str | None:
    """Return the newest older version, else the oldest newer one; None without any."""
    known = sorted((parsed, one) for one in versions if (parsed := _parsed(one)) is not None)
    older = [one for parsed, one in known if parsed < Version(wanted)]
    return older[-1] if older else known[0][1] if known else None


def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


def _rebuilt(side: _Side, date: Rebuilt | None, lock: Lock | Unresolvable) -> Rebuilt:
    if date is not None:
        return replace(date, lock=lock)
    snapshot = side.snapshot
    assert not isinstance(snapshot, AsOf)  # noqa: S101 - a date was rebuilt as one
    return Rebuilt(
        side.given,
        snapshot.kind.value,
        lock,
        python=snapshot.python or "",
        platform=snapshot.platform or "",
        stood_in=tuple(side.stood_in[name] for name in sorted(side.stood_in)),
        left_out=tuple(side.left_out[name] for name in sorted(side.left_out)),
    )
