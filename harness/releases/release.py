"""A release of the package under test, and the part of the history that a run is about."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class File:
    """One file of a release, as its index lists it.

    Attributes:
        url: Where it lies.
        sha256: Of its content, in hex; empty where the index tells no hash, or others.
        requires_python: Specifier, or None.
        metadata: Where its metadata lies beside it (PEP 658); None if the index does not serve it.
    """

    name: str
    url: str
    sha256: str = ""
    requires_python: str | None = None
    metadata: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """One release, as its index lists it.

    Attributes:
        version: As the index spells it.
        uploaded: ISO 8601 time in UTC of its first file; None if the index does not tell.
        requires_python: Specifier, or None.
        yanked: All its files are yanked.
        yanked_reason: The maintainers' word on it, may be empty.
        source_only: It has no wheel, so that its own code is run to build one.
        attested: The index has attestations of where each of its files was built (PEP 740).
        files: All its files; none where they are not all on the main index, or the listing is an earlier one.
    """

    version: str
    uploaded: str | None = None
    requires_python: str | None = None
    yanked: bool = False
    yanked_reason: str = ""
    source_only: bool = False
    attested: bool = False
    files: tuple[File, ...] = field(default=(), repr=False, compare=False)


def select(
    releases: Sequence[Release],
    *,
    package: str,
    first: str | None = None,
    last: str | None = None,
    prereleases: bool = False,
) -> list[Release]:
    """Return the releases from `first` to `last`, both included, oldest version first.

    Args:
        releases: In any order.
        package: For messages.
        first: Oldest release; None starts with the oldest of all.
        last: Newest release; None ends with the newest of all.
        prereleases: Keep alpha, beta, candidate and development releases; the ends are kept in any case.

    Raises:
        UsageError: An end that is not listed, ends that are swapped, or nothing between them.
    """
    ordered = sorted(releases, key=lambda release: Version(release.version))
    start = _find(ordered, first, package, "--from") if first else None
    stop = _find(ordered, last, package, "--to") if last else None
    if start and stop and start > stop:
        raise UsageError(f"--from {first} is newer than --to {last}: swap them ({package} {last} came first)")
    chosen = [
        release
        for release in ordered
        if (start is None or Version(release.version) >= start)
        and (stop is None or Version(release.version) <= stop)
        and (
            prereleases
            or not Version(release.version).is_prerelease
            or Version(release.version) in (start, stop)
        )
    ]
    if not chosen:
        hint = "; --pre includes pre-releases" if ordered and not prereleases else ""
        raise UsageError(f"the index lists no release of {package} to test in this range{hint}")
    return chosen


def upload_days(releases: Iterable[Release]) -> dict[str, datetime]:
    """Return {version: end of the day, in UTC, on which it was uploaded}, those of unknown day left out."""
    return {
        one.version: datetime.fromisoformat(one.uploaded)
        .astimezone(UTC)
        .replace(hour=0, minute=0, second=0, microsecond=0)
        + timedelta(days=1)
        for one in releases
        if one.uploaded
    }


def _find(ordered: Sequence[Release], wanted: str, package: str, option: str) -> Version:
    try:
        version = Version(wanted)
    except InvalidVersion:
        raise UsageError(f"{option} {wanted}: this is no version number (expected one like 0.6.2)") from None
    known = [release.version for release in ordered]
    if version not in (Version(item) for item in known):
        same = [item for item in known if Version(item).release == version.release]
        near = same or difflib.get_close_matches(wanted, known, n=3) or known[-3:]
        raise UsageError(
            f"{option} {wanted}: the index lists no such release of {package}; near it: {', '.join(near)}"
            f" (all of them: python -m harness releases {package})"
        )
    return version
