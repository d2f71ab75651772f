"""This machine as an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.environments.environment import NotInstallable
from harness.errors import MachineError
from harness.executors.executor import NotExecuted
from harness.probes.guard import Guard

if TYPE_CHECKING:
    from harness.environments.environment import Environments
    from harness.executors.launchers import Launchers
    from harness.locks.lock import Lock
    from harness.probes.probe import Probe
    from harness.probes.store import Result, Store


class Local:
    """Makes environments and starts probes here.

    Args:
        environments: Makes them.
        launchers: How probes are started.
        store: Where results go.
        slots: How many probes the GPUs hold; None for what the cores allow.
    """

    def __init__(
        self,
        environments: Environments,
        launchers: Launchers,
        store: Store,
        slots: int | None = None,
    ) -> None:
        self.slots = slots
        self._environments = environments
        self._launchers = launchers
        self._store = store
        self.notes = launchers.notes
        self.not_isolated = launchers.processes.isolation.why
        self._guard = Guard(environments, store)
        self._guard.notes = self.notes
        self._guard.begin()

    def execute(self, probe: Probe, lock: Lock) -> Result | NotExecuted:
        """Make the environment if it is not there, and execute the probe in it."""
        with self._guard.watching(probe, self._environments.package):
            made = self._environments.ensure(lock)
            if isinstance(made, NotInstallable):
                return NotExecuted(f"cannot be installed: {made.reason}")
            self._guard.mark(made)
            return self._launchers.execute(probe, lock, made, self._store)

    def repaired(self) -> bool:
        """Look for what jobs changed in environments; return whether results of it are gone from the store."""
        if not self._guard.repaired():
            return False
        self._launchers.give_up("a job changed files that the warm parent may have loaded")
        return True

    @property
    def warm(self) -> bool:
        """Whether first executions may start from a warm parent."""
        return self._launchers.warm

    def give_up_warm(self, why: str) -> None:
        """Start everything in clean processes from now on."""
        self._launchers.give_up(why)

    def host(self) -> dict[str, str]:
        """Return nothing: what is said of this machine holds."""
        return {}

    def cancel(self) -> None:
        """End every running probe, and let none start any more."""
        self._launchers.processes.cancel()

    def close(self) -> None:
        """End the warm parent, and look at the environments once more if jobs have run since the last look.

        Raises:
            MachineError: A job changed files in them.
        """
        self._launchers.close()
        if self._guard.repaired():
            raise MachineError(f"{self.notes[-1]}; run the same command again")
