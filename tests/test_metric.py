"""The metric oracle: its bound is learnt from A/A runs, and each verdict carries effect and interval."""

from __future__ import annotations

import json

import pytest
from states import own_state
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
ORACLE = '[oracle]\nkind = "metric"\nsignal = "loss"\nwindow = 3\naa_seeds = 8\nhigher_is_worse = true\n'


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
        monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
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
    assert bad["effect"]["low"] > bad["effect"]["bound"] == 0
    assert "95% interval" in bad["reason"]
    assert bad["fingerprint"]["kind"] == "loss higher"
    assert "mean of the last 3 values of loss" in bad["reason"]
    lower = found["releases"][3]["reason"]
    assert "lower by" in lower
    assert lower.endswith("which is better")
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
    assert "with the reference 1.0.0: higher by" in done.stdout


def test_without_a_direction_every_change_counts(toy, harness, history):
    history([0.5, 0.5, 0.505, 0.2, 0.2])
    path = toy / "scenarios" / "toy" / "scenario.toml"
    text = path.read_text(encoding="utf-8").replace("higher_is_worse = true\n", "")
    path.write_text(text, encoding="utf-8")
    assert harness("bisect", "toy", "--seeds", "3").returncode == 0
    found = arm(toy)
    assert [row["verdict"] for row in found["releases"]] == ["good", "good", "good", "bad", "bad"]
    assert {row["fingerprint"]["kind"] for row in found["releases"][3:]} == {"loss lower"}
    assert len({row["fingerprint"]["level"] for row in found["releases"][3:]}) == 1
    assert found["search"]["two_sided"]


def test_a_bad_release_is_no_reference(toy, harness, history):
    history(["float('nan')", 0.5, 0.5, 0.9])
    done = harness("bisect", "toy", "--seeds", "3")
    assert done.returncode == 0, done.stderr
    found = arm(toy)
    assert found["calibration"]["reference"] == "1.1.0"
    assert list(found["calibration"]["passed_over"]) == ["1.0.0"]
    assert any("are compared with 1.1.0, since 1.0.0 is bad" in note for note in found["notes"])
    assert [row["verdict"] for row in found["releases"]] == ["bad", "good", "good", "bad"]


def test_a_stated_reference_that_is_bad_is_told(toy, harness, history):
    history(["float('nan')", 0.5])
    path = toy / "scenarios" / "toy" / "scenario.toml"
    path.write_text(path.read_text(encoding="utf-8") + 'reference = "1.0.0"\n', encoding="utf-8")
    done = harness("bisect", "toy")
    assert done.returncode == 2
    assert "the reference 1.0.0 cannot be compared with" in done.stderr
    assert "as `reference` in [oracle]" in done.stderr
