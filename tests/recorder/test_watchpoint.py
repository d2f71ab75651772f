"""The watch of a property names the line of the package that set it: real torch, a package made for the test."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

RECORDER = Path(__file__).parents[2] / "harness" / "recorder"
PACKAGE = """
import copy
import dataclasses

import torch


@dataclasses.dataclass
class Base:
    rank: int = 4


@dataclasses.dataclass
class Config(Base):
    width: int = 8
    bias: str = "none"

    def __post_init__(self):
        if self.bias == "none":
            self.bias = "off"


class Layer(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.scaling = {}
        self.inner = torch.nn.Linear(config.width, config.rank, bias=False)
        self.register_buffer("mask", torch.ones(3))
        self.scaling["default"] = 2.0
        self.settle()

    def settle(self):
        for name in ("inner",):
            getattr(self, name).to(torch.float16)
        self.scaling["default"] *= 2
        self.mask = self.mask.to(torch.float64)


class Model(torch.nn.Module):
    def __init__(self, config, head):
        super().__init__()
        self.layer = Layer(config)
        self.head = copy.deepcopy(head)
        self.head.requires_grad_(False)
"""
JOB = """
import torch
import watchedpackage
from harness_recorder import Recorder

with Recorder() as recorder:
    head = torch.nn.Linear(3, 5)
    config = recorder.config(watchedpackage.Config())
    model = watchedpackage.Model(config, head)
    model.layer.inner.weight.requires_grad_(False)
    recorder.prepare(model)
    recorder.begin(model, torch.optim.SGD(model.parameters(), lr=0.1))
    raise RuntimeError("no training may begin")
"""


@pytest.fixture
def watched(scripts, tmp_path):
    """Return what is seen of one property: [(value, text, function)] in order, and the whole event."""
    (tmp_path / "watchedpackage.py").write_text(PACKAGE, encoding="utf-8")
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")

    def watch(kind, key="", names=(), **more):
        trace = tmp_path / "trace.jsonl"
        asked = {
            "property": kind,
            "key": key,
            "names": list(names),
            "leaves": [],
            "shapes": [],
            "classes": [],
        }
        instructions = {"watchpoint": {"package": "watchedpackage", "properties": [{**asked, **more}]}}
        done = scripts.run(
            [str(RECORDER / "harness_run.py"), "job.py"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(RECORDER),
                "HARNESS_TRACE": str(trace),
                "HARNESS_INSTRUCTIONS": json.dumps(instructions),
            },
        )
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
        assert "training" not in [event["event"] for event in events]
        return [event for event in events if event["event"] == "origin"]

    return watch


def seen(event):
    return [(change["value"], change["text"], change["function"]) for change in event["changes"]]


def test_a_dtype_is_turned_below_the_package(watched):
    (event,) = watched("dtype", names=["layer.inner.weight"], leaves=["weight"], shapes=[[4, 8]])
    assert seen(event) == [
        ("float32", "self.inner = torch.nn.Linear(config.width, config.rank, bias=False)", "__init__"),
        ("float16", "getattr(self, name).to(torch.float16)", "settle"),
    ]
    turned = event["changes"][1]
    assert turned["file"] == "watchedpackage.py"
    assert PACKAGE.splitlines()[turned["line"] - 1].strip() == turned["text"]
    assert [caller["function"] for caller in turned["stack"]] == ["__init__", "__init__"]
    assert turned["below"]["file"] == "torch/nn/modules/module.py"


def test_the_default_of_a_dataclass_is_the_line_of_its_field(watched):
    (event,) = watched("config", "rank")
    assert seen(event) == [(4, "rank: int = 4", "Base")]
    line = event["changes"][0]["line"]
    assert PACKAGE.splitlines()[line - 1].strip() == "rank: int = 4"


def test_what_sets_a_field_after_its_default_is_named_too(watched):
    (event,) = watched("config", "bias")
    assert seen(event) == [
        ("none", 'bias: str = "none"', "Config"),
        ("off", 'self.bias = "off"', "__post_init__"),
    ]


def test_an_entry_of_an_attribute(watched):
    (event,) = watched("attribute", "scaling.default", names=["layer"], classes=["Layer"])
    assert seen(event) == [
        (2.0, 'self.scaling["default"] = 2.0', "__init__"),
        (4.0, 'self.scaling["default"] *= 2', "settle"),
    ]


def test_a_buffer(watched):
    (event,) = watched("buffer", names=["layer.mask"], leaves=["mask"], shapes=[[3]])
    assert seen(event)[-1] == ("float64", "self.mask = self.mask.to(torch.float64)", "settle")


def test_a_copied_module_is_followed(watched):
    (event,) = watched("trainable", names=["head.*"], leaves=["weight", "bias"], shapes=[[5, 3], [5]])
    assert event["count"] == 2
    assert seen(event) == [
        (True, "self.head = copy.deepcopy(head)", "__init__"),
        (False, "self.head.requires_grad_(False)", "__init__"),
    ]


def test_what_the_job_does_lies_outside(watched):
    (event,) = watched("trainable", names=["layer.inner.weight"], leaves=["weight"], shapes=[[4, 8]])
    assert [(change["value"], change["outside"]) for change in event["changes"]] == [
        (True, False),
        (False, True),
    ]
