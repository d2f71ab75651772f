"""What a self-test executes and has to find, as `scenarios/selftest/selftest.toml` says it: nothing of it is code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.model.codec import from_plain
from harness.releases.release import select
from harness.scenario.find import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.releases.release import Release

FOLDER = BUILT_IN / "selftest"
"""Holds the plan, and the jobs of the steps that need one of their own."""
NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Change:
    """A boundary, as far as devices have to agree about it."""

    arm: str
    signal: str
    kind: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.arm} {self.signal} {self.before} -> {self.after} {self.kind}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the job that a step changes."""

    set: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """Settings of the job, and the verdicts of the good and of the bad release with them."""

    name: str
    set: dict[str, Any]
    verdicts: tuple[str, str]


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The whole plan; `selftest.toml` explains each of its keys."""

    scenario: str
    releases: tuple[str, ...]
    cpu_releases: tuple[str, ...]
    good: str
    bad: str
    arm: str
    boundaries: tuple[Change, ...]
    optimizers: tuple[Variant, ...]
    scales: tuple[Variant, ...]
    short: Settings
    tf32: Settings
    out_of_memory: Settings
    large: Settings
    endless: Settings

    def chosen(self, releases: Sequence[Release], package: str, device: str) -> list[str]:
        """Return the versions that are executed on a device, oldest first.

        Args:
            releases: All that the source lists.
            package: For messages.
            device: `cpu` or `cuda`.

        Raises:
            UsageError: The source lacks one.
        """
        listed = [one.version for one in select(releases, package=package) if not one.yanked]
        wanted = self.cpu_releases if device == "cpu" else self.releases
        named = {listed[-1] if version == NEWEST else version for version in wanted}
        if missing := sorted(named - set(listed)):
            raise UsageError(
                f"the self-test needs {package} {', '.join(missing)}, and the index or the bundle does not have it"
            )
        return [version for version in listed if version in named]

    def expected(self, versions: Sequence[str]) -> set[Change]:
        """Return the boundaries that have to be found between some releases."""
        return {one for one in self.boundaries if {one.before, one.after} <= set(versions)}


def read_plan(folder: Path = FOLDER) -> SelfTest:
    """Read the plan.

    Raises:
        UsageError: It is missing, or says something that it may not.
    """
    path = folder / "selftest.toml"
    try:
        table: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return from_plain(SelfTest, table)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not the plan of a self-test ({error})") from None
