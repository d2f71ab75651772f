"""One watch in one night: walked as a whole, or told as a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError, IndexUnavailableError
from harness.nightly import events
from harness.nightly.outcome import Outcome
from harness.nightly.source import built
from harness.nightly.walk import Walk

if TYPE_CHECKING:
    from harness.history.history import History
    from harness.nightly.config import Watch
    from harness.nightly.night import Night
    from harness.sessions.driver import Watcher
    from harness.state import State


def walk(watch: Watch, night: Night, history: History, state: State, watcher: Watcher) -> None:
    """Look, probe, compare, answer and tell; the history takes all of it or nothing.

    A fault of the harness or its surroundings is told as an event, and the next night does it all again.
    """
    try:
        walked = Walk(built(watch, state), night, history, state, watcher)
        walked.go()
        outcome = walked.outcome
    except IndexUnavailableError as error:
        outcome = Outcome(watch)
        outcome.tell("fault", events.unreachable(watch, str(error)))
    except (HarnessError, OSError) as error:
        outcome = Outcome(watch)
        outcome.tell("fault", events.fault(watch, str(error)))
    for event in outcome.events:
        watcher.note(f"{event.kind}: {event.text}")
    outcome.write(history, night.number)
