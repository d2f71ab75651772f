"""What executes the probes of a session: this machine, or the workers of a cluster, which is chosen here alone."""

from __future__ import annotations

import subprocess
import uuid
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.environments.environment import NotInstallable
from harness.errors import ToolMissingError, UsageError
from harness.executors.launchers import Launchers
from harness.executors.local import Local
from harness.failures import Failure, machine_error
from harness.locks.torch import has_gpu
from harness.namespaces import mounted_within
from harness.probes.devices import Devices, visible
from harness.probes.isolation import choose_isolation
from harness.report.isolation import isolation_in_words
from harness.verdicts.oracles import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from harness.environments.environment import Environments
    from harness.executors.cluster import Cluster
    from harness.executors.executor import Executor
    from harness.locks.lock import Lock
    from harness.probes.isolation import Isolation
    from harness.probes.store import Store
    from harness.sessions.asked import Asked

_ASK = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 3)"
_UNUSABLE = 3


class Provider(Protocol):
    """Gives what executes the probes of a session."""

    @property
    def store(self) -> Store:
        """Where results go."""

    @property
    def here(self) -> bool:
        """Whether environments are made on this machine."""

    def check_other(self, wanted: str) -> None:
        """Complain at once if there is no device of a kind to confirm on.

        Raises:
            UsageError: So it is.
        """

    def device(self, wanted: str, environments: Environments, reference: Lock) -> str:
        """Return the kind of device that probes run on, `cpu` or `cuda`; `auto` may be wanted too.

        Raises:
            UsageError: There is none.
            HarnessError: The reference's environment, which may be asked, cannot be made.
        """

    def check_usable(self, wanted: str, environments: Environments, reference: Lock) -> None:
        """Complain if the environments cannot use a kind of device that something is to be confirmed on.

        Raises:
            ToolMissingError: So it is.
        """

    def executor(
        self, environments: Environments, reference: Lock, device: str, *, warm: bool
    ) -> AbstractContextManager[Executor]:
        """Return what executes probes; it is closed when the context ends.

        Args:
            environments: Makes them, here or as the model of the workers'.
            reference: Lock of the environment that a warm parent runs in.
            device: What `device` returned.
            warm: Start first executions from a warm parent where that is allowed.

        Raises:
            UsageError: This machine cannot know which build of torch the workers need.
        """


@contextmanager
def provide(asked: Asked, store: Store, note: Callable[[str], None]) -> Iterator[Provider]:
    """Yield the provider that a question names, connected; the connection is closed when the context ends.

    Raises:
        HarnessError: As `Cluster` says.
        UsageError: What is asked cannot be executed there, or not as isolated as is asked.
    """
    if asked.place.scheduler is None:
        if asked.question.holds.device == "cuda" and not has_gpu():
            raise UsageError(
                "--device cuda: no NVIDIA driver is loaded on this machine; use --device auto or cpu"
            )
        isolation = choose_isolation(asked.place.isolation, asked.memory)
        online = asked.scenario.online
        held = isolation.of(online=online)
        note(f"isolation: {isolation_in_words(held, online=online, why=isolation.why)}")
        folder = asked.scenario.folder
        if "files" in held and asked.scenario.command and mounted_within(folder):
            note(f"the command works in {folder} itself, and in no copy: something else is mounted in there")
        yield ThisMachine(asked, store, isolation)
        return
    _check_sendable(asked)
    from harness.executors.cluster import Cluster  # noqa: PLC0415 - kept out of start-up

    with closing(Cluster(asked.place.scheduler)) as cluster:
        cluster.wait(note)
        yield Workers(asked, store, cluster, note)


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """Executes here, on the CPU or on the GPUs that are visible."""

    asked: Asked
    store: Store
    isolation: Isolation
    here: bool = True

    def check_other(self, wanted: str) -> None:
        """Complain of a GPU that is not there."""
        if wanted == "cuda" and not has_gpu():
            raise UsageError(
                "--confirm-on cuda: no NVIDIA driver is loaded on this machine. Leave it out and take the question to "
                "one that has a GPU: `harness bundle`, there `bisect --bundle FILE --device cuda`, and `harness merge` "
                "brings the results home; `harness report` then shows both"
            )

    def device(self, wanted: str, environments: Environments, reference: Lock) -> str:
        """Take CUDA for `auto` only if a GPU is there and the locked torch can use it."""
        if wanted != "auto":
            return wanted
        return "cuda" if has_gpu() and _ask_torch(environments, reference) == 0 else "cpu"

    def check_usable(self, wanted: str, environments: Environments, reference: Lock) -> None:
        """Ask the locked torch; a job that has no torch may have other ways to a GPU."""
        if wanted == "cuda" and _ask_torch(environments, reference) == _UNUSABLE:
            raise ToolMissingError(
                f"--confirm-on cuda: the environments' torch {reference.versions().get('torch')} cannot use this "
                "machine's GPU; name a build that can, as --torch cu128, or --torch host"
            )

    @contextmanager
    def executor(
        self, environments: Environments, reference: Lock, device: str, *, warm: bool
    ) -> Iterator[Executor]:
        """Start probes here."""
        scenario = self.asked.scenario
        devices = Devices(visible() if device == "cuda" else ())
        held = max(1, len(devices.names)) * scenario.probes_per_gpu // scenario.most_ranks
        slots = max(1, held) if device == "cuda" else None
        launchers = Launchers(
            scenario,
            environments.package,
            reference,
            environments,
            warm=warm,
            devices=devices,
            isolation=self.isolation,
        )
        with closing(Local(environments, launchers, self.store, slots)) as executor:
            yield executor


@dataclass(frozen=True, slots=True)
class Workers:
    """Sends probes to the workers of a cluster, which make their own environments."""

    asked: Asked
    store: Store
    cluster: Cluster
    note: Callable[[str], None]
    here: bool = False

    def check_other(self, wanted: str) -> None:
        """Complain if no worker has a GPU."""
        self.cluster.device(wanted)

    def device(self, wanted: str, environments: Environments, reference: Lock) -> str:  # noqa: ARG002 - theirs
        """Take what the workers have."""
        return self.cluster.device(wanted)

    def check_usable(self, wanted: str, environments: Environments, reference: Lock) -> None:
        """Believe the workers, which say that they have a GPU."""

    @contextmanager
    def executor(
        self, environments: Environments, reference: Lock, device: str, *, warm: bool
    ) -> Iterator[Executor]:
        """Send orders to workers that are free."""
        from harness.executors.order import About  # noqa: PLC0415 - kept out of start-up
        from harness.executors.remote import Remote  # noqa: PLC0415

        scenario = self.asked.scenario
        if device == "cuda" and environments.torch.fallback and not has_gpu():
            raise UsageError(
                "--torch auto: the workers have GPUs and this machine has none to choose a build by; "
                "name one, as --torch cu128, or take --device cpu"
            )
        about = About(
            run=uuid.uuid4().hex,
            base=environments.base,
            reference=reference,
            scenario=scenario,
            package=environments.package,
            torch=environments.torch,
            cap=self.asked.environment_cap,
            isolation=self.asked.place.isolation,
            memory=self.asked.memory,
        )
        slots = self.cluster.slots(device, scenario.threads, scenario.most_ranks)
        with closing(Remote(self.cluster, about, self.store, slots, self.note, warm=warm)) as executor:
            yield executor


def _check_sendable(asked: Asked) -> None:
    if asked.scenario.ad_hoc:
        raise UsageError(
            "--executor dask sends a scenario's folder to the workers, and a command runs in your own: "
            "make it a scenario, whose scenario.toml has the `command`, or leave the executor out"
        )
    if alone(asked.scenario.oracle):
        raise UsageError(
            "--executor dask: the scenario's oracle judges time or memory, and workers are different machines; "
            "leave the executor out"
        )


def _ask_torch(environments: Environments, reference: Lock) -> int | None:
    """Return 0 if the reference's torch can use this machine's GPU, `_UNUSABLE` if it cannot; None: it is not there."""
    made = environments.ensure(reference)
    if isinstance(made, NotInstallable):
        return None
    done = subprocess.run([made.python, "-c", _ASK], check=False, capture_output=True, timeout=300)
    if done.returncode < 0:
        said = f"python was killed by signal {-done.returncode}"
        raise machine_error(Failure.KILLED, "torch was asked for a GPU", said)
    return done.returncode
