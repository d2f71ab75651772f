"""What is new since the last night: releases, yanks, moved pins. Plain comparisons of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from harness.nightly.source import is_build

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.history.facts import Listed
    from harness.releases.release import Release


@dataclass(frozen=True, slots=True)
class News:
    """What changed in a package's listing; versions oldest first.

    Attributes:
        new: Listed for the first time.
        yanked: Newly yanked.
        restored: Yanked or gone once, and offered again.
        gone: Not listed any more.
        first: Nothing was listed before: everything is new, and nothing is news.
    """

    new: Sequence[Release]
    yanked: Sequence[Release]
    restored: Sequence[Release]
    gone: Sequence[str]
    first: bool


def news(known: Mapping[str, Listed], releases: Sequence[Release]) -> News:
    """Compare a listing with what was listed before.

    Args:
        known: {version: how it was listed}.
        releases: What is listed now, in any order.
    """
    ordered = sorted(releases, key=lambda release: Version(release.version))
    old = [(release, known[release.version]) for release in ordered if release.version in known]
    listed = {release.version for release in ordered}
    gone = (version for version, one in known.items() if version not in listed and not one.gone)
    return News(
        new=[release for release in ordered if release.version not in known],
        yanked=[release for release, before in old if release.yanked and not before.yanked],
        restored=[
            release for release, before in old if not release.yanked and (before.yanked or before.gone)
        ],
        gone=sorted(gone, key=Version),
        first=not known,
    )


def watched(
    releases: Sequence[Release], *, prereleases: bool, first: str | None, until: str = ""
) -> list[Release]:
    """Return the releases that a watch is about, oldest first.

    Args:
        releases: In any order.
        prereleases: Keep alpha, beta, candidate and development releases; builds of a source are kept in any case.
        first: Oldest one; None for all.
        until: ISO time; later ones are left out. A release whose index tells no time is kept.
    """
    ordered = sorted(releases, key=lambda release: Version(release.version))
    return [
        release
        for release in ordered
        if (prereleases or is_build(release.version) or not Version(release.version).is_prerelease)
        and (first is None or Version(release.version) >= Version(first))
        and not (until and release.uploaded and release.uploaded > until)
    ]


def untold(releases: Sequence[Release], known: Collection[str]) -> list[str]:
    """Return the versions that a line does not know yet and that anyone may still install."""
    return [release.version for release in releases if release.version not in known and not release.yanked]
