"""The rows that nights read and write, as plain facts; `harness.history.schema` tells what the columns mean."""

from __future__ import annotations

from dataclasses import dataclass

Line = tuple[str, str, str]
"""Scenario, package, arm."""

Subject = tuple[str, str]
"""Scenario, package."""


@dataclass(frozen=True, slots=True)
class Listed:
    """How the index listed a release once."""

    yanked: bool
    gone: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the releases of one line are compared with.

    Attributes:
        lock, trace: Digests of what was accepted.
        deterministic: Its A/A runs were equal bit for bit; None if nobody knows.
        moment: When it was accepted, ISO 8601.
        run: Folder of the run that was accepted; empty for the first one, which a night proposes.
    """

    version: str
    lock: str | None
    trace: str | None
    deterministic: bool | None
    moment: str
    who: str
    why: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A release as one line knows it; `harness.history.schema` tells the states."""

    version: str
    state: str
    verdict: str | None = None
    reason: str | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary that was reported; `closed` is the night in which it was told to be gone."""

    signal: str
    kind: str
    before: str
    after: str
    night: int
    run: str = ""
    closed: int | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a night tells.

    Attributes:
        arm: Empty if it concerns all arms of the watch.
        release: Version, or empty.
        run: Folder of the run's report, seen from the reports folder; empty without one.
    """

    kind: str
    scenario: str
    package: str
    arm: str
    release: str
    text: str
    run: str = ""
