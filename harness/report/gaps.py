"""What is said of releases that are neither good nor bad: how many, why, and what a reader can do about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.report.text import listed, one_line
from harness.verdicts.verdict import SkipKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.report.model import BoundaryResult, ReleaseResult

MOST_NAMED = 4
"""Versions named one by one; more of them are a span with their number."""
_REASON = 160
_SUPPLIERS = {"pkg_resources": '--with "setuptools<81"', "distutils": "--python 3.11", "imp": "--python 3.11"}
"""{module that is gone: the option that brings it back}; the last two left Python with 3.12."""


def several(versions: Sequence[str]) -> str:
    """Return a few versions by name, many as a span with their number."""
    if len(versions) > MOST_NAMED:
        return f"{len(versions)} releases ({versions[0]} to {versions[-1]})"
    return listed(versions)


def failure_name(release: ReleaseResult) -> str:
    """Return what a failure is called: the exception's class, or else its kind; empty if that is not known."""
    fingerprint = release.fingerprint or {}
    return one_line(str(fingerprint.get("exception") or fingerprint.get("kind") or ""), 80)


def failed_otherwise(release: ReleaseResult) -> bool:
    """Tell whether a skipped release was executed and failed, though not by the failure looked for."""
    return release.verdict == "skip" and release.skip_kind == SkipKind.OTHER_FAILURE


def gap(releases: Sequence[ReleaseResult], *, where: str = "", which: str = "") -> str:
    """Return what is known of releases that carry no verdict in a boundary, as a clause; empty without any.

    Args:
        releases: Oldest first.
        where: Put behind the versions, as `between them`.
        which: Says the versions in place of their names where all are of one kind, as `1.3 and later`.
    """
    groups: dict[str, list[ReleaseResult]] = {}
    for release in releases:
        groups.setdefault(_fate(release), []).append(release)
    clauses = []
    for fate, members in groups.items():
        names = which if which and len(groups) == 1 else several([release.version for release in members])
        clauses.append(f"{names}{f' {where}' if where else ''} {_said(fate, members)}")
    return " and ".join(clauses)


def between(boundary: BoundaryResult, releases: Iterable[ReleaseResult]) -> list[ReleaseResult]:
    """Return the releases that lie between the sides of a boundary, oldest first."""
    inside = {*boundary.skipped, *boundary.untested}
    return [release for release in releases if release.version in inside]


def gap_of(boundary: BoundaryResult, releases: Iterable[ReleaseResult]) -> str:
    """Return what lies between the sides of a boundary, as a clause; empty where its sides are neighbours."""
    return gap(between(boundary, releases), where="between them")


def way_out(releases: Iterable[ReleaseResult], package: str) -> str:
    """Return what a reader can do about skipped releases, as a clause; empty where nothing is known to help.

    Args:
        releases: Those of one gap.
        package: The package under test, whose own modules no other package brings.
    """
    skipped = [release for release in releases if release.verdict == "skip"]
    usual = _usual(skipped) if skipped else None
    if usual is None:
        return ""
    if usual.skip_kind == SkipKind.WRONG_PYTHON:
        return "another Python may have them: --python VERSION"
    if usual.skip_kind == SkipKind.OUT_OF_TIME:
        return "for more time: --timeout SECONDS"
    if usual.skip_kind != SkipKind.IMPORT_ERROR:
        return ""
    module = usual.module.partition(".")[0]
    if module in _SUPPLIERS:
        supplied = f"to supply {module}: {_SUPPLIERS[module]}; "
    elif module and canonicalize_name(module) != canonicalize_name(package):
        supplied = f"to supply {module}: --with PACKAGE (often --with {module}); "
    else:
        supplied = ""
    return f"{supplied}if that is the failure you look for: --import-errors bad"


def _fate(release: ReleaseResult) -> str:
    if release.verdict == "skip":
        return "otherwise" if failed_otherwise(release) else "skip"
    return "begun" if release.verdict == "untested" and release.prefix is not None else release.verdict


def _said(fate: str, members: Sequence[ReleaseResult]) -> str:
    one = len(members) == 1
    if fate == "skip":
        return f"could not be tested{reasons(members)}"
    if fate == "untested":
        return f"{'was' if one else 'were'} not executed"
    if fate == "begun":
        return f"{'was' if one else 'were'} executed for {'its' if one else 'their'} first steps alone"
    names = list(dict.fromkeys(filter(None, map(failure_name, members))))
    failure = " and ".join(names) if len(names) < 3 else f"{len(names)} kinds of failure"
    if fate == "otherwise":
        return f"failed in another way{f' ({failure})' if failure else ''}"
    return f"{'is' if one else 'are'} {fate}{f' with {failure}' if failure else ''}"


def _usual(releases: Sequence[ReleaseResult]) -> ReleaseResult:
    """Return a release that stands for the kind, and among these for the reason, that most have."""
    kinds = Counter((release.skip_kind, release.module) for release in releases)
    alike = [item for item in releases if (item.skip_kind, item.module) == kinds.most_common(1)[0][0]]
    reason = Counter(map(_without_version, alike)).most_common(1)[0][0]
    return next(release for release in alike if _without_version(release) == reason)


def _without_version(release: ReleaseResult) -> str:
    """Return a release's reason without its own version: what releases share that were skipped for the same reason."""
    return release.reason.replace(release.version, "")


def reasons(releases: Sequence[ReleaseResult]) -> str:
    """Return why releases were skipped, in parentheses behind a space: the usual reason, and of how many it is."""
    counts: Mapping[str, int] = Counter(map(_without_version, releases))
    usual = _usual(releases)
    if not usual.reason:
        return ""
    often = "" if len(counts) == 1 else f"{counts[_without_version(usual)]} of {len(releases)}: "
    return f" ({often}{one_line(usual.reason, _REASON).rstrip('.')})"
