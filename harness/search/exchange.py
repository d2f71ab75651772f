"""Two things changed at once: which of them brings the failure, from what their two mixtures did.

One side of a boundary has the old package and the old dependencies and is good; the other side has both new ones and
fails. Two mixtures lie between: the good side's package with the bad side's dependencies, and the reverse. It is a
two-by-two experiment, of which a boundary has executed two cells; this module reads the other two. Where only one of
them tells something, the answer is a comparison in which one thing alone differs, and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.search.smallest import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class SpentError(Exception):
    """No execution is left."""


class Likeness(StrEnum):
    """What a mixture did: as one of the two sides does, or nothing that counts as evidence."""

    BEFORE = "as before"
    AFTER = "as after"
    NEITHER = "no evidence"
    REFUSED = "refused"


class Outcome(StrEnum):
    """Which change brings the failure.

    PACKAGE, DEPENDENCIES: that one. EITHER: each of both by itself. TOGETHER: only both at once. UNDECIDED: nobody
    can tell.
    """

    PACKAGE = "package"
    DEPENDENCIES = "dependencies"
    EITHER = "either"
    TOGETHER = "together"
    UNDECIDED = "undecided"


def decide(good_package_fails: bool | None, bad_package_fails: bool | None) -> Outcome:
    """Return which change brings the failure.

    Args:
        good_package_fails: The good side's package with the bad side's dependencies fails as the bad side does
            (true) or does as the good side (false); None if that tells nothing.
        bad_package_fails: The same of the bad side's package with the good side's dependencies.
    """
    table = {
        (True, True): Outcome.EITHER,
        (False, False): Outcome.TOGETHER,
        (True, False): Outcome.DEPENDENCIES,
        (True, None): Outcome.DEPENDENCIES,  # the package is the same in both, and one of them fails
        (None, False): Outcome.DEPENDENCIES,
        (False, True): Outcome.PACKAGE,
        (False, None): Outcome.PACKAGE,  # the dependencies are the same in both, and one of them fails
        (None, True): Outcome.PACKAGE,
        (None, None): Outcome.UNDECIDED,
    }
    return table[good_package_fails, bad_package_fails]


@dataclass(frozen=True, slots=True)
class Culprits:
    """Changes that bring the failure by themselves, none of which can be left out.

    Attributes:
        names: One most often.
        together: Where there are several: it was seen that none of them does it without the others.
    """

    names: tuple[str, ...]
    together: bool = False


def culprits(
    names: Sequence[str], fails: Callable[[frozenset[str], int], bool | None]
) -> tuple[tuple[Culprits, ...], tuple[str, ...]]:
    """Return which of several changes bring the failure, and which could not be kept apart from these.

    What single executions show is believed if two show it: each set by itself does it, and all others do not. Else
    all of them are one set, of which nothing more is known.

    Args:
        names: All of them together bring it, none does not.
        fails: Is asked with some of them and a number of executions: whether these bring it; None for no evidence.
            It may raise `SpentError`.
    """
    asked: dict[frozenset[str], bool | None] = {}

    def does(chosen: frozenset[str]) -> bool | None:
        asked[chosen] = fails(chosen, 1)
        return asked[chosen]

    whole = (Culprits(tuple(names)),), ()
    if len(names) == 1:
        return whole
    try:
        found = explain(names, does)
        rest = frozenset(names).difference(found.along, *found.sets)
        ways = [*((frozenset(several), True) for several in found.sets), *([(rest, False)] if rest else [])]
        if any(fails(chosen, 2) is not wanted for chosen, wanted in ways):
            return whole
    except SpentError:
        return whole
    sets = [
        Culprits(
            several,
            len(several) > 1 and all(asked.get(frozenset(several) - {one}) is False for one in several),
        )
        for several in found.sets
    ]
    return tuple(sets), found.along
