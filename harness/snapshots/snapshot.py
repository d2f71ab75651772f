"""A snapshot says what one environment holds, and what of it cannot be installed as it is."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.version import minor_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable


class Kind(StrEnum):
    """What a snapshot was read from, as messages name it."""

    UV_LOCK = "uv.lock"
    PYLOCK = "pylock.toml (PEP 751)"
    POETRY_LOCK = "poetry.lock"
    OWN_LOCK = "a lock of this harness"
    PIP_LIST = "pip list --format=json"
    CONDA_LIST = "conda list --export"
    CONDA_ENVIRONMENT = "environment.yml of conda"
    REQUIREMENTS = "requirements.txt or pip freeze"
    INTERPRETER = "a Python"


class Origin(StrEnum):
    """Where a package came from."""

    INDEX = "index"
    """A Python package index."""
    CONDA = "conda"
    """A conda channel; its name need not be the one that an index has."""


class Reason(StrEnum):
    """Why a package cannot be installed as it is."""

    EDITABLE = "editable"
    LOCAL_PATH = "local path"
    URL = "URL"
    REPOSITORY = "version control"
    LOCAL_VERSION = "local version"
    """A build such as `+cu121`, which no package index holds."""
    NO_VERSION = "no version"
    NOT_ON_INDEX = "not on the index"
    """A conda package, a Python or a library of the system, that no package index has."""


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """One package of an environment: canonical name, normalized version, hashes of its files (`sha256:…`)."""

    name: NormalizedName
    version: str
    hashes: tuple[str, ...] = ()
    origin: Origin = Origin.INDEX


@dataclass(frozen=True, slots=True, order=True)
class Obstacle:
    """One package that cannot be installed as it is.

    Attributes:
        name: Canonical name; empty if the list does not say it.
        reason: Why.
        text: What the list says of it, where it is more than name and version.
        version: As listed; None if the list does not say it.
        stand_in: The version of an index that may stand in for it; None if there is none to be named.
    """

    name: str
    reason: Reason
    text: str = ""
    version: str | None = None
    stand_in: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one environment holds.

    Attributes:
        packages: Those that an index may have, sorted by name; none of them is an obstacle.
        obstacles: The others, each with why, sorted by name.
        kind: What it was read from.
        source: Path of the file or of the interpreter.
        python: Version, `3.11` or `3.11.7`; None where the list does not say it.
        requires_python: The versions of Python that the list allows, as a specifier; empty where it does not say.
        platform: Where the list was made, as `linux-x86_64`, whatever a tool calls it; None where it does not say.
        left_out: Names of packages that the list holds for other platforms, Pythons or extras.
        ignored: Lines that say nothing about a package (options of pip, constraints).
    """

    packages: tuple[Listed, ...]
    obstacles: tuple[Obstacle, ...]
    kind: Kind
    source: str
    python: str | None = None
    requires_python: str = ""
    platform: str | None = None
    left_out: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def versions(self) -> dict[str, str]:
        """Return {name: version} of all packages that an index may have."""
        return {package.name: package.version for package in self.packages}


@dataclass(frozen=True, slots=True)
class AsOf:
    """An environment given as a date: the requirements as the index stood then.

    Attributes:
        moment: Uploads up to this moment count; with a time zone.
    """

    moment: dt.datetime


class UnreadableError(Exception):
    """A text is not, or not quite, of one format.

    Attributes:
        certain: It is of this format, and broken: no other format needs to be tried.
    """

    def __init__(self, why: str, *, certain: bool = False) -> None:
        super().__init__(why)
        self.certain = certain


class Gathered:
    """Packages and obstacles as a reader meets them."""

    def __init__(self) -> None:
        self.obstacles: list[Obstacle] = []
        self.left_out: list[str] = []
        self.ignored: list[str] = []
        self._packages: dict[NormalizedName, Listed] = {}

    def add(
        self,
        name: str,
        version: str,
        hashes: Iterable[str] = (),
        origin: Origin = Origin.INDEX,
        *,
        local: bool = False,
    ) -> None:
        """Take in one package; a local version is an obstacle with its public version to stand in, if not allowed.

        Raises:
            UnreadableError: The version is none, or the package is listed twice with two versions.
        """
        try:
            parsed = Version(version)
        except InvalidVersion:
            if origin == Origin.CONDA:
                self.block(name, Reason.NOT_ON_INDEX, version=version)
                return
            raise UnreadableError(f"{name}: {version!r} is no version", certain=True) from None
        canonical = canonicalize_name(name)
        if parsed.local and not local:
            self.block(canonical, Reason.LOCAL_VERSION, version=version, stand_in=parsed.public)
            return
        listed = Listed(canonical, str(parsed), tuple(sorted(set(hashes))), origin)
        other = self._packages.setdefault(canonical, listed)
        if Version(other.version) != parsed:
            raise UnreadableError(
                f"{name} is listed twice, as {other.version} and as {version}", certain=True
            )
        self._packages[canonical] = replace(other, hashes=tuple(sorted({*other.hashes, *listed.hashes})))

    def names(self) -> set[str]:
        """Return the names of all packages taken in."""
        return {*self._packages, *(one.name for one in self.obstacles)}

    def block(
        self,
        name: str,
        reason: Reason,
        text: str = "",
        version: str | None = None,
        stand_in: str | None = None,
    ) -> None:
        """Take in one package that cannot be installed as it is."""
        obstacle = Obstacle(canonicalize_name(name), reason, text, version, stand_in)
        if obstacle not in self.obstacles:
            self.obstacles.append(obstacle)

    def snapshot(
        self,
        kind: Kind,
        source: str,
        *,
        python: str | None = None,
        requires_python: str = "",
        platform: str | None = None,
    ) -> Snapshot:
        """Return what was gathered.

        Raises:
            UnreadableError: That is no package at all, or a package is both listed and an obstacle.
        """
        if not self._packages and not self.obstacles:
            raise UnreadableError("it lists no package")
        both = [one for one in self.obstacles if one.name in self._packages]
        if both:
            raise UnreadableError(
                f"{both[0].name} is listed twice, once as {both[0].text or both[0].version} and once as "
                f"{self._packages[canonicalize_name(both[0].name)].version}",
                certain=True,
            )
        key = lambda one: (one.name, one.reason, one.text)  # noqa: E731
        return Snapshot(
            tuple(sorted(self._packages.values())),
            tuple(sorted(self.obstacles, key=key)),
            kind,
            source,
            python,
            requires_python,
            plain_platform(platform) if platform else None,
            tuple(sorted(set(self.left_out))),
            tuple(self.ignored),
        )


_CONDA = {"64": "x86_64", "32": "i686"}
_SYSTEMS = {"osx": "macosx", "macosx": "macosx", "win": "win"}


def plain_platform(name: str) -> str:
    """Return a platform in one spelling: conda's `linux-64` and `osx-arm64`, sysconfig's `macosx-11.0-arm64`."""
    system, *_, machine = name.split("-") if "-" in name else (name, "")
    system = _SYSTEMS.get(system, system)
    if system == "win":
        machine = {"64": "amd64", "32": "32"}.get(machine, machine)
    return "-".join(filter(None, [system, _CONDA.get(machine, machine)]))


def known_to(snapshot: Snapshot, has: Callable[[str], bool]) -> Snapshot:
    """Return the snapshot with every conda package that an index does not know as an obstacle.

    Args:
        snapshot: As read.
        has: Whether the index knows a canonical name; asked about conda packages only.
    """
    unknown = [one for one in snapshot.packages if one.origin == Origin.CONDA and not has(one.name)]
    more = [Obstacle(one.name, Reason.NOT_ON_INDEX, version=one.version) for one in unknown]
    packages = tuple(one for one in snapshot.packages if one not in unknown)
    obstacles = tuple(sorted([*snapshot.obstacles, *more], key=lambda one: (one.name, one.reason, one.text)))
    return replace(snapshot, packages=packages, obstacles=obstacles)


def marker_environment(python: str | None) -> dict[str, str]:
    """Return the values of markers on this machine, for a Python (`3.11` or `3.11.7`) or for the one that runs."""
    environment = {key: str(value) for key, value in default_environment().items()}
    if python:
        full = python if python.count(".") > 1 else f"{python}.0"
        if python == ".".join(platform.python_version_tuple()[:2]):
            full = platform.python_version()
        environment["python_version"] = minor_of(full)
        environment["python_full_version"] = environment["implementation_version"] = full
    return environment
