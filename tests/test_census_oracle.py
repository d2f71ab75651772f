"""The census oracle: bad is what differs from the reference's model, as far as the scenario asks."""

from __future__ import annotations

import json

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, plant, wheel

JOB = """
import toy
from harness_recorder import Recorder, settings

config = settings({"steps": 2, "scale": 1.0, "seed": 0, "device": "cpu", "threads": 1})
with Recorder(settings=vars(config), device=config.device) as recorder:
    # As recorder.begin(model) writes it, without torch: the toy index has none.
    recorder._lines.write("census", parameters=toy.PARAMETERS, optimizer=None)
    recorder.begin()
    for step in range(1, config.steps + 1):
        recorder.step(loss=1.0 / step)
"""


def release(dtype, trainable):
    row = {"name": "lora_A", "raw": "lora_A", "dtype": dtype, "shape": [2], "trainable": trainable}
    return f"PARAMETERS = [{row!r}]\n"


HISTORY = {
    "1.0": release("float32", True),
    "1.1": release("float32", True),
    "1.2": release("float16", True),
    "1.3": release("float16", False),
    "1.4": release("float16", False),
}


@pytest.fixture
def history(toy, monkeypatch):
    (toy / "scenarios" / "toy" / "job.py").write_text(JOB, encoding="utf-8")
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        plant(index, HISTORY)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
        yield toy / "scenarios" / "toy" / "scenario.toml"


def ask(path, extra):
    text = path.read_text(encoding="utf-8").split("[oracle]")[0]
    path.write_text(f'{text}[oracle]\nkind = "census"\n{extra}', encoding="utf-8")


def arm(toy):
    return json.loads((toy / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))["arms"][0]


def boundary(found):
    return [
        (one["before"], one["after"], one["confirmed"])
        for one in found["boundaries"]
        if one["signal"] == "verdict"
    ]


def test_the_first_difference_is_found_and_judged_again_by_another_question(toy, harness, history):
    ask(history, "")
    done = harness("bisect", "toy")
    assert done.returncode == 0, done.stderr
    assert boundary(arm(toy)) == [("1.1", "1.2", True)]
    bad = arm(toy)["releases"][2]
    assert bad["reason"] == "the census differs: 1 parameter: dtype float32 -> float16 (lora_A)"
    ask(history, 'only = "trainable"\n')
    done = harness("judge", "latest")
    assert done.returncode == 0, done.stderr
    assert [(one[0], one[1]) for one in boundary(arm(toy))] == [("1.2", "1.3")]
    ask(history, 'only = "dtype, other*"\n')
    assert harness("judge", "latest").returncode == 0
    assert boundary(arm(toy)) == []


def test_a_job_without_a_census_cannot_be_a_reference(toy, harness, history):
    job = toy / "scenarios" / "toy" / "job.py"
    ask(history, "")
    job.write_text(
        "\n".join(line for line in JOB.splitlines() if "_lines.write" not in line) + "\n", encoding="utf-8"
    )
    done = harness("bisect", "toy")
    assert done.returncode == 3
    assert "no census" in done.stdout
