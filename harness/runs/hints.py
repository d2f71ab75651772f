"""What a question leaves out that its asker may want to know: other Pythons, other indexes, pre-releases."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.locks.interpreter import installed, named
from harness.locks.resolve import Unresolvable
from harness.releases.release import select
from harness.report.text import one_line
from harness.search.boundaries import Conclusion
from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.releases.release import Release
    from harness.report.model import ArmResult
    from harness.sessions.asked import Asked
    from harness.sessions.session import Session

_MOST_NAMED = 6
"""Pre-releases that a note names."""


def prereleases_left_out(asked: Asked, listed: Sequence[Release]) -> list[str]:
    """Return the pre-releases of a question's range that it does not ask about, oldest first."""
    choose = partial(select, listed, package=asked.package, first=asked.first, last=asked.last)
    taken = {release.version for release in choose(prereleases=asked.prereleases)}
    return [one.version for one in choose(prereleases=True) if one.version not in taken]


def with_prereleases_told(arms: Sequence[ArmResult], left_out: Sequence[str]) -> list[ArmResult]:
    """Return the arms, those that are good everywhere with a note on the pre-releases that were not executed."""
    if not left_out:
        return list(arms)
    shown = ", ".join(left_out[:_MOST_NAMED]) + (" …" if len(left_out) > _MOST_NAMED else "")
    note = f"pre-releases in the range were not executed: {shown}; --pre takes them too"
    return [
        replace(arm, notes=[*arm.notes, note]) if arm.conclusion == Conclusion.ALWAYS_GOOD else arm
        for arm in arms
    ]


def yanked_among(releases: Sequence[Release], package: str) -> str:
    """Return which releases that may be executed their maintainers have yanked, and why; empty without any."""
    yanked = [release for release in releases if release.yanked]
    if not yanked:
        return ""
    named = [
        f"{one.version} ({one_line(one.yanked_reason, 100)})" if one.yanked_reason else one.version
        for one in yanked[:_MOST_NAMED]
    ]
    more = f" and {counted(len(yanked) - _MOST_NAMED, 'other')}" if len(yanked) > _MOST_NAMED else ""
    are = "are yanked releases, which are" if len(yanked) > 1 else "is a yanked release, which is"
    return f"{package} {', '.join(named)}{more} {are} executed all the same; --assume RELEASE=skip leaves one out"


def nothing_resolvable(session: Session) -> str:
    """Return what may help where none of the releases that were tried can be resolved; empty where one can."""
    known = session.known_locks()
    if not known or not all(isinstance(lock, Unresolvable) for lock in known.values()):
        return ""
    none = "no release" if len(known) == len(session.releases) else f"none of the {len(known)} releases tried"
    interpreter, settings = session.interpreter, session.asked.source.settings()
    others = [one for one in installed() if one.minor != interpreter.minor]
    said = (
        f"{none} can be resolved with Python {interpreter.version}; "
        f"other Pythons found here: {named(others) or 'none'} (--python takes one)"
    )
    if settings.extra and not settings.merged:
        said += (
            "; uv takes a package from the first index that has it: "
            "with UV_INDEX_STRATEGY=unsafe-best-match it takes the best of all indexes, as pip does"
        )
    return said
