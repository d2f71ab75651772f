"""Words that all that is said of two environments has in common: a change, some names, a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.blamed import BoundaryInside, ChangeResult

_NAMED = 4
"""Packages that are named one by one."""


def called(change: ChangeResult) -> str:
    """Return a change as `tokenizers 0.22.2 -> 0.23.1`."""
    if change.before is None:
        return f"{change.name} {change.after} (added)"
    if change.after is None:
        return f"{change.name} {change.before} (removed)"
    return f"{change.name} {change.before} -> {change.after}"


def some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _NAMED
    return listed(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more} more"


def located(one: BoundaryInside, *, several: bool) -> str:
    """Return where a culprit changed, as far as its run shows; with several culprits it begins with the name."""
    name = one.name if several else ""
    same = listed([" ".join(mate) for mate in sorted(one.mates.items())])
    unsure = (f", with {same} on both sides of it" if same else "") + (
        "" if one.confirmed else ", not confirmed"
    )
    if one.upgrade and one.first and one.conclusion == "regressed":
        head = (
            f"{name} {one.bad} is its first bad release" if several else f"its first bad release is {one.bad}"
        )
        return f"{head}{unsure}"
    if one.first and one.upgrade:
        return f"{one.name} {one.good} is good, and the next release, {one.bad}, is bad{unsure}"
    if one.first:
        return f"{one.name} {one.bad} is bad, and the next release, {one.good}, is good{unsure}"
    return f"{one.name} {one.good} is good and {one.bad} is bad, and releases between them have no verdict{unsure}"
