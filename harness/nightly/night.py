"""What a night is: its number, its moment and its budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Night:
    """What a walk must know of the night.

    Attributes:
        number: In the history.
        reports: The reports folder.
        until: ISO time that the index is looked at as of; empty for now.
        affords: Is asked with a number of executions whether the budget has room for them.
        budget: The budget in words.
    """

    number: int
    started: datetime
    reports: Path
    until: str
    affords: Callable[[int], bool]
    budget: str
