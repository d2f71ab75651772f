"""Which executor a question gets: this machine, or the cluster that it names."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.executors.launchers import Launchers
from harness.executors.local import Local
from harness.locks.torch import has_gpu
from harness.probes.devices import Devices, visible
from harness.verdicts.oracles import alone, clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.environments.environment import Environments
    from harness.executors.cluster import Cluster
    from harness.executors.executor import Executor
    from harness.locks.lock import Lock
    from harness.probes.store import Store
    from harness.sessions.asked import Asked


def connect(asked: Asked, say: Callable[[str], None]) -> Cluster | None:
    """Return the cluster that executes, if one is to; it has a worker then.

    Raises:
        HarnessError: As `Cluster` says.
        UsageError: A command of the command line cannot be sent, and what a machine does cannot be compared there.
    """
    if asked.place.scheduler is None:
        return None
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
    from harness.executors.cluster import Cluster  # noqa: PLC0415 - kept out of start-up

    cluster = Cluster(asked.place.scheduler)
    cluster.wait(say)
    return cluster


def choose(
    asked: Asked,
    cluster: Cluster | None,
    *,
    reference: Lock,
    base: Lock,
    environments: Environments,
    store: Store,
    device: str,
    say: Callable[[str], None],
    warm: bool,
) -> Executor:
    """Return what executes the probes of a run.

    Raises:
        UsageError: This machine cannot know which build of torch the cluster's GPUs need.
    """
    scenario = asked.scenario
    warm = warm and not clean(scenario.oracle)
    if cluster is None:
        devices = Devices(visible() if device == "cuda" else ())
        launchers = Launchers(
            scenario, asked.package, reference, base, environments, warm=warm, devices=devices
        )
        slots = max(1, len(devices.names)) * scenario.probes_per_gpu if device == "cuda" else None
        return Local(environments, base, launchers, store, slots)
    from harness.executors.order import About  # noqa: PLC0415 - kept out of start-up
    from harness.executors.remote import Remote  # noqa: PLC0415

    if device == "cuda" and environments.torch.fallback and not has_gpu():
        raise UsageError(
            "--torch auto: the workers have GPUs and this machine has none to choose a build by; "
            "name one, as --torch cu128, or take --device cpu"
        )
    about = About(
        run=uuid.uuid4().hex,
        base=base,
        reference=reference,
        scenario=scenario,
        package=asked.package,
        torch=environments.torch,
        cap=asked.environment_cap,
    )
    return Remote(cluster, about, store, cluster.slots(device, scenario.threads), say, warm=warm)
