"""A printed metric without a bound: every change is found, and one that differs between executions is compared interleaved."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from states import own_state
from toyindex import DAYS, ToyIndex, plant, wheel

PRINT = 'import toy\nprint(f"accuracy={toy.value}")\n'
NOISY = 'import os\nimport toy\nprint(f"seconds={toy.value * (1 + 0.1 * os.urandom(1)[0] / 255)}")\n'


@pytest.fixture
def ask(toy, harness, monkeypatch):
    """Put {version: code} on an index of its own; returns what asks, and gives the process and the only arm."""
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))

    def run(script: str, values, *words: str, command: str = "bisect"):
        codes = {
            f"1.{n}": value if isinstance(value, str) else f"value = {value}\n"
            for n, value in enumerate(values)
        }
        (toy / "repro.py").write_text(script, encoding="utf-8")
        with ToyIndex() as index:
            index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
            plant(index, codes)
            variables = {**os.environ, "UV_DEFAULT_INDEX": index.url}
            done = harness(command, "--package", "toy", *words, "--", "python", "repro.py", env=variables)
        assert "Traceback" not in done.stderr
        path = Path("reports/latest/report.json")
        return done, json.loads(path.read_text(encoding="utf-8"))["arms"][0] if path.exists() else None

    return run


def places(arm, *, confirmed=True):
    return [
        (one["before"], one["after"])
        for one in arm["boundaries"]
        if one["signal"] == "verdict" and (one["confirmed"] or not confirmed)
    ]


def verdicts(arm):
    return [row["verdict"] for row in arm["releases"]]


@pytest.mark.parametrize(
    ("before", "after", "word"), [(0.9, 0.6, "lower"), (0.6, 0.9, "higher"), (1.05e6, 0, "lower")]
)
def test_a_change_in_either_direction_is_found(ask, before, after, word):
    done, arm = ask(PRINT, [before, before, before, after, after], "--metric", "accuracy")
    assert done.returncode == 0, done.stderr
    assert places(arm) == [("1.2", "1.3")]
    assert "Nothing broke" not in done.stdout
    row = arm["releases"][3]
    assert row["fingerprint"] == {"kind": f"accuracy {word}", "level": float(after)}
    assert f"with the reference 1.0: {word} by" in row["reason"]
    assert "no noise was seen in 5 executions of the reference" in row["reason"]
    assert "deviations" not in row["reason"]
    assert "mean of the last" not in row["reason"]


@pytest.mark.parametrize(
    ("values", "words", "expected", "kinds"),
    [
        ([0.9, 0.9, 0.6, 0.6], ("--higher-is-better",), [("1.1", "1.2")], ["regressed"]),
        ([0.9, 0.9, 0.6, 0.6], ("--lower-is-better",), [], []),
        ([0.9, 0.9, 0.6, 0.6], ("--lower-is-better", "--find-fix"), [("1.1", "1.2")], ["fixed"]),
        ([0.9, 0.9, 0.6, 0.6], ("--minimum-effect", "1.2"), [("1.1", "1.2")], None),
        ([0.9, 0.9, 0.8, 0.8], ("--minimum-effect", "1.2"), [], []),
        ([0.9, 0.9, 0.6, 0.9], ("--reference", "1.2"), [("1.1", "1.2"), ("1.2", "1.3")], None),
    ],
)  # fmt: skip
def test_direction_size_and_reference_are_options(ask, values, words, expected, kinds):
    done, arm = ask(PRINT, values, "--metric", "accuracy", *words)
    assert done.returncode == 0, done.stderr
    assert places(arm) == expected
    if kinds is not None:
        assert [one["kind"] for one in arm["boundaries"] if one["signal"] == "verdict"] == kinds
    assert set(words) <= set(arm["releases"][0]["command"].split()) | {"--find-fix"}


def test_a_second_shift_in_the_same_direction_is_another_level(ask):
    _, arm = ask(PRINT, [1.0, 2.0, 2.0, 3.0, 3.0], "--metric", "accuracy")
    levels = [row["fingerprint"]["level"] if row["fingerprint"] else None for row in arm["releases"]]
    assert levels == [None, 2.0, 2.0, 3.0, 3.0]
    changes = {
        (one["before"], one["after"]) for one in arm["boundaries"] if one["signal"] in {"verdict", "failure"}
    }
    assert {("1.0", "1.1"), ("1.2", "1.3")} <= changes | {("1.0", "1.3")}


@pytest.mark.parametrize(
    "first", ["unbuildable", "raise ImportError('gone')\n", "raise ValueError('broken')\n"]
)
def test_the_reference_is_the_first_release_that_can_be_tested_and_is_good(ask, first):
    _, arm = ask(PRINT, [first, 0.1, 0.1, 0.6, 0.6], "--metric", "accuracy", "--higher-is-better")
    assert arm["calibration"]["reference"] == "1.1"
    assert any("releases are compared with 1.1, since 1.0 is" in note for note in arm["notes"])
    _, arm = ask(PRINT, [first, 0.1, 0.1, 0.6, 0.6], "--metric", "accuracy", "--lower-is-better")
    assert ("1.2", "1.3") in places(arm)


def test_a_stated_reference_that_is_none_is_told_by_its_option(ask):
    done, _ = ask(PRINT, ["unbuildable", 0.1, 0.6], "--metric", "accuracy", "--reference", "1.0")
    assert done.returncode == 2
    assert "the reference 1.0 cannot be compared with" in done.stderr
    assert "by --reference" in done.stderr
    done, _ = ask(PRINT, [0.1, 0.6], "--metric", "accuracy", "--reference", "3.0")
    assert done.returncode == 2
    assert "not in the range 1.0 to 1.1" in done.stderr


def test_without_any_reference_nothing_is_good(ask):
    done, arm = ask(PRINT, ["raise ValueError('broken')\n"] * 3, "--metric", "accuracy")
    assert done.returncode != 2, done.stderr
    assert verdicts(arm) == ["bad"] * 3


def test_a_metric_that_is_not_reproducible_is_compared_interleaved(ask, harness):
    done, arm = ask(
        NOISY, [1.0, 1.0, 2.0, 2.0], "--metric", "seconds", "--higher-is-better", "--search", "sweep"
    )
    assert done.returncode == 0, done.stderr
    assert places(arm) == []
    _, arm = ask(NOISY, [1.0, 1.0, 2.0, 2.0], "--metric", "seconds", "--lower-is-better", "--search", "sweep")
    assert places(arm) == [("1.1", "1.2")]
    (boundary,) = [one for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert boundary["direct"]["verdict"] == "differs"
    assert len(boundary["direct"]["turns"]) >= 4
    assert "95% interval" in arm["releases"][2]["reason"]
    assert "a change of" in arm["releases"][1]["reason"]
    turns = [turn for one in arm["releases"][2]["executions"] for turn in one["turns"]]
    assert min(turn["repeat"] for turn in turns) > 0
    before = Path("reports/latest/report.json").read_bytes()
    assert harness("judge").returncode == 0
    assert Path("reports/latest/report.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--higher-is-better",), "--higher-is-better without --metric: of which value is that said?"),
        (("--reference", "1.0"), "--reference 1.0 without --metric or --output: of which value or output"),
        (("--metric", "a", "--expect", "<1", "--lower-is-better"), "--lower-is-better beside --expect"),
        (("--metric", "a", "--higher-is-better", "--lower-is-better"), "not allowed with argument"),
        (("--metric", "a", "--minimum-effect", "0.5"), "a number above 1"),
    ],
)
def test_options_that_do_not_go_together_are_told(toy, harness, words, said):
    done = harness("bisect", "--package", "toy", *words, "--", "true")
    assert done.returncode == 2
    assert said in done.stderr
