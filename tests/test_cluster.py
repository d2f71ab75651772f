"""Probes on a dask cluster: the same report as on this machine, whatever becomes of the workers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster import LoopbackCluster, probes_left
from test_bisect import report, timeless
from toyindex import BAD, DAYS, GOOD, HANG, ToyIndex, plant, wheel

from harness import __version__, errors
from harness.errors import ToolMissingError
from harness.locks.interpreter import Interpreter
from harness.locks.lock import Lock
from harness.locks.torch import TorchSource

SLOW = "import time\ndef loss(step):\n    time.sleep(0.4)\n    return 1.0 / step\n"
BISECT = ("bisect", "toy", "--search", "sweep")


@pytest.fixture
def cluster(toy):
    """A scheduler without workers, and a fresh state directory for the run."""
    os.environ["HARNESS_HOME"] = str(toy / "fresh")  # `toy` puts it back
    with LoopbackCluster(toy / "cluster") as running:
        yield running


@pytest.fixture
def on(harness, cluster):
    """Ask a question of the cluster."""
    return lambda *words: harness(*words, "--executor", "dask", "--scheduler", cluster.address)


def found(folder):
    """Return a report without times, and without who executed."""
    data = timeless(report(folder))
    executor = data["host"].pop("executor", None)
    return data, executor


def test_two_workers_say_what_this_machine_says(toy, harness, cluster, on):
    cluster.worker("one")
    cluster.worker("two")
    done = on(*BISECT, "--out", "remote")
    assert done.returncode == 0, done.stderr
    remote, executor = found("remote/latest")
    assert executor.startswith("dask, ")
    assert harness(*BISECT, "--out", "again").returncode == 0
    assert found("again/latest")[0] == remote, "results are not in the one store"
    os.environ["HARNESS_HOME"] = str(toy / "local")
    assert harness(*BISECT, "--out", "local").returncode == 0
    assert found("local/latest") == (remote, None)
    executed = {
        name: list(cluster.state(name).glob("environments/*/environment.json")) for name in ("one", "two")
    }
    assert all(executed.values()), "one worker did everything"
    assert not list(cluster.folder.glob("home-*/results-*"))
    assert probes_left(cluster) == []


@pytest.fixture
def history(toy, monkeypatch):
    """Put a history of the test's own on an index of its own."""
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        yield lambda codes: plant(index, {f"1.{place}.0": code for place, code in enumerate(codes)})


def test_a_worker_killed_in_mid_probe_loses_nothing(toy, harness, history, cluster, on):
    history([SLOW, SLOW, SLOW, BAD, BAD])
    cluster.worker("one")
    cluster.worker("two")
    words = [*BISECT, "--out", "remote", "--executor", "dask", "--scheduler", cluster.address]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    victim = cluster.busy(("one", "two"))
    cluster.kill(victim)
    deadline = time.monotonic() + 10
    while probes_left(cluster, victim):  # its warm parent and its probes go with it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    os.environ["HARNESS_HOME"] = str(toy / "local")
    assert harness(*BISECT, "--out", "local").returncode == 0
    assert found("local/latest")[0] == found("remote/latest")[0]
    assert all(row["verdict"] in {"good", "bad"} for row in report("remote/latest")["arms"][0]["releases"])


def test_a_run_without_a_worker_waits_for_one(history, cluster):
    """None is there yet, then the only one dies in mid-probe."""
    history([SLOW, BAD])
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *BISECT, "--executor", "dask", "--scheduler", cluster.address],
        stderr=subprocess.PIPE,
        text=True,
    )
    heard = iter(process.stderr.readline, "")
    assert any("waiting for the first worker" in line for line in heard)
    cluster.worker("one")
    cluster.kill(cluster.busy(("one",)))
    assert any("is left, waiting for one" in line for line in heard)
    cluster.worker("two")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert [row["verdict"] for row in report()["arms"][0]["releases"]] == ["good", "bad"]


def test_ctrl_c_ends_what_runs_on_the_workers(toy, history, cluster):
    history(
        [GOOD, "import time\ndef loss(step):\n    time.sleep(600 if step == 2 else 0)\n    return 1.0\n", BAD]
    )
    cluster.worker("one")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *BISECT, "--executor", "dask", "--scheduler", cluster.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs yet
    )
    deadline = time.monotonic() + 60
    while len(list((toy / "fresh").glob("probes/*/0/probe.json"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    cluster.busy(("one",))
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert time.monotonic() - started < 30
    assert "Traceback" not in err
    assert "continues from there" in err
    assert probes_left(cluster) == []
    rows = {row["version"]: row["verdict"] for row in report()["arms"][0]["releases"]}
    assert rows == {"1.0.0": "good", "1.1.0": "untested", "1.2.0": "bad"}


KILLS_ITS_WORKER = """
import os, pathlib, signal
def loss(step):
    pid = os.getppid()
    while pid > 1:
        place = pathlib.Path(f"/proc/{pid}")
        if b"dask" in place.joinpath("cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
        pid = int(place.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    return 1.0 / step
"""


def test_a_probe_that_takes_its_workers_with_it_is_a_skip(history, cluster, on):
    history([GOOD, KILLS_ITS_WORKER, GOOD])
    for name in ("one", "two", "three"):
        cluster.worker(name)
    done = on(*BISECT, "--isolation", "none")
    assert done.returncode == 0, done.stderr
    rows = {row["version"]: row for row in report()["arms"][0]["releases"]}
    assert [row["verdict"] for row in rows.values()] == ["good", "skip", "good"]
    assert rows["1.1.0"]["reason"].startswith(
        "2 workers died of it or with it, the last one tcp://127.0.0.1:"
    )


def test_workers_that_cannot_serve_are_told_and_left_out(toy, harness, cluster, on):
    """One has another harness, one a state directory that cannot be."""
    other = toy / "other" / "harness"
    shutil.copytree(Path(errors.__file__).parent, other)
    (other / "errors.py").write_text((other / "errors.py").read_text() + "# another\n", encoding="utf-8")
    cluster.worker("old", PYTHONPATH=str(other.parent))
    cluster.worker("homeless", HARNESS_HOME="/proc/nowhere")
    done = on(*BISECT)
    assert done.returncode == 4
    assert f"error: no worker of {cluster.address} can execute a probe" in done.stderr
    assert f"it has harness {__version__} (code" in done.stderr
    assert "/proc/nowhere" in done.stderr
    cluster.worker("fit")
    done = on(*BISECT)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was left out") == 2
    assert sum("was left out" in warning for warning in report()["warnings"]) == 2


def test_gpu_probes_go_to_the_workers_that_have_one(toy, cluster, on):
    cluster.worker("plain")
    done = on(*BISECT, "--device", "cuda")
    assert done.returncode == 2
    assert "start them with --resources GPU=1" in done.stderr
    cluster.worker("gpu", "--resources", "GPU=1")
    done = on(*BISECT)
    assert done.returncode == 0, done.stderr
    assert report()["host"]["device"] == "cuda"
    assert list(cluster.state("gpu").glob("environments/*"))
    assert not list(cluster.state("plain").glob("environments/*"))


def test_a_worker_with_two_gpus_lends_each_probe_one_of_them(toy, cluster, on, history):
    """No GPU is needed to see it: the devices are those that the worker's user names."""
    shows = "import os, time\ndef loss(step):\n    time.sleep(0.05)\n    return 1 / step\n"
    told = "print('device', os.environ['CUDA_VISIBLE_DEVICES'])\n"
    history([shows + told] * 4)
    cluster.worker("gpus", "--nthreads", "2", "--resources", "GPU=2", CUDA_VISIBLE_DEVICES="3,5")
    done = on(*BISECT)
    assert done.returncode == 0, done.stderr
    outputs = [path.read_text() for path in (toy / "fresh").glob("probes/*/0/output.txt")]
    lent = [line for text in outputs for line in text.splitlines() if line.startswith("device")]
    assert len(lent) == 4
    assert set(lent) == {"device 3", "device 5"}


def test_a_worker_of_another_platform_says_so():
    worker = pytest.importorskip("harness.executors.worker")
    lock = Lock((), "fixed", "3.9", "linux-riscv64")
    here = Interpreter(Path("python"), "3.11.7", "linux-x86_64")
    with pytest.raises(ToolMissingError, match=r"made for Python 3\.9 on linux-riscv64, and it has"):
        worker._check(lock, here, TorchSource("as the index serves it"))


def test_a_scheduler_that_dies_is_told(history, cluster):
    history([GOOD, HANG])
    cluster.worker("one")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *BISECT, "--executor", "dask", "--scheduler", cluster.address],
        stderr=subprocess.PIPE,
        text=True,
    )
    cluster.busy(("one",))
    started = time.monotonic()
    cluster.kill("scheduler")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 4, err
    assert time.monotonic() - started < 90
    assert "is gone; what was executed is stored" in err
    assert "Traceback" not in err


def test_an_unreachable_scheduler_is_told_in_bounded_time(toy, harness):
    started = time.monotonic()
    done = harness("bisect", "toy", "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert time.monotonic() - started < 40
    assert done.returncode == 4
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert said.startswith("error: --scheduler tcp://127.0.0.1:9: no dask scheduler answers there")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--executor", "dask"), "needs --scheduler ADDRESS"),
        (("--scheduler", "tcp://127.0.0.1:9"), "belongs to --executor dask"),
    ],
)
def test_executor_and_scheduler_go_together(toy, harness, words, said):
    done = harness("bisect", "toy", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_command_stays_on_this_machine(toy, harness):
    words = ("--executor", "dask", "--scheduler", "tcp://127.0.0.1:9", "--", "python", "-c", "import toy")
    done = harness("bisect", "--package", "toy", *words)
    assert done.returncode == 2
    assert "sends a scenario's folder to the workers, and a command runs in your own" in done.stderr
