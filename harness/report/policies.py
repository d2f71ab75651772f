"""What a release does with the packages of its own day and with those that all releases share: facts, and their words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

FIXED = "fixed"
"""Folder of a run's locks that holds those of policy `fixed`, where the run itself has another one."""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One release in one arm with both locks.

    Attributes:
        as_of: Verdict with the packages of the day of its upload; `reason` of that.
        fixed: Verdict with the packages that all releases share; `fixed_reason` of that.
        lock: Digest of the lock of policy `fixed`; None if there is none.
        executions: Those with that lock, as in `ReleaseResult`.
    """

    arm: str
    version: str
    as_of: str
    reason: str
    fixed: str
    fixed_reason: str
    lock: str | None = None
    executions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def disagrees(self) -> bool:
        """Whether one is good and the other one bad."""
        return {self.as_of, self.fixed} == {"good", "bad"}

    def locks(self, folder: str) -> tuple[str, str]:
        """Return the files of the lock with which it is good, and of the one with which it is bad, in a run's folder."""
        own, shared = f"{folder}/locks/{self.version}.txt", f"{folder}/locks/{FIXED}/{self.version}.txt"
        return (own, shared) if self.as_of == "good" else (shared, own)


def alike(policies: Sequence[PolicyResult]) -> list[list[PolicyResult]]:
    """Return the releases about which both policies disagree, those of an arm together that end in the same way."""
    found: dict[tuple[str, ...], list[PolicyResult]] = {}
    for one in policies:
        if one.disagrees:
            key = (one.arm, one.as_of, one.reason, one.fixed_reason)
            found.setdefault(key, []).append(one)
    return list(found.values())


def sentence(releases: Sequence[PolicyResult]) -> str:
    """Return what releases do that end in the same way, the newest one named."""
    newest, others = releases[-1], len(releases) - 1
    more = f" and {others} other {'releases' if others > 1 else 'release'} are" if others else " is"
    return (
        f"{newest.arm}: {newest.version}{more} {newest.as_of} with the packages of {'their' if others else 'its'} day "
        f"({newest.reason}) and {newest.fixed} with those that all releases share ({newest.fixed_reason})"
    )


def compared(policies: Sequence[PolicyResult]) -> str:
    """Return how many releases say the same under both policies; empty where that was not asked."""
    if not policies:
        return ""
    unlike = sum(one.disagrees for one in policies)
    said = f"{counted(len(policies), 'release was', 'releases were')} executed with the packages of their day and with those that all share"
    return f"{said}: {unlike or 'none'} of them {'differ' if unlike > 1 else 'differs'} in being good or bad"
