"""A watcher that writes every finding into the history as soon as it is there."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.history.history import History

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.sessions.driver import Watcher
    from harness.sessions.finding import Finding
    from harness.state import State


class Recorded:
    """Tells another watcher everything, and keeps the findings.

    A history that cannot be written is a warning, never the end of a run.

    Args:
        watcher: Is told too.
        arms: Names of the arms to keep; trials on others (interventions) are no history.
        night: The night that the executions belong to, None outside of one.
    """

    def __init__(
        self,
        watcher: Watcher,
        state: State,
        *,
        scenario: str,
        package: str,
        arms: Collection[str],
        night: int | None = None,
    ) -> None:
        self._watcher = watcher
        self._state = state
        self._scenario, self._package, self._arms, self._night = scenario, package, arms, night
        self._history: History | None = None
        self._lock = threading.Lock()
        self._given_up = False

    def close(self) -> None:
        """Close the history."""
        if self._history is not None:
            self._history.close()

    def expected(self, count: int) -> None:
        """Pass it on."""
        self._watcher.expected(count)

    def started(self, arm: str, version: str, repeat: int) -> None:
        """Pass it on."""
        self._watcher.started(arm, version, repeat)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._watcher.note(text)

    def finished(self, arm: str, version: str, repeat: int, finding: Finding) -> None:
        """Keep it, and pass it on."""
        self._watcher.finished(arm, version, repeat, finding)
        with self._lock:
            if arm in self._arms and not self._given_up:
                self._keep((self._scenario, self._package, arm), version, finding)

    def _keep(self, line: tuple[str, str, str], version: str, finding: Finding) -> None:
        try:
            self._history = self._history or History.open(self._state)
            self._history.record(line, version, finding, self._night)
        except (HarnessError, sqlite3.Error, OSError) as error:
            self._given_up = True
            self._watcher.note(f"warning: the history is not written: {error}")
