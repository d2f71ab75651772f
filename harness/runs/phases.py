"""How long each phase of a run takes."""

from __future__ import annotations

import time


class Phases:
    """A stop-watch.

    Attributes:
        seconds: {phase: how long it took}, in the order of their ends.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def ended(self, name: str, besides: tuple[str, float] = ("", 0.0)) -> None:
        """Note that a phase is over and the next one begins.

        Args:
            name: Of the phase.
            besides: Name and seconds of another one that took place within it; its time is not counted twice.
        """
        now = time.monotonic()
        within, seconds = besides
        if seconds:
            self.seconds[within] = self.seconds.get(within, 0.0) + seconds
        self.seconds[name] = now - self._since - seconds
        self._since = now
