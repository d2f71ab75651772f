"""The warm parent refuses to fork if what it loads has gone to the device: no forked child can use it then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.files import scratch_folder
from harness.probes.devices import Devices, visible
from harness.probes.isolation import choose_isolation
from harness.probes.launch import WarmLauncher
from harness.probes.parent import ParentGoneError, ParentRefusesError
from harness.probes.process import Processes
from harness.probes.store import sha256
from harness.selftest.plan import FOLDER
from harness.selftest.summary import State

if TYPE_CHECKING:
    from harness.selftest.bench import Bench
    from harness.selftest.releases import Found

JOB = FOLDER / "fork_job.py"
_OF_DRIVER = "initialised a GPU"
_STANDS_IN = "without a GPU a second thread stands for its driver: it forbids a fork as well"
_NOT_OPENED = (
    "the isolated parent has not got the driver open: what was loaded could not open it, and left a thread"
)


def refused(bench: Bench) -> Found:
    """Start a warm parent with a job whose import opens the device, and ask it for a child."""
    good = bench.plan.good
    environment = bench.environment(good)
    probe = replace(bench.probe(good, {}), job=JOB, job_digest=sha256(JOB), parameters={})
    processes = Processes(choose_isolation(bench.place.isolation))
    devices = Devices(visible() if bench.device == "cuda" else ())
    variables = {**probe.variables, "PYTHONPATH": str(FOLDER), "HARNESS_DEVICE": bench.device}
    launcher = WarmLauncher(environment, JOB, probe.threads, processes, devices, variables=variables)
    try:
        with scratch_folder("selftest") as folder:
            launcher.launch(probe, environment, folder)
    except ParentGoneError as error:
        said = [str(error)]
        if bench.device == "cpu":
            said.append(_STANDS_IN)
        elif _OF_DRIVER not in str(error):
            said.append(_NOT_OPENED)
        return (State.PASSED if isinstance(error, ParentRefusesError) else State.FAILED), said
    finally:
        launcher.close()
        processes.close()
    return State.FAILED, ["a child was forked from a parent that held the device"]
