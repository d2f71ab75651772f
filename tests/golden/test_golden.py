"""One golden case, a small one, by the runner itself; `nox -s golden` runs them all."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import run_golden

RUNNER = Path(__file__).with_name("run_golden.py")


@pytest.mark.real
@pytest.mark.usefixtures("real_home")
def test_a_case_is_found_and_right(tmp_path):
    """Good, bad, good: the case's both boundaries, nothing else, and the runner's exit status says so."""
    kept = tmp_path / "golden.json"
    done = subprocess.run(
        [sys.executable, RUNNER, "tokenizers-overflow", "--json", kept],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (outcome,) = json.loads(kept.read_text(encoding="utf-8"))
    assert outcome["found"] == ["0.22.2 -> 0.23.1", "0.23.2 -> 0.23.3"]
    assert outcome["right"]


def test_an_unknown_case_is_told_with_those_there_are():
    done = subprocess.run([sys.executable, RUNNER, "nothing"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no such case: nothing; there are " in done.stderr


def test_what_an_earlier_run_kept_is_not_run_again(tmp_path):
    kept = tmp_path / "golden.json"
    outcome = {
        **asdict(answered(("regressed", "1", "2", True), raised_in="helper")),
        "case": "polars-control",
    }
    kept.write_text(json.dumps([outcome, {**outcome, "search": "binary", "right": False}]), encoding="utf-8")
    words = ("polars-control", "--search", "auto", "--search", "binary", "--json", kept)
    done = subprocess.run([sys.executable, RUNNER, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "auto: 1 right, 0 wrong, 0 false culprits, 8 executions, 1 seconds" in done.stdout
    assert "binary: 0 right, 1 wrong, 0 false culprits, 8 executions, 1 seconds" in done.stdout


def test_a_case_of_two_environments_is_asked_once():
    asked = run_golden.questions(["polars-control", "environments-tokenizers-overflow"], ["auto", "binary"])
    assert asked == [
        ("polars-control", "auto"),
        ("polars-control", "binary"),
        ("environments-tokenizers-overflow", "blame"),
    ]


def test_a_pair_is_right_only_with_that_pair_and_its_changes_confirmed(tmp_path):
    change = {"package": "a", "kind": "regressed", "before": "1", "after": "2", "held": "b", "version": "3"}
    other = {"package": "b", "kind": "fixed", "before": "3", "after": "4", "held": "a", "version": "2"}
    expected = {"conclusion": "regressed", "pair": {"a": "2", "b": "3"}, "boundaries": [other, change]}

    def right(*changes, pair=expected["pair"], confirmed=True):
        told = [
            {"kind": one["kind"], "confirmed": confirmed, "axis": {**one, "held_version": one["version"]}}
            for one in changes
        ]
        arm = {
            "conclusion": "regressed",
            "grid": {"pair": pair},
            "boundaries": told,
            "releases": [],
            "answer": "it",
        }
        report = {"axes": ["a", "b"], "arms": [arm], "parts": []}
        (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
        return run_golden.pair_outcome("case", tmp_path, expected, 1.0).right

    assert right(change, other)
    assert not right(change)
    assert not right(change, {**other, "after": "5"})
    assert not right(change, other, confirmed=False)
    assert not right(change, other, pair={"a": "2", "b": "4"})


def answered(*boundaries, conclusion="regressed", raised_in=""):
    """Hold an arm of releases 1 to 4 with these boundaries against the expectation that 2 broke it."""
    arm = {
        "conclusion": conclusion,
        "answer": "the answer",
        "boundaries": [
            {"signal": "verdict", "kind": kind, "before": before, "after": after, "confirmed": confirmed}
            for kind, before, after, confirmed in boundaries
        ],
        "releases": [
            {"version": str(number), "verdict": "bad", "raised_in": raised_in, "executions": [{}, {}]}
            for number in range(1, 5)
        ],
    }
    expected = {
        "conclusion": "regressed",
        "boundaries": [{"kind": "regressed", "before": "1", "after": "2"}],
        "raised_in": "helper",
    }
    return run_golden.arm_outcome("case", arm, expected, 1.0)


def test_a_case_is_right_with_its_confirmed_boundaries_alone():
    outcome = answered(("regressed", "1", "2", True), raised_in="helper")
    assert (outcome.right, outcome.false_culprits, outcome.executions) == (True, [], 8)
    assert not answered(("regressed", "1", "2", False), raised_in="helper").right
    assert not answered(("regressed", "1", "2", True), conclusion="fixed", raised_in="helper").right
    assert not answered(("regressed", "1", "2", True), raised_in="toy").right
    assert not answered(raised_in="helper").right


def test_a_false_culprit_is_a_confirmed_boundary_that_is_not_expected():
    outcome = answered(("fixed", "3", "4", True), ("regressed", "1", "2", True), raised_in="helper")
    assert (outcome.right, outcome.false_culprits) == (False, ["3 -> 4"])
    assert answered(("regressed", "2", "3", False), raised_in="helper").false_culprits == []
    assert answered(("fixed", "1", "2", True), raised_in="helper").false_culprits == ["1 -> 2"]
    assert "0 right, 1 wrong, 1 false culprits, 8 executions" in run_golden.table([outcome])
