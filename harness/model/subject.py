"""What is executed, and what varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.model.commands import OF_FIRST, OF_SUBJECT, PROBING
from harness.model.options import option

MOST_AXES = 2
"""Packages whose releases can be varied together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is executed; one of the three is there.

    Attributes:
        scenario: Name of a scenario, or path of its folder.
        command: Program and arguments; `python` is the interpreter of each environment.
        bundle: Path of a file that `bundle` wrote; it says which scenario, packages and releases.
    """

    scenario: str = ""
    command: tuple[str, ...] = ()
    bundle: str = option(
        "",
        "--bundle FILE",
        "take scenario, releases and packages from a file that `bundle` wrote, without a network; give no SCENARIO",
        group=OF_SUBJECT,
        verbs=(*PROBING, "selftest"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One package whose releases vary.

    Attributes:
        package: As given, with its extras; empty for the scenario's own.
        first, last: Ends of the range; None for the scenario's, or the oldest and the newest of all.
    """

    package: str = ""
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Two environments, between which packages change; both are given, or none.

    An environment is the path of a list of packages, of a lock, of a Python or of a run, or a date.
    """

    GROUP: ClassVar = OF_FIRST

    good: str = option(
        "",
        "--good ENV",
        "the environment in which the job works: a lock, a list of packages, the path of a Python, or a date",
        verbs=("blame",),
    )
    bad: str = option(
        "", "--bad ENV", "the environment in which the job fails, in the same form", verbs=("blame",)
    )
