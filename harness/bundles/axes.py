"""What varies of a bundle's packages: both of two, or one with the other one held at a release that the bundle has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.locks.stored import line_folder
from harness.model.subject import Axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model.question import Question
    from harness.releases.release import Release


@dataclass(frozen=True, slots=True)
class BundledAxis:
    """One package under test.

    Attributes:
        package: Canonical name.
        releases: Oldest first.
    """

    package: str
    releases: tuple[Release, ...]

    def axis(self, asked: Axis | None) -> Axis:
        """Return what varies of it: what is asked, between the ends of the bundle where that leaves them open."""
        asked = asked or Axis()
        first, last = self.releases[0].version, self.releases[-1].version
        return Axis(package=self.package, first=asked.first or first, last=asked.last or last)


def held_release(axes: Sequence[BundledAxis], question: Question) -> tuple[str, str] | None:
    """Return (package, release) if a question holds one of two packages at a release of it."""
    if len(axes) == 1 or len(question.holds.pins) != 1:
        return None
    name, _, version = question.holds.pins[0].partition("==")
    held = [one for one in axes if one.package == canonicalize_name(name)]
    known = [release.version for one in held for release in one.releases]
    return (held[0].package, version) if version in known else None


def varied_axes(
    axes: Sequence[BundledAxis], question: Question, hold: tuple[str, str] | None
) -> tuple[Axis, ...]:
    """Return what varies.

    Raises:
        UsageError: It is a package that the bundle does not have, or one of two, and the other one is not held.
    """
    if len(axes) == 1:
        return (axes[0].axis(question.axes[0] if question.axes else None),)
    own = {one.package: one for one in axes}
    both = " and ".join(own)
    asked = {str(canonicalize_name(axis.package)): axis for axis in question.axes}
    if not asked and hold is None:
        return tuple(one.axis(None) for one in axes)
    if asked.keys() - own.keys():
        raise UsageError(
            f"--bundle: it has releases of {both}; name one of them by --package, before its --from and --to"
        )
    varied = asked or {name: Axis() for name in own if hold and name != hold[0]}
    if len(varied) + (hold is not None) != len(own) or (hold and hold[0] in varied):
        raise UsageError(
            f"--bundle: it has releases of {both}; vary both, or hold one of them at one of its releases, as in "
            f"--package {axes[0].package} --with {axes[1].package}=={axes[1].releases[-1].version}"
        )
    return tuple(own[name].axis(axis) for name, axis in varied.items())


def lock_folder(axes: Sequence[BundledAxis], asked: Axis, hold: tuple[str, str] | None) -> str:
    """Return the name of the folder with the locks of the package that varies."""
    if hold is None:
        return ""
    (own,) = (one.axis(None) for one in axes if one.package == asked.package)
    return line_folder(own.package, str(own.first), str(own.last), *hold)
