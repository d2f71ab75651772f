"""What a report says of a question about two packages: the releases of each, and the grid of their pairs.

A pair is a row of `ArmResult.releases` as any release is; its `version` is what `pair_name` returns, and its `point`
says which packages that are. A boundary lies along one axis: the other package is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AxisResult:
    """A package that varies, and its releases, oldest first."""

    package: str
    versions: list[str]


@dataclass(frozen=True, slots=True)
class Point:
    """A choice on both axes, as it was executed.

    Attributes:
        package, version: The package under test of that execution, and its release.
        held, held_version: The other package, which was pinned, and its release.
    """

    package: str
    version: str
    held: str
    held_version: str

    def choice(self) -> dict[str, str]:
        """Return {package: version}."""
        return {self.package: self.version, self.held: self.held_version}


@dataclass(frozen=True, slots=True)
class AxisChange:
    """On which axis a boundary lies.

    Attributes:
        package, before, after: The package that varies, and its releases on both sides.
        held, held_version: The other package, and its release.
    """

    package: str
    before: str
    after: str
    held: str
    held_version: str


@dataclass(frozen=True, slots=True)
class GridResult:
    """What the pairs of one arm say together.

    Attributes:
        depends: A `harness.search.corners.Shape`: what the verdicts of the corners depend on.
        decides: The package that decides alone; with `one` only.
        pair: {package: version} of the pair that differs from its neighbour along either package; else empty.
        corners: The pairs that stand for the corners (both oldest, the first package newest, the second newest, both
            newest), as `ReleaseResult.version` names them; null where there is none.
        disputed: The pairs that are good in one run and bad in another.
    """

    depends: str
    decides: str | None
    pair: dict[str, str]
    corners: list[str | None]
    disputed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PartResult:
    """One run in which one package varies and the other one is held; it has a report of its own.

    Attributes:
        package: The package that varies, from `first` to `last`.
        held, held_version: The other package, and its release.
        folder: Of its report, seen from the folder of this one.
        answers: {arm: [conclusion, sentence]}.
    """

    package: str
    first: str
    last: str
    held: str
    held_version: str
    folder: str
    answers: dict[str, list[str]]


def pair_name(axes: Sequence[AxisResult], versions: Sequence[str]) -> str:
    """Return how a pair is called: `peft 0.13.2 with transformers 4.46.0`."""
    return " with ".join(f"{axis.package} {version}" for axis, version in zip(axes, versions, strict=True))


def in_order(axes: Sequence[AxisResult], choice: Mapping[str, str]) -> list[str]:
    """Return the versions of a choice {package: version} in the order of the axes."""
    return [choice[axis.package] for axis in axes]


def ends(axes: Sequence[AxisResult]) -> list[str]:
    """Return the corners in the order of `GridResult.corners`."""
    first, second = (axis.versions for axis in axes)
    return [
        pair_name(axes, (one, other)) for other in (second[0], second[-1]) for one in (first[0], first[-1])
    ]


def packages(axes: Sequence[AxisResult]) -> str:
    """Return what a report calls the packages that vary."""
    return " and ".join(axis.package for axis in axes)
