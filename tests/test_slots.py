"""How many probes run at a time, and on which device each."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.probes.devices import Devices, alike, visible
from harness.probes.execute import execute
from harness.probes.launch import CleanLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes
from harness.probes.store import Store
from harness.scenario import load_scenario
from harness.sessions.driver import default_jobs, fitting
from harness.state import State

GB = 10**9

TWO_MODELS = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aaaa)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-bbbb)
GPU 2: NVIDIA T4 (UUID: GPU-cccc)
"""
PARTS = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-1)
  MIG 3g.20gb     Device  1: (UUID: MIG-2)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
"""


@pytest.mark.parametrize(
    ("peak", "running", "available", "slots"),
    [
        (0, 0, 100 * GB, 2),
        (1 * GB, 0, 10 * GB, 8),
        (1 * GB, 2, 10 * GB, 10),
        (20 * GB, 1, 10 * GB, 1),
        (20 * GB, 0, 1 * GB, 1),
    ],
)
def test_memory_decides_how_many_fit(peak, running, available, slots):
    assert fitting(peak, running, available) == slots


def test_a_gpu_takes_as_many_probes_as_the_scenario_says():
    scenario = load_scenario("llama_seq_cls")
    assert default_jobs(scenario, gpus=3) == 3
    assert default_jobs(replace(scenario, probes_per_gpu=2), gpus=3) == 6
    assert default_jobs(replace(scenario, threads=10_000), gpus=0) == 1


@pytest.mark.parametrize(
    ("listing", "expected"),
    [(TWO_MODELS, ["GPU-aaaa", "GPU-bbbb"]), (PARTS, ["MIG-1", "MIG-2"]), ("", []), ("no devices found", [])],
)
def test_devices_that_are_alike_are_used(listing, expected):
    assert alike(listing) == expected


@pytest.mark.parametrize(
    ("named", "expected"),
    [("0,1", ["0", "1"]), ("GPU-b, GPU-a", ["GPU-b", "GPU-a"]), ("2,-1,3", ["2"]), ("", []), ("1,1", ["1"])],
)
def test_the_user_says_which_devices(named, expected):
    assert visible({"CUDA_VISIBLE_DEVICES": named}) == expected


def test_a_lease_takes_the_device_that_the_fewest_use():
    devices = Devices(["a", "b"])
    with devices.lease() as first, devices.lease() as second, devices.lease() as third:
        held = Counter(one["CUDA_VISIBLE_DEVICES"] for one in (first, second, third))
        assert held == {"a": 2, "b": 1}
    with devices.lease() as again:
        assert again == {"CUDA_VISIBLE_DEVICES": "a"}
    with Devices().lease() as nothing:
        assert nothing == {}


def test_each_running_probe_has_a_device_of_its_own(tmp_path):
    """Two probes wait for each other, so that both hold their device; a third one takes what was given back."""

    class Here:
        python, seconds = Path(sys.executable), 0.0

    script = tmp_path / "job.py"
    script.write_text(
        "import os, pathlib, sys, time\n"
        f"meeting = pathlib.Path({str(tmp_path)!r})\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'])\n"
        "pathlib.Path(meeting / sys.argv[2]).touch()\n"
        "while not all((meeting / name).exists() for name in 'ab'): time.sleep(0.02)\n",
        encoding="utf-8",
    )
    store, processes = Store(State(tmp_path / "home")), Processes()
    launcher = CleanLauncher(processes, Devices(visible({"CUDA_VISIBLE_DEVICES": "3,5"})))
    seen = {}

    def work(name):
        probe = Probe("lock", script, "digest", {"me": name}, timeout=60)
        seen[name] = execute(probe, Here(), store, launcher).output().strip()

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work("c")
    processes.close()
    assert sorted((seen["a"], seen["b"])) == ["3", "5"]
    assert seen["c"] == "3"
