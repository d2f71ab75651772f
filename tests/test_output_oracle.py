"""The output oracle: bad is what computes something else than the reference, beyond a tolerance given or learnt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

JOB = """
import toy
from harness_recorder import Recorder, settings

config = settings({"seed": 0, "device": "cpu", "threads": 1})
with Recorder(settings=vars(config), device=config.device) as recorder:
    recorder.output("eval", toy.compute(config.seed))
"""


def release(logits="[1.0, 2.0, 3.0]", text="'one\\ntwo'", more="", noise="0"):
    return (
        "import os, random\n"
        f"def compute(seed):\n    noise = random.SystemRandom().uniform(-1, 1) * {noise}\n"
        f"    logits = [value + seed + noise for value in {logits}]\n"
        f"    return {{'logits': logits, 'text': {text}{more}}}\n"
    )


HISTORY = {
    "1.0": release(),
    "1.1": release(logits="[1.0, 2.0, 3.0 + 4e-16]"),
    "1.2": release(logits="[1.0, 2.0, 3.001]"),
    "1.3": release(logits="[1.0, 2.0, 3.5]"),
    "1.4": release(text="'one\\ntwe'"),
    "1.5": release(logits="[1.0, 2.0]"),
    "1.6": release(more=", 'mask': [True]"),
    "1.7": release(logits="[1.0, 2.0, float('nan')]"),
}


@pytest.fixture
def scenario(asking):
    """Put releases on an index of their own and write the settings of the oracle."""
    return lambda history, *lines: asking(history, 'kind = "output"', *lines)


def arm():
    return json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))["arms"][0]


def verdicts(found):
    return {row["version"]: row["verdict"] for row in found["releases"]}


def test_what_differs_is_found_and_told(scenario, harness):
    scenario(HISTORY)
    done = harness("bisect", "toy", "--search", "sweep", "--seeds", "2")
    assert done.returncode == 0, done.stderr
    found = arm()
    assert verdicts(found) == dict(zip(HISTORY, ["good", "good", *["bad"] * 6], strict=True))
    reasons = {row["version"]: row["reason"] for row in found["releases"]}
    assert reasons["1.0"] == "2 outputs as of 1.0, bit for bit"
    assert "2 outputs as of 1.0, eval.logits furthest off with 4.44e-16" in reasons["1.1"]
    assert reasons["1.2"].startswith(
        "output eval.logits differs by 0.001, 2.66e-15 is allowed, at [2]: 3 -> 3.001"
    )
    assert reasons["1.4"] == "output eval.text line 2: 'two' -> 'twe'"
    assert reasons["1.5"] == "output eval.logits shape [3] -> [2]"
    assert reasons["1.6"] == "output eval.mask is new"
    assert reasons["1.7"].startswith("output eval.logits differs by inf")
    bad = found["releases"][3]
    assert bad["fingerprint"] == {"kind": "output differs", "parameter": "eval.logits"}
    assert bad["effect"]["value"] == 0.5
    assert found["boundaries"][0]["confirmed"]
    assert found["calibration"]["repeats"] == [0, 1, 2, 0, 1, 2]

    # The same traces by another tolerance, without an execution.
    scenario(HISTORY, "atol = 0.01", 'only = "eval.logits"')
    assert harness("judge", "latest").returncode == 0
    assert verdicts(arm()) == dict(
        zip(HISTORY, ["good", "good", "good", "bad", "good", "bad", "good", "bad"], strict=True)
    )
    scenario(HISTORY, "rtol = 0.0002", 'only = "eval"')
    assert harness("judge", "latest").returncode == 0
    assert verdicts(arm())["1.2"] == "bad"
    scenario(HISTORY, "rtol = 0.0004", 'only = "eval.*"')
    assert harness("judge", "latest").returncode == 0
    assert verdicts(arm())["1.2"] == "good"


def test_a_tolerance_is_learnt_from_the_reference(scenario, harness):
    wide = {"noise": "0.01"}
    scenario(
        {
            "1.0": release(**wide),
            "1.1": release(**wide),
            "1.2": release(logits="[1.0, 2.0, 4.0]", **wide),
            "1.3": release(logits="[1.0, 2.0, 4.0]", **wide),
        },
        "aa_runs = 8",
    )
    done = harness("bisect", "toy")
    assert done.returncode == 0, done.stderr
    found = arm()
    assert verdicts(found) == {"1.0": "good", "1.1": "good", "1.2": "bad", "1.3": "bad"}
    # Of the few draws between -0.01 and 0.01 that it has.
    assert 0.001 < found["releases"][2]["effect"]["bound"] < 0.05
    assert harness("probe", "toy", "--release", "1.1").returncode == 0
    done = harness("probe", "toy", "--release", "1.2")
    assert done.returncode == 1
    assert "output eval.logits differs by" in done.stdout


def test_a_reference_that_has_no_output_of_its_own_is_told(scenario, harness):
    scenario({"1.0": release(text="str(noise)", noise="1"), "1.1": release()}, 'only = "eval.text"')
    done = harness("bisect", "toy")
    assert done.returncode == 2
    assert "output eval.text differs between executions of 1.0 itself" in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("atol = -1", "expected a number not below 0"),
        ("aa_runs = 0", "expected a whole number above 0"),
        ("only = 1", "expected text"),
    ],
)
def test_a_wrong_setting_is_told(scenario, harness, line, said):
    scenario({"1.0": release()}, line)
    done = harness("bisect", "toy")
    assert done.returncode == 2
    assert said in done.stderr


def test_nothing_recorded_is_a_skip(scenario, harness):
    scenario({"1.0": release()}, 'only = "nosuch"')
    done = harness("bisect", "toy")
    assert done.returncode == 3
    assert "no output that nosuch names was recorded" in done.stdout


SCRIPT = "import toy, harness\nharness.output('eval', toy.compute(0))\n"


def test_a_script(scenario, harness):
    scenario(HISTORY)
    Path("repro.py").write_text(SCRIPT, encoding="utf-8")
    words = ("--package", "toy", "--with", "helper==1.0", "--to", "1.4")
    done = harness("bisect", *words, "--output", "eval.logits", "--atol", "0.01", "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
    assert verdicts(arm()) == dict(zip(HISTORY, ["good", "good", "good", "bad", "good"], strict=False))
    row = arm()["releases"][3]
    assert "--output eval.logits --atol 0.01" in row["command"]
    assert harness(*row["command"].split()[3:]).returncode == 1
    done = harness("bisect", *words, "--atol", "1", "--", "python", "repro.py")
    assert done.returncode == 2
    assert "--atol 1.0 without --output: of which output is that said?" in done.stderr
