"""Which way a probe of a run is started: warm where that is allowed and proven invisible, else clean."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from harness.environments.environment import NotInstallable
from harness.probes.execute import execute
from harness.probes.launch import CleanLauncher, WarmLauncher, runs_at_start, site_packages
from harness.probes.parent import ParentGoneError
from harness.probes.probe import FIRST_HASH_SEED, HASH_SEED, RANDOM
from harness.probes.process import Processes

if TYPE_CHECKING:
    from harness.environments.environment import Environment, Environments
    from harness.locks.lock import Lock
    from harness.probes.devices import Devices
    from harness.probes.isolation import Isolation
    from harness.probes.probe import Probe
    from harness.probes.store import Result, Store
    from harness.scenario import Scenario


class Launchers:
    """Starts the probes of one run.

    First executions go to a warm parent, which is started when the first of them comes, if their lock differs
    from the base in the package under test alone, their environment stands on that base (one that another question made
    of the same lock may stand on another, of which the parent has not the packages), and their release has Python run
    nothing as it starts. Repeats, which confirm, always run in clean processes.

    Args:
        scenario: Its job's imports are what the parent loads.
        package: Canonical name of the package under test.
        reference: Lock of the environment that the parent runs in.
        warm: False for clean processes only.
        devices: What probes are lent, one each.
        isolation: What is shut off of each.

    Attributes:
        notes: What a reader of the report must know: why the warm parent was given up.
    """

    def __init__(
        self,
        scenario: Scenario,
        package: str,
        reference: Lock,
        environments: Environments,
        *,
        warm: bool,
        devices: Devices,
        isolation: Isolation,
    ) -> None:
        self.processes = Processes(isolation)
        self.devices = devices
        self.notes: list[str] = []
        self._clean = CleanLauncher(self.processes, devices)
        self._warm: WarmLauncher | None = None
        self._allowed = warm and scenario.job is not None
        self._scenario = scenario
        self._hash_seed = scenario.variables.get(HASH_SEED, FIRST_HASH_SEED)
        self._package = package
        self._reference = reference
        self._environments = environments
        self._lock = threading.Lock()

    def execute(self, probe: Probe, lock: Lock, environment: Environment, store: Store) -> Result:
        """Execute a probe, or take its stored result."""
        alike = self._differs_in_layer_alone(lock) and self._may_stand_in(environment)
        warm = self._parent(environment) if self._may_fork(probe) and alike else None
        if warm is not None:
            try:
                return execute(probe, environment, store, warm)
            except ParentGoneError as error:
                self.give_up(str(error))
        return execute(probe, environment, store, self._clean)

    @property
    def warm(self) -> bool:
        """Whether first executions may start from a warm parent."""
        return self._allowed

    def give_up(self, why: str) -> None:
        """Start everything in clean processes from now on; a reason, where one is given, becomes a note."""
        with self._lock:
            if self._allowed and why:
                self.notes.append(f"all executions from here on ran in clean processes: {why}")
            self._allowed = False

    def close(self) -> None:
        """End the warm parent and whatever still runs."""
        with self._lock:
            self._allowed = False
            if self._warm is not None:
                self._warm.close()
            self._warm = None
        self.processes.close()

    def _may_fork(self, probe: Probe) -> bool:
        """Tell whether a probe may start from the parent, whose hash seed a child cannot change any more.

        What is interleaved with the reference is compared with it directly: both sides are clean.
        """
        first = probe.repeat == 0 and "beside" not in probe.instructions
        return first and probe.hash_seed == self._hash_seed != RANDOM

    def _differs_in_layer_alone(self, lock: Lock) -> bool:
        others = lock.only(lock.versions().keys() - {self._package})
        return others.packages == self._environments.base.packages and others != lock

    def _may_stand_in(self, environment: Environment) -> bool:
        """Tell whether the layer of an environment can take the place of another one in a process that runs."""
        on_base = environment.base == self._environments.base_folder(self._environments.base)
        return on_base and not runs_at_start(site_packages(environment.folder))

    def _parent(self, environment: Environment) -> WarmLauncher | None:
        """Return the parent; it is started in the reference's environment, or in the one at hand."""
        with self._lock:
            if not self._allowed or self._warm is not None:
                return self._warm if self._allowed else None
            host = self._environments.ensure(self._reference)
            if isinstance(host, NotInstallable) or not self._differs_in_layer_alone(self._reference):
                self._allowed = False
                return None
            if not self._may_stand_in(host):
                host = environment
            assert self._scenario.job is not None  # noqa: S101 - else no warm start is allowed
            try:
                self._warm = WarmLauncher(
                    host,
                    self._scenario.job,
                    self._scenario.threads,
                    self.processes,
                    self.devices,
                    variables=self._scenario.variables,
                    online=self._scenario.online,
                )
            except (ParentGoneError, OSError) as error:
                self._allowed = False
                self.notes.append(f"all executions ran in clean processes: {error}")
            return self._warm
