"""The main job on real PEFT, small enough for CI: the break 0.6.2 -> 0.7.0 is found, confirmed, and identical jobs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.probes.isolation import choose_isolation
from harness.traces.read import read_trace

pytestmark = pytest.mark.real


@pytest.fixture(scope="session")
def runs(real_home, tmp_path_factory):
    """One run of each arm, {arm: its folder and report}; why, and what helps, is asked of float16 alone."""
    found = {}
    for name, more in (("fp16", ("--to", "0.7.0")), ("bf16", ("--to", "0.7.1", "--no-cause"))):
        out = tmp_path_factory.mktemp(name)
        words = ("bisect", "llama_seq_cls", "--from", "0.6.1", "--arm", name, *more)
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words, "--out", out],
            check=False,
            capture_output=True,
            text=True,
            timeout=1200,
        )
        assert done.returncode == 0, done.stderr
        with (out / "latest" / "report.json").open(encoding="utf-8") as file:
            found[name] = out / "latest", json.load(file)
    return found


def arm(runs, name):
    (found,) = runs[name][1]["arms"]
    return found


def places(runs, name, signal):
    return [
        (one["before"], one["after"], one["confirmed"])
        for one in arm(runs, name)["boundaries"]
        if one["signal"] == signal
    ]


def test_float16_breaks_at_0_7_0(runs):
    assert arm(runs, "fp16")["conclusion"] == "regressed"
    for signal in ("verdict", "census", "trace"):
        assert places(runs, "fp16", signal) == [("0.6.2", "0.7.0", True)]
    bad = next(row for row in arm(runs, "fp16")["releases"] if row["version"] == "0.7.0")
    assert bad["fingerprint"]["kind"] == "non-finite weight"
    assert bad["fingerprint"]["step"] == 1
    assert "lora_A" in bad["fingerprint"]["parameter"]


def test_why_it_breaks_and_what_helps(runs):
    """The adapter's dtype, exchanged in both directions; the line that changes it; what cures the bad release."""
    (cause,) = runs["fp16"][1]["cause"]
    assert (cause["before"], cause["after"], cause["status"]) == ("0.6.2", "0.7.0", "confirmed")
    (confirmed,) = [one for one in cause["attempts"] if one["status"] == "confirmed"]
    ((kind, before, after),) = {
        (one["kind"], one["before"], one["after"]) for one in confirmed["differences"]
    }
    assert (kind, before, after) == ("dtype", "float32", "float16")
    names = {name for one in confirmed["differences"] for name in one["names"]}
    assert {name.split(".")[-2] for name in names} == {"lora_A", "lora_B"}
    (line,) = [one for one in cause["lines"] if one["last"] and one["side"] == "after"]
    assert line["code"]["file"] == "peft/tuners/lora/layer.py"
    assert "weight.dtype" in line["code"]["text"]
    (matrix,) = runs["fp16"][1]["interventions"]
    cures = {
        remedy["name"]
        for remedy in matrix["remedies"]
        if ("0.7.0", "cures") in {(cell["release"], cell["outcome"]) for cell in remedy["cells"]}
    }
    assert {"bf16", "pin", "eps-1e-4", "trained-float32"} <= cures
    assert "clip" not in cures


def test_bfloat16_changes_in_census_and_trace_alone(runs):
    assert arm(runs, "bf16")["conclusion"] == "always-good"
    assert places(runs, "bf16", "verdict") == []
    for signal in ("census", "trace"):
        assert places(runs, "bf16", signal) == [("0.6.2", "0.7.0", True)]
    (census,) = [one for one in arm(runs, "bf16")["boundaries"] if one["signal"] == "census"]
    assert census["details"][0].startswith("8 parameters: dtype float32 -> bfloat16")


def test_releases_of_one_class_leave_the_same_trace_bit_for_bit(runs):
    for name, newest in (("fp16", "0.7.0"), ("bf16", "0.7.1")):
        one = arm(runs, name)
        traces = {row["version"]: row["trace"] for row in one["releases"]}
        assert traces["0.6.1"] == traces["0.6.2"] != traces["0.7.0"] == traces[newest]
        assert one["deterministic"] is True, "a warm and a clean execution of one release must be the same"


def test_a_fork_of_a_warm_parent_trains_as_a_clean_process_does_while_both_are_shut_off(runs, real_home):
    """Every training that was executed both ways, in namespaces where this machine allows them."""
    holds = list(choose_isolation("auto").holds)
    compared = 0
    for first in real_home.glob("probes/*/0/probe.json"):
        again = first.parents[1] / "1" / "probe.json"
        ways = [json.loads(path.read_text())["execution"] for path in (first, again) if path.exists()]
        if [one["start"] for one in ways] == ["warm", "clean"]:
            assert [one["isolation"] for one in ways] == [holds, holds]
            warm, clean = (read_trace(path.with_name("trace.jsonl")) for path in (first, again))
            assert warm.digest() == clean.digest(), first
            compared += bool(warm.steps)
    assert compared >= 4, "both sides of the boundary in both arms"


def test_everything_else_is_the_same(runs):
    folder, report = runs["fp16"]
    assert report["environment"]["moves"] == {}
    locks = [
        (folder / "locks" / f"{version}.txt").read_text(encoding="utf-8")
        for version in ("0.6.1", "0.6.2", "0.7.0")
    ]
    lines = [text.split("peft==")[0].splitlines() for text in locks]
    others = [[line for line in some if line and not line.startswith("#")] for some in lines]
    assert others[0] == others[1] == others[2]


def test_the_script_of_the_tutorial_finds_it_as_it_stands(real_home, tmp_path):
    shutil.copy(Path(__file__).parents[1] / "docs" / "tutorial" / "repro.py", tmp_path)
    words = [sys.executable, "-m", "harness", "bisect", "repro.py", "--package", "peft", "--from", "0.6.2"]
    done = subprocess.run(
        [*words, "--to", "0.7.0"], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "peft 0.7.0 broke the job: 0.6.2 is the last good release" in done.stdout
