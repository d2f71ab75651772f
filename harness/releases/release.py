"""A release of the package under test, and the part of the history that a run is about."""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a release, as its index lists it.

    Attributes:
        url: Where it lies.
        sha256: Of its content, in hex; empty where the index tells no hash, or others.
        requires_python: Specifier, or None.
        metadata: Where its metadata lies beside it (PEP 658); None if the index does not serve it.
        size: In bytes; None if the index does not tell.
    """

    name: str
    url: str
    sha256: str = ""
    requires_python: str | None = None
    metadata: str | None = None
    size: int | None = None


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

    Of builds of one release, as 2.13.0 and 2.13.0+cpu, the one is kept that is installed: the one with the last local part
    (https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers).

    Args:
        releases: In any order.
        package: For messages.
        first: Oldest release, or the first day (2026-10-01) of their uploads; None starts with the oldest of all.
        last: Newest release, or the last day; None ends with the newest of all.
        prereleases: Keep alpha, beta, candidate and development releases; the ends are kept in any case.

    Raises:
        UsageError: An end that is not listed, ends that are swapped, or nothing between them.
    """
    ordered = sorted(((Version(one.version), one) for one in releases), key=lambda item: item[0])
    since, until = (named_day(end) if end else None for end in (first, last))
    start = _find(ordered, first, package, "--from") if first and not since else None
    stop = _find(ordered, last, package, "--to") if last and not until else None
    if start and stop and start > stop:
        raise UsageError(f"--from {first} is newer than --to {last}: swap them ({package} {last} came first)")
    ends = [end for end in (start, stop) if end]
    installed = {_public(version): version for version, _ in ordered}  # the last one stays
    chosen = [
        release
        for version, release in ordered
        if (version is installed[_public(version)] or (version.local and version in ends))
        and (start is None or version >= start)
        and (stop is None or version <= stop or _names(stop, version))
        and (prereleases or not version.is_prerelease or any(_names(end, version) for end in ends))
        and _within_days(release, since, until)
    ]
    if not chosen:
        hint = "; --pre includes pre-releases" if ordered and not prereleases else ""
        raise UsageError(f"the index lists no release of {package} to test in this range{hint}")
    return chosen


def named_day(end: str) -> date | None:
    """Return the day that an end of a range names, as 2026-10-01, which no version can be; None if it names none.

    Raises:
        UsageError: It looks like one, and the calendar has no such day.
    """
    if not _DAY.fullmatch(end):
        return None
    try:
        return date.fromisoformat(end)
    except ValueError:
        raise UsageError(f"{end}: the calendar has no such day") from None


def day(release: Release) -> date | None:
    """Return the day of a release: of a nightly build the one in its version, else that of its upload, in UTC."""
    nightly = Version(release.version).dev
    if nightly and len(str(nightly)) == len("20261001"):
        with suppress(ValueError):
            return date.fromisoformat(str(nightly))
    if release.uploaded is None:
        return None
    return datetime.fromisoformat(release.uploaded).astimezone(UTC).date()


def _within_days(release: Release, since: date | None, until: date | None) -> bool:
    """Tell whether a release is not outside of some days; one of unknown day is outside."""
    if since is None and until is None:
        return True
    own = day(release)
    return own is not None and (since is None or own >= since) and (until is None or own <= until)


def _public(version: Version) -> Version:
    return version if version.local is None else Version(version.public)


def _names(end: Version, version: Version) -> bool:
    """Tell whether an end names a version: 2.13.0 names 2.13.0+cpu too, and 2.13.0+cpu itself alone."""
    return version == end or (end.local is None and _public(version) == end)


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


def _find(ordered: Sequence[tuple[Version, Release]], wanted: str, package: str, option: str) -> Version:
    try:
        version = Version(wanted)
    except InvalidVersion:
        raise UsageError(f"{option} {wanted}: this is no version number (expected one like 0.6.2)") from None
    known = [release.version for _, release in ordered]
    if not any(_names(version, one) for one, _ in ordered):
        same = [release.version for one, release in ordered if one.release == version.release]
        near = same or difflib.get_close_matches(wanted, known, n=3) or known[-3:]
        raise UsageError(
            f"{option} {wanted}: the index lists no such release of {package}; near it: {', '.join(near)}"
            f" (all of them: python -m harness releases {package})"
        )
    return version
