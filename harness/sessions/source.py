"""Where releases and packages come from: the indexes that the user has configured, or a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from harness.releases.index import list_releases
from harness.releases.settings import read_settings
from harness.uv import NO_BUILD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.releases.index import Listing
    from harness.releases.settings import IndexSettings
    from harness.state import State


class Source(Protocol):
    """Gives what environments are made of; a `Bundle` is one."""

    @property
    def host_packages(self) -> Mapping[str, str]:
        """{name: version} of what this machine has beside its torch, in just that version."""

    @property
    def brought(self) -> Mapping[str, str]:
        """{name: version} of what this machine's torch brings, in whatever version it has."""

    @property
    def rehashed(self) -> Mapping[str, str]:
        """{SHA-256 that the locks name: SHA-256 of a wheel with the same content}, in hex."""

    @property
    def resolves(self) -> bool:
        """Whether releases can be resolved that have no lock yet."""

    def settings(self) -> IndexSettings:
        """Return what uv is told."""

    def listing(self, package: str, state: State) -> Listing:
        """Return all releases of a package.

        Raises:
            HarnessError: As `list_releases` says.
        """


@dataclass(frozen=True, slots=True)
class Index:
    """The user's own indexes.

    Attributes:
        own_links: Folders with wheels that the harness built, whose releases are listed beside those of the index.
        build: Whether source distributions may be built.
    """

    own_links: tuple[str, ...] = ()
    host_packages: Mapping[str, str] = field(default_factory=dict)
    brought: Mapping[str, str] = field(default_factory=dict)
    rehashed: Mapping[str, str] = field(default_factory=dict)
    resolves: bool = True
    build: bool = True

    def settings(self) -> IndexSettings:
        """Return what the user has configured, without builds where none may be made."""
        settings = read_settings(own_links=self.own_links)
        if self.build:
            return settings
        return replace(settings, uv_environment={**settings.uv_environment, NO_BUILD: "1"})

    def listing(self, package: str, state: State) -> Listing:
        """Ask the index."""
        return list_releases(package, self.settings(), state)
