"""What a walk found of one watch, gathered first and written to the history as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.history.facts import Event

if TYPE_CHECKING:
    from harness.history.facts import Baseline, Boundary, Known, Line
    from harness.history.history import History
    from harness.nightly.config import Watch
    from harness.releases.release import Release


@dataclass(slots=True)
class Outcome:
    """What will be written when the walk is over.

    Attributes:
        events: In the order in which they are told.
        listed: What the index lists now.
        gone: Versions that it does not list any more.
        pinned: Text of the reference lock.
        known: (line, release) as it is now.
        baselines: (line, baseline) that were proposed.
        boundaries: (line, boundary, the one that it replaces) that were told, or are over.
    """

    watch: Watch
    events: list[Event] = field(default_factory=list)
    listed: list[Release] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    pinned: str | None = None
    known: list[tuple[Line, Known]] = field(default_factory=list)
    baselines: list[tuple[Line, Baseline]] = field(default_factory=list)
    boundaries: list[tuple[Line, Boundary, Boundary | None]] = field(default_factory=list)

    def line(self, arm: str) -> Line:
        """Return the line of an arm."""
        return (self.watch.scenario.name, self.watch.package, arm)

    def tell(self, kind: str, text: str, *, arm: str = "", release: str = "", run: str = "") -> None:
        """Add an event."""
        self.events.append(Event(kind, self.watch.scenario.name, self.watch.package, arm, release, text, run))

    def write(self, history: History, night: int) -> None:
        """Write everything and mark the watch as walked, all of it or nothing."""
        subject = (self.watch.scenario.name, self.watch.package)
        with history.transaction():
            for release in self.listed:
                history.keep_listed(subject, release, night)
            history.keep_gone(subject, self.gone)
            if self.pinned is not None:
                history.keep_pinned(subject, self.pinned)
            for line, baseline in self.baselines:
                history.accept(line, baseline)
            for line, known in self.known:
                history.know(line, known, night)
            for line, boundary, instead_of in self.boundaries:
                history.keep_boundary(line, boundary, instead_of)
            for event in self.events:
                history.keep_event(night, event)
            history.keep_walked(night, self.watch.name)
