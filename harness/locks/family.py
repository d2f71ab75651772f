"""Locks of many releases: those with equal requirements share one resolution.

Why that gives what the resolver would give for each: it tries the reference's versions first. If the lock of one
release holds nothing but versions of the reference, every choice that was made was such a first one, and none was
taken back. If no package in it requires the package under test, no choice depended on which release that is. So a
sibling, whose requirements are equal, leads to the same choices: its lock is that one with the sibling's own version
and hashes in place. Where any of this is not certain, a release is resolved by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.locks.lock import Lock, Pinned
from harness.locks.resolve import Resolver
from harness.releases.metadata import read_needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.locks.resolve import Unresolvable
    from harness.locks.stored import StoredLocks
    from harness.releases.release import Release


def families(resolver: Resolver, releases: Sequence[Release]) -> list[list[Release]]:
    """Return the releases with equal requirements, in groups of two or more."""
    if len(releases) < 2 or not resolver.settings.uniform or resolver.days:
        return []
    if any(canonicalize_name(Requirement(pin).name) == resolver.package for pin in resolver.requirements()):
        return []  # extras of the package are wanted, which bring what `read_needs` leaves out
    families: dict[tuple[str, ...], list[Release]] = {}
    needs = read_needs(releases, resolver.settings)
    for release in releases:
        own = needs.get(release.version)
        if own and own.accepts(resolver.interpreter.version):
            families.setdefault(own.requires, []).append(release)
    return [family for family in families.values() if len(family) > 1]


def lock_family(
    resolver: Resolver | StoredLocks, family: Sequence[Release], reference: Lock
) -> dict[str, Lock | Unresolvable]:
    """Return {version: lock} of releases that may share one resolution: of all if they do, else of the first alone.

    Args:
        resolver: Makes or finds locks.
        family: One of `families`, in any order, or one release alone.
        reference: What all environments share.

    Raises:
        HarnessError: As the resolver says.
    """
    eldest, *others = family
    if not others or not isinstance(resolver, Resolver):
        return {eldest.version: resolver.lock(eldest.version, reference)}
    lock, alone = resolver.resolve(eldest.version, reference)
    found = {eldest.version: lock}
    if not isinstance(lock, Lock) or not alone or not _first_choices(resolver.package, lock, reference):
        return found
    own = _entry(resolver.package, eldest)
    if own not in lock.packages:  # the resolver knows files that the listing does not tell
        return found
    besides = [package for package in lock.packages if package != own]
    for sibling in others:
        packages = tuple(sorted([*besides, _entry(resolver.package, sibling)]))
        found[sibling.version] = resolver.keep(sibling.version, reference, replace(lock, packages=packages))
    return found


def _first_choices(package: str, lock: Lock, reference: Lock) -> bool:
    """Tell whether a lock holds, besides the package under test, nothing but versions of the reference."""
    others = {name: version for name, version in lock.versions().items() if name != package}
    return others.items() <= reference.versions().items()


def _entry(package: str, release: Release) -> Pinned:
    hashes = sorted({f"sha256:{file.sha256}" for file in release.files})
    return Pinned(package, release.version, tuple(hashes))
