"""The oracles of warnings and of exceptions: what a release begins to warn of, and what it begins to raise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

JOB = """
import toy
from harness_recorder import Recorder, settings

config = settings({"seed": 0, "device": "cpu", "threads": 1})
with Recorder(settings=vars(config), device=config.device) as recorder:
    recorder.begin()
    for step in range(1, 4):
        recorder.step(loss=toy.loss(step))
"""
WARNS = """
import logging, warnings
{imported}
def loss(step):
    {inside}
    return 1.0 / step
"""


def release(inside="pass", imported=""):
    return WARNS.format(inside=inside, imported=imported)


USER = "warnings.warn(f'step {step}')"
WARNINGS = {
    "1.0": release(USER),
    "1.1": release(USER),
    "1.2": release(f"{USER}; logging.getLogger('toy.deep').warning('slow path %d', 7)"),
    "1.3": release(f"{USER}; logging.getLogger('toy.deep').warning('slow path %d', 8)"),
    "1.4": release(USER, "warnings.warn('toy.old is deprecated', FutureWarning)"),
}
EXCEPTIONS = {
    "1.0": release(),
    "1.1": release("raise NotImplementedError('as it should')"),
    "1.2": release("raise ValueError('cannot unscale')"),
    "1.3": release("raise TypeError('something else')"),
    "1.4": release(imported="raise ValueError('cannot unscale here')"),
}


def rows():
    (arm,) = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))["arms"]
    return {row["version"]: row for row in arm["releases"]}


def verdicts():
    return [row["verdict"] for row in rows().values()]


def test_a_warning_that_the_reference_does_not_have(asking, harness):
    asking(WARNINGS, 'kind = "warnings"')
    done = harness("bisect", "toy", "--search", "sweep")
    assert done.returncode == 0, done.stderr
    assert verdicts() == ["good", "good", "bad", "bad", "bad"]
    found = rows()
    assert found["1.1"]["reason"] == "3 different warnings, none that is new"
    assert found["1.2"]["reason"] == (
        "1.0 has no such warning: log WARNING: slow path 7 (in toy.deep, 3 times)"
    )
    assert found["1.4"]["reason"].startswith(
        "1.0 has no such warning: FutureWarning: toy.old is deprecated (in toy/"
    )
    assert found["1.4"]["fingerprint"] == {"kind": "warning FutureWarning"}

    asking(WARNINGS, 'kind = "warnings"', 'matches = "FutureWarning: .*deprecated"')
    harness("judge")
    assert verdicts() == ["good", "good", "good", "good", "bad"]
    asking(WARNINGS, 'kind = "warnings"', 'ignore = "^log "', 'by = "message"')
    harness("judge")
    assert verdicts() == ["good", "good", "good", "good", "bad"]
    asking(WARNINGS, 'kind = "warnings"', 'by = "message"', 'reference = "1.2"')
    assert harness("bisect", "toy", "--search", "sweep").returncode == 0
    assert verdicts() == ["good", "good", "good", "good", "bad"]


def test_a_warning_of_a_script_is_shown_as_ever(asking, harness):
    asking(WARNINGS)
    Path("repro.py").write_text("import toy\ntoy.loss(1)\n", encoding="utf-8")
    words = ("--package", "toy", "--with", "helper==1.0", "--warning-matches", "slow path")
    done = harness("bisect", *words, "--to", "1.3", "--search", "sweep", "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
    assert verdicts() == ["good", "good", "bad", "bad"]
    done = harness("probe", *words, "--release", "1.2", "--", "python", "repro.py")
    assert done.returncode == 1
    (folder,) = [line.split(": ")[1] for line in done.stdout.splitlines() if line.startswith("trace and")]
    shown = (Path(folder) / "output.txt").read_text(encoding="utf-8")
    assert "slow path 7" in shown  # by logging's last resort, which a handler would have silenced
    assert "UserWarning: step 1" in shown


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (('bad = "^ValueError: cannot"',), ["good", "skip", "bad", "skip", "bad"]),
        (('bad = "unscale"', 'good = "NotImpl"'), ["good", "good", "bad", "skip", "bad"]),
        (('good = "NotImplementedError"', 'none = "bad"'), ["bad", "good", "skip", "skip", "skip"]),
        ((), ["good", "bad", "bad", "bad", "bad"]),
    ],
)
def test_which_exception_is_bad(asking, harness, lines, wanted):
    asking(EXCEPTIONS, 'kind = "exception"', *lines)
    harness("bisect", "toy", "--search", "sweep", "--any-failure")
    assert verdicts() == wanted
    if wanted[2] == "bad":
        assert rows()["1.2"]["reason"] == "ValueError: cannot unscale"
        assert rows()["1.2"]["fingerprint"]["exception"] == "ValueError"


def test_a_wrong_expression_is_told(asking, harness):
    asking(EXCEPTIONS, 'kind = "exception"', 'bad = "("')
    done = harness("bisect", "toy")
    assert done.returncode == 2
    assert "oracle.bad = '(': expected a regular expression" in done.stderr
