"""One boundary on a CPU and on a GPU, side by side: from results brought state directory by `merge`, and by `--confirm-on`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from states import own_state
from test_bisect import report

GPU = "NVIDIA H100 80GB HBM3"
FACTS = {
    "device": "cuda",
    "device_name": GPU,
    "gpu": {
        "capability": "9.0",
        "memory": 85045084160,
        "driver": "570.124.06",
        "cuda": "12.8",
        "cudnn": 91002,
        "tf32_matmul": False,
        "tf32_cudnn": False,
    },
}
ASKED = (
    "bisect",
    "toy",
    "--search",
    "sweep",
    "--no-cause",
    "--device",
    "cpu",
    "--from",
    "1.0",
    "--to",
    "2.0",
)


def recorded_on_a_gpu(folder, target, *, version=None):
    """Write a result as a GPU box leaves it, in the documented format, from one that was measured here.

    Args:
        folder: The result.
        target: The state directory of the GPU box.
        version: Release that it is told to be of; None leaves it.
    """
    facts = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
    lock = hashlib.sha256(f"on the box {facts['lock']}".encode()).hexdigest()
    packages = {**facts["packages"], "torch": "2.13.0+cu128"}
    packages["toy"] = version or packages["toy"]
    digest = digest_on_a_gpu(facts, version)
    new = target / "probes" / digest / folder.name
    shutil.copytree(folder, new)
    lines = (folder / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    events[0] = {**events[0], **FACTS}
    text = "".join(json.dumps(event) + "\n" for event in events)
    (new / "trace.jsonl").write_text(text, encoding="utf-8")
    sums = {**facts["sums"], "trace.jsonl": hashlib.sha256(text.encode()).hexdigest()}
    facts |= {"device": "cuda", "lock": lock, "packages": packages, "sums": sums}
    del facts["sum"]  # of what was measured here
    (new / "probe.json").write_text(json.dumps(facts), encoding="utf-8")


def digest_on_a_gpu(facts, version=None):
    """Return what stands for the address of a result on the box."""
    told = f"on the box {facts['lock']} {version} {facts['parameters']} {facts['seed']}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def results(state, version):
    found = [path.parent for path in state.glob("probes/*/*/probe.json")]
    return [
        one for one in found if json.loads((one / "probe.json").read_text())["packages"]["toy"] == version
    ]


@pytest.fixture
def state(toy):
    fresh = toy / "fresh-home"
    os.environ["HARNESS_HOME"] = own_state(fresh)  # `toy` puts it back
    return fresh


@pytest.fixture
def asked(state, harness):
    done = harness(*ASKED)
    assert done.returncode == 0, done.stderr
    assert report()["arms"][0]["boundaries"][0]["devices"] == []
    return state


def boundary():
    return report()["arms"][0]["boundaries"][0]


def test_both_say_the_same(toy, asked, harness):
    box = toy / "box"
    for version in ("1.1", "2.0"):
        for folder in results(asked, version):
            recorded_on_a_gpu(folder, box)
    merged = harness("merge", str(box))
    assert merged.returncode == 0, merged.stderr
    done = harness("report")
    said = f"bisected on CPU, confirmed on GPU {GPU}: 1.1 good, 2.0 bad"
    assert said in done.stdout
    assert f"confirmed, on GPU {GPU} too" in done.stdout
    one = boundary()
    assert (one["agreement"], report()["arms"][0]["conclusion"]) == (said, "untestable-gap")
    own, there = one["devices"]
    assert (own["device"], there["device"], there["name"], there["torch"]) == (
        *("cpu", "cuda", GPU),
        "2.13.0+cu128",
    )
    assert (own["agrees"], there["agrees"]) == (True, True)
    sides = [
        (side["verdict"], side["loss"], side["executions"]) for side in (there["before"], there["after"])
    ]
    assert sides == [("good", 0.2, 2), ("bad", "NaN", 2)]
    for name in ("index.html", "summary.md", "issue.md"):
        text = Path("reports/latest", name).read_text(encoding="utf-8")
        assert f"isected on CPU, confirmed on GPU {GPU}: 1.1 good, 2.0 bad." in text
        assert "2.13.0+cu128" in text.replace("\\", "")
    # A run that is asked again knows it at once, and executes nothing.
    stored = len(list(asked.glob("probes/*/*")))
    assert said in harness(*ASKED).stdout
    assert len(list(asked.glob("probes/*/*"))) == stored


def test_what_is_compared_is_compared_with_the_reference_of_its_own_device(toy, state, harness):
    """The reference is executed with further seeds, of which no first execution is stored."""
    path = toy / "scenarios/toy/scenario.toml"
    text = path.read_text(encoding="utf-8").partition("[oracle]")[0]
    path.write_text(f'{text}[oracle]\nkind = "metric"\naa_seeds = 3\n', encoding="utf-8")
    done = harness(*ASKED)
    assert done.returncode == 0, done.stderr
    box = toy / "box"
    for version in ("1.0", "1.1", "2.0"):
        for folder in results(state, version):
            recorded_on_a_gpu(folder, box)
    assert harness("merge", str(box)).returncode == 0
    assert harness("report").returncode == 0
    assert boundary()["agreement"] == f"bisected on CPU, confirmed on GPU {GPU}: 1.1 good, 2.0 bad"
    # Without the reference's executions nothing there can be compared.
    for one in list(state.glob("probes/*/*/probe.json")):
        facts = json.loads(one.read_text())
        if facts["device"] == "cuda" and facts["seed"]:
            shutil.rmtree(one.parent)
    assert harness("report").returncode == 0
    assert boundary()["agreement"] == (
        f"bisected on CPU: 1.1 good, 2.0 bad; GPU {GPU} cannot tell (1.1: no A/A runs of the reference on this device; 2.0: "
        "no A/A runs of the reference on this device)"
    )


def test_the_question_may_be_asked_on_the_gpu_and_confirmed_on_the_cpu(toy, asked, harness):
    """The report of a box, drawn where the CPU's results are."""
    path = Path("reports/latest/report.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    box = toy / "box"
    for row in data["arms"][0]["releases"]:
        for folder in results(asked, row["version"]):
            recorded_on_a_gpu(folder, box)
            facts = json.loads((folder / "probe.json").read_text())
            row["probe"] = digest_on_a_gpu(facts)
        for execution in row["executions"]:
            execution["probe"] = row["probe"]
    data["host"] |= {"device": "cuda", "gpu": GPU}
    path.write_text(json.dumps(data), encoding="utf-8")
    assert harness("merge", str(box)).returncode == 0
    assert f"bisected on GPU {GPU}, confirmed on CPU: 1.1 good, 2.0 bad" in harness("report").stdout


def test_devices_that_disagree_name_nobody(toy, asked, harness):
    box = toy / "box"
    for folder in results(asked, "1.1"):
        recorded_on_a_gpu(folder, box)
        recorded_on_a_gpu(folder, box, version="2.0")
    assert harness("merge", str(box)).returncode == 0
    done = harness(*ASKED, "--exit-code")
    assert done.returncode == 3
    said = f"the devices disagree on the job with toy, so no release is named: CPU says 1.1 good, 2.0 bad; GPU {GPU} says 1.1 good, 2.0 good"
    arm = report()["arms"][0]
    assert (arm["conclusion"], arm["alone"]) == ("inconclusive", "untestable-gap")
    assert arm["answer"] == f"Inconclusive: {said}."
    assert boundary()["agreement"].endswith("; the devices disagree, so no release is named")
    summary = Path("reports/latest/summary.md").read_text(encoding="utf-8")
    assert summary.startswith(f"# Inconclusive: {said}.")
    assert "<failure" not in Path("reports/latest/junit.xml").read_text(encoding="utf-8")
    assert harness("publish", "--to", "site").returncode == 0
    assert "breaks" not in Path("site/feed.xml").read_text(encoding="utf-8")
    # Without the box's results the run's own answer holds again.
    for folder in list(asked.glob("probes/*")):
        if json.loads(next(folder.glob("*/probe.json")).read_text())["device"] == "cuda":
            shutil.rmtree(folder)
    assert harness("report").returncode == 0
    arm = report()["arms"][0]
    assert (arm["conclusion"], arm["alone"], boundary()["devices"]) == ("untestable-gap", "", [])


def test_one_side_alone_confirms_nothing(toy, asked, harness):
    for folder in results(asked, "2.0"):
        recorded_on_a_gpu(folder, toy / "box")
    assert harness("merge", str(toy / "box")).returncode == 0
    assert harness("report").returncode == 0
    said = f"bisected on CPU: 1.1 good, 2.0 bad; GPU {GPU} cannot tell (1.1: not executed there)"
    assert boundary()["agreement"] == said
    assert report()["arms"][0]["conclusion"] == "untestable-gap"


def test_another_job_is_not_taken_for_the_same(toy, asked, harness):
    for version in ("1.1", "2.0"):
        for folder in results(asked, version):
            recorded_on_a_gpu(folder, toy / "box")
    for path in (toy / "box").glob("probes/*/*/probe.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "seed": 7}), encoding="utf-8")
    assert harness("merge", str(toy / "box")).returncode == 0
    assert harness("report").returncode == 0
    assert boundary()["devices"] == []


def test_a_run_confirms_on_another_device_by_itself(toy, state, harness, monkeypatch):
    """With a driver that lists a GPU, the sides are executed as probes of that device; the toy job needs none."""
    tools = toy / "tools"
    tools.mkdir()
    program = tools / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho 'GPU 0: {GPU} (UUID: GPU-aaaa)'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    done = harness(*ASKED, "--confirm-on", "cuda")
    assert done.returncode == 0, done.stderr
    devices = [json.loads(path.read_text())["device"] for path in state.glob("probes/*/*/probe.json")]
    assert devices.count("cuda") == 4  # two sides, twice each
    assert boundary()["agreement"].startswith("bisected on CPU, confirmed on GPU ")
    again = harness(*ASKED, "--confirm-on", "cuda")
    assert again.returncode == 0
    assert len(list(state.glob("probes/*/*/probe.json"))) == len(devices)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "cpu", "--confirm-on", "cuda"), "no NVIDIA driver is loaded on this machine"),
        (("--device", "cpu", "--confirm-on", "cpu"), "the search is to run there already"),
        (("--confirm-on", "cpu"), "the search runs there already"),
        (
            ("--device", "cuda"),
            "--device cuda: no NVIDIA driver is loaded on this machine; use --device auto or",
        ),
    ],
)
def test_what_cannot_be_confirmed_is_told_before_the_search(toy, state, harness, words, said):
    done = harness("bisect", "toy", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "locked" not in done.stderr or "already" in said
    assert not list(state.glob("probes/*"))
