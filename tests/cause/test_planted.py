"""Causes planted in a history are each found and confirmed, and a red herring is refuted: real torch, real probes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import planted
import pytest

pytestmark = pytest.mark.real

SCENARIO = Path(__file__).parents[1] / "scenarios" / "planted"


@pytest.fixture(scope="module")
def report(torch_python, tmp_path_factory):
    """One run over the whole history: its report, and what it printed."""
    folder = tmp_path_factory.mktemp("planted")
    wheels = folder / "wheels"
    wheels.mkdir()
    planted.plant(wheels)
    places = f"{os.environ.get('PIP_FIND_LINKS', '')} {wheels}".strip()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "harness",
            "bisect",
            str(SCENARIO),
            "--fixes",
            "--out",
            str(folder / "reports"),
        ],
        env={**os.environ, "PIP_FIND_LINKS": places},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "reports" / "latest" / "report.json").read_text(encoding="utf-8")
    return {**json.loads(text), "printed": " ".join(done.stdout.split())}


def explained(report, after):
    (cause,) = [one for one in report["cause"] if one["after"] == after]
    return cause


def proven(cause):
    """What the confirming exchange exchanged."""
    (attempt,) = [one for one in cause["attempts"] if one["status"] == "confirmed"]
    return [
        (one["kind"], one["key"], one["before"], one["after"], one["names"]) for one in attempt["differences"]
    ]


def test_every_change_is_explained(report):
    places = [(one["before"], one["after"], one["kind"], one["status"]) for one in report["cause"]]
    kinds = ["regressed", "fixed"] * 5
    assert places == [(f"1.{i}", f"1.{i + 1}", kind, "confirmed") for i, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("after", "kind", "key"),
    [("1.1", "dtype", ""), ("1.3", "trainable", ""), ("1.5", "attribute", "scaling"), ("1.7", "start", ""),
     ("1.9", "config", "activation")],
)  # fmt: skip
def test_a_planted_cause_is_confirmed(report, after, kind, key):
    ((found, name, *_),) = proven(explained(report, after))
    assert (found, name) == (kind, key)


def test_the_values_of_both_sides_are_told(report):
    assert proven(explained(report, "1.1")) == [("dtype", "", "float32", "float16", ["A", "B"])]
    assert proven(explained(report, "1.5")) == [("attribute", "scaling", 2.0, 0.001, [""])]
    assert proven(explained(report, "1.10")) == [("config", "activation", "off", "linear", [])]


def test_a_red_herring_is_refuted(report):
    first, second = explained(report, "1.5")["attempts"]
    assert first["status"] == "refuted"
    assert first["differences"][0]["names"] == ["spare"]
    assert second["status"] == "confirmed"


def test_the_mechanism_and_the_ladder(report):
    cause = explained(report, "1.1")
    assert cause["mechanisms"][0]["rule"] == "adam-zero-over-zero"
    ladder = cause["ladder"]
    broken = ladder["rungs"][ladder["first_nonfinite"]]
    assert (broken["phase"], broken["name"], broken["what"]) == ("optimizer", "A", "weight")
    assert explained(report, "1.3")["mechanisms"] == []


def test_the_matrix(report):
    (matrix,) = report["interventions"]
    cells = {
        (fix["name"], cell["release"]): cell["outcome"] for fix in matrix["remedies"] for cell in fix["cells"]
    }
    assert cells["eps", "1.1"] == "cures"
    assert cells["eps", "1.3"] == cells["eps", "1.9"] == "no effect"
    assert cells["pin", "1.1"] == "cures"
    assert cells["pin", "1.0"] == "not applicable"


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        ("1.1", ["self.A = torch.nn.Parameter((start * 1.0).to(torch.float16))",
                 "self.B = torch.nn.Parameter(torch.zeros(8, config.rank, dtype=torch.float16))"]),
        ("1.3", ["self.B.requires_grad_(False)"]),
        ("1.5", ["self.scaling = 0.001"]),
        ("1.7", ["self.A = torch.nn.Parameter((start * 0.0).to(torch.float32))"]),
        ("1.9", ["self.activation = 'off'"]),
    ],
)  # fmt: skip
def test_the_line_that_did_it(report, after, lines):
    cause = explained(report, after)
    last = [one for one in cause["lines"] if one["last"] and one["side"] == "after"]
    assert [one["code"]["text"] for one in last] == lines
    for one in last:
        assert one["release"] == after
        assert one["code"]["file"] == "plantedcause/__init__.py"
        assert planted_line(after, one["code"]["text"]) == one["code"]["line"]


def test_the_first_operation(report):
    """What both sides first do differently is what the planted cause says, at a line of the planted package."""
    told = {after: explained(report, after)["operations"] for after in ("1.1", "1.5")}
    assert {after: one["kind"] for after, one in told.items()} == {
        "1.1": "other inputs",
        "1.5": "other arguments",
    }
    assert [one["dtype"] for one in told["1.1"]["before"][0]["inputs"] if one["parameter"]] == ["float32"]
    assert [one["dtype"] for one in told["1.1"]["after"][0]["inputs"] if one["parameter"]] == ["float16"]
    assert (told["1.5"]["before"][0]["arguments"], told["1.5"]["after"][0]["arguments"]) == (
        ["2.0"],
        ["0.001"],
    )
    assert {one["after"][0]["own"]["file"] for one in told.values()} == {"plantedcause/__init__.py"}
    assert "operations are equal. Then " in report["printed"]


def planted_line(version, text):
    """The number of the line with this text in a release."""
    rows = planted.code(version).splitlines()
    return next(number for number, row in enumerate(rows, 1) if row.strip() == text)


def test_both_sides_of_the_line(report):
    frozen = explained(report, "1.3")["lines"]
    told = [(one["side"], one["previous"], one["value"], one["last"]) for one in frozen]
    assert told == [("before", None, True, True), ("after", None, True, False), ("after", True, False, True)]
