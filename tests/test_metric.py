"""The metric oracle: its bound is learnt from A/A runs, and each verdict carries effect and interval."""

from __future__ import annotations

import json

import pytest
from toyindex import DAYS, ToyIndex, plant, wheel

# The noise of a seed is a few hundredths of the loss.
JOB = """
import random

import toy
from harness_recorder import Recorder, settings

config = settings({"steps": 5, "scale": 1.0, "seed": 0, "device": "cpu", "threads": 1})
noise = random.Random(config.seed)
with Recorder(settings=vars(config), device=config.device) as recorder:
    recorder.begin()
    for step in range(1, config.steps + 1):
        recorder.step(loss=toy.loss(step) + noise.gauss(0, 0.02))
"""
ORACLE = '[oracle]\nkind = "metric"\nsignal = "loss"\nwindow = 3\naa_seeds = 8\n'


def constant(value):
    return f"def loss(step):\n    return {value}\n"


@pytest.fixture
def history(toy, monkeypatch):
    path = toy / "scenarios" / "toy" / "scenario.toml"
    path.write_text(path.read_text(encoding="utf-8").split("[oracle]")[0] + ORACLE, encoding="utf-8")
    (toy / "scenarios" / "toy" / "job.py").write_text(JOB, encoding="utf-8")
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", str(toy / "fresh"))
        yield lambda losses: plant(
            index, {f"1.{place}.0": constant(loss) for place, loss in enumerate(losses)}
        )


def arm(toy):
    return json.loads((toy / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))["arms"][0]


def test_a_slower_loss_is_found_and_what_is_within_noise_is_not(toy, harness, history):
    history([0.5, 0.5, 0.505, 0.4, 0.6, 0.6])
    done = harness("bisect", "toy", "--seeds", "3")
    assert done.returncode == 0, done.stderr
    found = arm(toy)
    assert {row["version"]: row["verdict"] for row in found["releases"]} == {
        **{f"1.{place}.0": "good" for place in range(4)},
        **{f"1.{place}.0": "bad" for place in (4, 5)},
    }
    assert found["conclusion"] == "regressed"
    bad = found["releases"][4]
    assert bad["effect"]["value"] == pytest.approx(0.1, abs=0.03)
    assert bad["effect"]["value"] > bad["effect"]["bound"] > 0
    assert "95% interval" in bad["reason"]
    assert bad["fingerprint"]["kind"].endswith("beyond noise")
    assert found["calibration"]["reference"] == "1.0.0"
    assert len(found["calibration"]["probes"]) == 8
    before = (toy / "reports" / "latest" / "report.json").read_bytes()
    assert harness("judge", "latest").returncode == 0
    assert (toy / "reports" / "latest" / "report.json").read_bytes() == before


def test_one_release_is_judged_against_the_reference(toy, harness, history):
    history([0.5, 0.5, 0.7])
    assert harness("probe", "toy", "--release", "1.1.0").returncode == 0
    done = harness("probe", "toy", "--release", "1.2.0")
    assert done.returncode == 1
    assert "noise explains" in done.stdout


def test_a_reference_that_is_not_good_is_told(toy, harness, history):
    history(["float('nan')", 0.5])
    done = harness("bisect", "toy")
    assert done.returncode == 2
    assert "the oracle's reference 1.0.0 is bad" in done.stderr
