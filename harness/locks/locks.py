"""The locks of a run's releases, each resolved when it is first asked for, or beside the probes."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from harness.errors import HarnessError
from harness.locks.family import families, lock_family
from harness.locks.resolve import Resolver, Unresolvable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.locks.lock import Lock
    from harness.locks.stored import StoredLocks
    from harness.releases.release import Release


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Positions of releases that may share one resolution, and what makes sure that it is one."""

    positions: Sequence[int]
    resolving: threading.Lock = field(default_factory=threading.Lock)


class Locks(Sequence["Lock | Unresolvable"]):
    """The lock of each release, by position; what is asked for and stands nowhere is resolved then.

    Whoever asks first for a release of a family (`harness.locks.family`) resolves it, and the others have their locks
    by that; who asks meanwhile waits. Any thread may ask. Where the machine or the index fails, the one who asks
    is told, and the next one who asks tries again.

    Args:
        resolver: Makes or finds locks.
        releases: Oldest first.
        reference: What all environments share; where no release goes with the pins, none has a lock for that reason.
        note: Called with a line for each resolution.
    """

    def __init__(
        self,
        resolver: Resolver | StoredLocks,
        releases: Sequence[Release],
        reference: Lock | Unresolvable,
        note: Callable[[str], None],
    ) -> None:
        self._resolver, self._releases, self._note = resolver, releases, note
        self._reference = reference
        self._found: dict[int, Lock | Unresolvable] = {}
        self._groups: dict[int, _Group] = {}
        self._grouping = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False
        for position, release in enumerate(releases):
            stored = (
                reference
                if isinstance(reference, Unresolvable)
                else resolver.stored(release.version, reference)
            )
            if stored is not None:
                self._found[position] = stored

    def __len__(self) -> int:
        """Return the number of releases."""
        return len(self._releases)

    @overload
    def __getitem__(self, position: int) -> Lock | Unresolvable: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Lock | Unresolvable]: ...
    def __getitem__(self, position: int | slice) -> Lock | Unresolvable | Sequence[Lock | Unresolvable]:
        """Return the lock of a release, or why it has none.

        Raises:
            HarnessError: The machine or the index failed.
        """
        if isinstance(position, slice):
            return [self[one] for one in range(len(self))[position]]
        position = range(len(self))[position]
        while position not in self._found:
            group = self._group(position)
            with group.resolving:
                if position not in self._found and self._groups[position] is group:
                    self._resolve(group, position)
        return self._found[position]

    def known(self) -> Mapping[int, Lock | Unresolvable]:
        """Return {position: lock} of what stands; nothing is resolved."""
        return dict(sorted(self._found.copy().items()))

    def resolve(self, positions: Iterable[int] | None = None) -> None:
        """Resolve several releases at a time; all of them by default.

        Raises:
            HarnessError: The machine or the index failed.
        """
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for _ in pool.map(self.__getitem__, self._left() if positions is None else positions):
                pass

    def resolve_beside(self) -> None:
        """Begin to resolve all releases, while others go on; `close` ends it.

        What fails is left to the one who needs it.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
            self._pool.submit(self._submit_all)

    def close(self) -> None:
        """Begin no further resolution beside the probes, and wait for those that run."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit_all(self) -> None:
        for position in self._left():
            if self._closed:
                return
            assert self._pool is not None  # noqa: S101 - `resolve_beside` made it
            self._pool.submit(self._try, position)

    def _try(self, position: int) -> None:
        try:
            if not self._closed:
                self[position]
        except HarnessError:
            self._closed = True

    def _left(self) -> list[int]:
        """Return the positions without a lock: one of each family first, so that nobody waits for a family's other member."""
        left = [position for position in range(len(self)) if position not in self._found]
        eldest = dict.fromkeys(self._group(position).positions[0] for position in left)
        shared = [position for position in eldest if len(self._group(position).positions) > 1]
        return list(dict.fromkeys([*shared, *left]))

    def _group(self, position: int) -> _Group:
        with self._grouping:
            if not self._groups:
                self._groups = self._grouped()
            return self._groups.setdefault(position, _Group([position]))

    def _grouped(self) -> dict[int, _Group]:
        places = {release.version: position for position, release in enumerate(self._releases)}
        missing = [one for position, one in enumerate(self._releases) if position not in self._found]
        alike = families(self._resolver, missing) if isinstance(self._resolver, Resolver) else []
        found = {position: _Group([position]) for position in range(len(self))}
        for family in alike:
            group = _Group([places[release.version] for release in family])
            found |= dict.fromkeys(group.positions, group)
        return found

    def _resolve(self, group: _Group, position: int) -> None:
        """Resolve a release, and with it those of its group that may share that; all others stand alone from then on."""
        assert not isinstance(self._reference, Unresolvable)  # noqa: S101 - else all is found
        release = self._releases[position]
        others = [one for one in group.positions if one != position and one not in self._found]
        family = [release, *(self._releases[one] for one in others)]
        locks = lock_family(self._resolver, family, self._reference)
        also = f" and {len(locks) - 1} with equal requirements" if len(locks) > 1 else ""
        self._note(f"locked {self._resolver.package} {release.version}{also}")
        for one in others:
            if self._releases[one].version not in locks:
                self._groups[one] = _Group([one])
        self._found |= {
            one: locks[self._releases[one].version]
            for one in (position, *others)
            if self._releases[one].version in locks
        }


class Exchanged(Sequence["Lock | Unresolvable"]):
    """Locks of which some are exchanged, and to which further ones can be added; the others are resolved when asked for.

    Args:
        locks: All of them.
        exchanged: {position: what is in its place}.
    """

    def __init__(
        self, locks: Sequence[Lock | Unresolvable], exchanged: Mapping[int, Lock | Unresolvable]
    ) -> None:
        self._locks, self._exchanged = locks, dict(exchanged)

    def __len__(self) -> int:
        """Return the number of releases, those that were added included."""
        return max(len(self._locks), max(self._exchanged, default=-1) + 1)

    @overload
    def __getitem__(self, position: int) -> Lock | Unresolvable: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Lock | Unresolvable]: ...
    def __getitem__(self, position: int | slice) -> Lock | Unresolvable | Sequence[Lock | Unresolvable]:
        """Return the lock of a release."""
        if isinstance(position, slice):
            return [self[one] for one in range(len(self))[position]]
        position = range(len(self))[position]
        return self._exchanged[position] if position in self._exchanged else self._locks[position]

    def append(self, lock: Lock) -> None:
        """Add the lock of one more release."""
        self._exchanged[len(self)] = lock

    def known(self) -> Mapping[int, Lock | Unresolvable]:
        """Return {position: lock} of what stands; nothing is resolved."""
        return {**known(self._locks), **self._exchanged}


def known(locks: Sequence[Lock | Unresolvable]) -> Mapping[int, Lock | Unresolvable]:
    """Return {position: lock} of what stands; nothing is resolved."""
    return locks.known() if isinstance(locks, Locks | Exchanged) else dict(enumerate(locks))
