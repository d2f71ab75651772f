"""One watch in one night: walked as a whole, or told as a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError, IndexUnavailableError
from harness.nightly import tell
from harness.nightly.outcome import Outcome
from harness.nightly.source import built
from harness.nightly.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from harness.history.history import History
    from harness.home import Home
    from harness.nightly.config import Watch
    from harness.runs.drive import Watcher


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


def walk(watch: Watch, night: Night, history: History, home: Home, watcher: Watcher) -> None:
    """Look, probe, compare, answer and tell; the history takes all of it or nothing.

    A fault of the harness or its surroundings is told as an event, and the next night does it all again.
    """
    try:
        walked = Walk(built(watch, home), night, history, home, watcher)
        walked.go()
        outcome = walked.outcome
    except IndexUnavailableError as error:
        outcome = Outcome(watch)
        outcome.tell("fault", tell.unreachable(watch, str(error)))
    except (HarnessError, OSError) as error:
        outcome = Outcome(watch)
        outcome.tell("fault", tell.fault(watch, str(error)))
    for event in outcome.events:
        watcher.note(f"{event.kind}: {event.text}")
    outcome.write(history, night.number)
