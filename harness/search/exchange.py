"""Two things changed at once: which of them brings the failure, from what their two mixtures did.

One side of a boundary has the old package and the old dependencies and is good; the other side has both new ones and
fails. Two mixtures lie between: the good side's package with the bad side's dependencies, and the reverse. It is a
two-by-two experiment, of which a boundary has executed two cells; this module reads the other two. Where only one of
them tells something, the answer is a comparison in which one thing alone differs, and nothing more.
"""

from __future__ import annotations

from enum import StrEnum


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
