"""The script that shows a boundary and stands alone: facts of `repro`, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

NAME = "repro.py"
"""What the script is called."""


@dataclass(frozen=True, slots=True)
class ReproSide:
    """What the script did with one release.

    Attributes:
        version: The release.
        command: As it was executed, and as a person types it.
        status: Exit status.
        said: The last line that was printed.
        holds: It did what this side of the boundary does.
    """

    version: str
    command: str
    status: int
    said: str
    holds: bool


@dataclass(frozen=True, slots=True)
class ReproResult:
    """A script that stands alone, with what it did on both sides of a boundary.

    Attributes:
        script: Its text.
        good, bad: Each side.
        path: How it was made smaller, a line a step; empty if it was not.
        tried: Scripts that were executed for that.
    """

    script: str
    good: ReproSide
    bad: ReproSide
    path: list[str] = field(default_factory=list)
    tried: int = 0

    @property
    def holds(self) -> bool:
        """Whether both sides do what they should."""
        return self.good.holds and self.bad.holds


def sentences(result: ReproResult) -> list[str]:
    """Return what the script did on both sides, and how it was made smaller."""
    lines = len(result.script.splitlines())
    if result.holds:
        said = [f"{NAME}, {lines} lines, stands alone and shows it: both commands were executed"]
    else:
        sides = [one.version for one in (result.good, result.bad) if not one.holds]
        said = [f"{NAME} does not show it with {' and '.join(sides)}"]
    if result.path:
        said.append(f"made smaller in {result.tried} trials: {'; '.join(result.path)}")
    return said
