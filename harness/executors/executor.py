"""The seam between what a run wants to know and the machine that finds it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.verdicts.verdict import SkipKind

if TYPE_CHECKING:
    from harness.locks.lock import Lock
    from harness.probes.probe import Probe
    from harness.probes.store import Result


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """A probe that could not be executed, with the reason: data, not a fault."""

    reason: str
    kind: SkipKind = SkipKind.NOT_INSTALLABLE


class Executor(Protocol):
    """Executes the probes of one run, from several threads at a time.

    Attributes:
        notes: What a reader of the report must know.
        not_isolated: Why probes are not shut off as far as they were to be; empty if they are, or nobody knows here.
        slots: Probes at a time where the executor decides; None where this machine's cores and memory do.
    """

    notes: list[str]
    not_isolated: str
    slots: int | None

    def execute(self, probe: Probe, lock: Lock) -> Result | NotExecuted:
        """Execute a probe in the environment of a lock and return its result, which is in the store by then.

        Raises:
            HarnessError: Something around the probes failed.
            KeyboardInterrupt: All was cancelled, before or meanwhile.
        """

    def repaired(self) -> bool:
        """Look for what jobs changed in environments; return whether results of it are gone from the store."""

    @property
    def warm(self) -> bool:
        """Whether first executions may start from a warm parent."""

    def give_up_warm(self, why: str) -> None:
        """Start everything in clean processes from now on; a reason, where one is given, becomes a note."""

    def host(self) -> dict[str, str]:
        """Return what the report's `host` says otherwise than of this machine."""

    def cancel(self) -> None:
        """End every running probe, and let none start any more."""

    def close(self) -> None:
        """Let go of what the run held."""
