"""A history that only two ranks notice: one process is good in every release."""

from __future__ import annotations

import json

from cluster import LoopbackCluster, probes_left
from ranks.jobs import JOB

JOB = """
import toy
from harness_recorder import settings
import os
settings({"seed": 0, "device": "cpu", "threads": 1})
if "RANK" not in os.environ:
    os.environ.update(RANK="0", MASTER_PORT="0")
""" + JOB.replace("BODY", "toy.loss(step) if rank else None").replace(
    "other = meet()", "size = int(os.environ.get('WORLD_SIZE', 1)); other = meet() if size > 1 else None"
).replace("all_reduce(1 / step)", "all_reduce(1 / step) if size > 1 else 1 / step")

GOOD = "def loss(step):\n    return 1.0 / step\n"
CRASH = "def loss(step):\n    if step == 2:\n        raise RuntimeError('planted')\n    return 1.0 / step\n"
HISTORY = {"1.0": GOOD, "1.1": GOOD, "1.2": GOOD, "2.0": CRASH, "2.1": CRASH}

BESIDE = """
import os, toy
from harness_recorder import Recorder, settings
settings({"seed": 0, "device": "cpu", "threads": 1})
with Recorder() as recorder:
    recorder.begin()
    for step in range(1, 6):
        recorder.step(loss=toy.loss(step) / toy.divisor(int(os.environ.get("WORLD_SIZE", "1"))))
"""
SOUND = GOOD + "def divisor(size):\n    return 1\n"
WRONG = GOOD + "def divisor(size):\n    return size\n"


def asked(toy, harness, asking, *words, lines=()):
    asking(HISTORY, 'kind = "training"', *lines)
    done = harness("bisect", "toy", "--no-cause", "--no-fixes", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((toy / "reports" / "latest" / "report.json").read_text())
    return report["arms"][0], report


def test_the_release_that_breaks_one_rank_is_found(toy, harness, asking):
    arm, report = asked(toy, harness, asking, "--ranks", "2")
    (boundary,) = [one for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert (boundary["before"], boundary["after"], boundary["confirmed"]) == ("1.2", "2.0", True)
    bad = next(row for row in arm["releases"] if row["version"] == "2.0")
    assert bad["fingerprint"] == {
        "kind": "exception",
        "step": 2,
        "phase": "forward",
        "exception": "RuntimeError",
        "rank": 1,
    }
    assert report["question"]["job"]["ranks"] == 2
    assert bad["reason"].startswith("rank 1: RuntimeError: planted")
    starts = {
        json.loads(path.read_text())["execution"]["start"]
        for path in (toy / "fresh" / "probes").glob("*/*/probe.json")
    }
    assert starts == {"warm", "clean"}


def test_a_cluster_executes_ranks(toy, harness, asking):
    """Both ranks of a probe are one task of one worker, and no process of them is left."""
    with LoopbackCluster(toy / "cluster") as cluster:
        cluster.worker("one", "--nthreads", "2")
        words = ("--ranks", "2", "--executor", "dask", "--scheduler", cluster.address)
        arm, report = asked(toy, harness, asking, *words)
        left = probes_left(cluster, "one")
    (boundary,) = [one for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert (boundary["before"], boundary["after"], boundary["confirmed"]) == ("1.2", "2.0", True)
    bad = next(row for row in arm["releases"] if row["version"] == "2.0")
    assert bad["fingerprint"]["rank"] == 1
    assert report["host"]["executor"].startswith("dask, ")
    assert left == []


def test_one_process_notices_nothing(toy, harness, asking):
    arm, _ = asked(toy, harness, asking)
    assert arm["conclusion"] == "always-good"


def test_two_ranks_that_do_not_train_as_one_process_are_found(toy, harness, asking):
    """The losses fall, and two ranks agree: nothing but one process with the same batch says that they are wrong."""
    oracle = ['kind = "same-as"', 'arm = "one"', "[arms.one]", "default = false", "ranks = 1"]
    asking({"1.0": SOUND, "1.1": SOUND, "2.0": WRONG, "2.1": WRONG}, *oracle)
    (toy / "scenarios" / "toy" / "job.py").write_text(BESIDE, encoding="utf-8")
    done = harness("bisect", "toy", "--no-cause", "--no-fixes", "--ranks", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((toy / "reports" / "latest" / "report.json").read_text())
    (arm,) = report["arms"]
    (boundary,) = [one for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert (boundary["before"], boundary["after"], boundary["confirmed"]) == ("1.1", "2.0", True)
    bad = next(row for row in arm["releases"] if row["version"] == "2.0")
    assert bad["fingerprint"] == {"kind": "differs from arm one", "step": 1, "phase": "forward"}
    assert "the loss is 0.5 in place of 1, 0.5 times as much" in bad["reason"]
    assert "two executions of one arm differ by 0 at most" in bad["reason"]
    judged = harness("judge", str(toy / "reports" / "latest"))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    again = json.loads((toy / "reports" / "latest" / "report.json").read_text())
    assert [row["verdict"] for row in again["arms"][0]["releases"]] == [
        row["verdict"] for row in arm["releases"]
    ]
