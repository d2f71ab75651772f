"""One training written with explicit calls, attached, by Trainer and by Lightning: the traces are the same, bit for bit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.traces.read import read_trace

ROOT = Path(__file__).parents[2]
JOB = Path(__file__).parent / "jobs" / "loops.py"
EVENTS = {"loss stops being finite": {"overflow_at": 5}, "forward pass fails": {"fail_at": 5}}
ACCUMULATED = {"accumulate": 4, "steps": 6}

pytestmark = pytest.mark.real


def raised(trace):
    """Return the error without the frames of its traceback: each loop calls the model from other code."""
    return trace.error and {
        name: value for name, value in trace.error.items() if name not in {"frames", "raised_in"}
    }


def assert_same(one, other):
    """Compare all that was recorded, but for times, tracebacks and what the process had imported."""
    assert one.rows
    assert one.digest() == other.digest()
    assert one.columns == other.columns
    assert one.census == other.census
    assert one.identity == other.identity
    assert raised(one) == raised(other)
    assert one.end["reason"] == other.end["reason"]


@pytest.mark.parametrize("loop", ["attach", "wrapped", "trainer"])
@pytest.mark.parametrize("options", [{}, *EVENTS.values()], ids=["plain", *EVENTS])
def test_the_trace_is_that_of_the_explicit_calls(run_job, loop, options):
    explicit, _ = run_job(JOB, loop="explicit", **options)
    assert len(explicit.rows) == (20 if not options else 5 if "overflow_at" in options else 4)
    trace, done = run_job(JOB, loop=loop, **options)
    assert_same(trace, explicit)
    assert done.returncode == (1 if "fail_at" in options else 0), done.stderr


def test_attached_losses_are_averaged_and_gradients_are_as_clipped(run_job):
    options = {**ACCUMULATED, "clip": 0.05}
    explicit, _ = run_job(JOB, loop="explicit", **options)
    trace, _ = run_job(JOB, loop="attach", **options)
    assert_same(trace, explicit)
    unclipped, _ = run_job(JOB, loop="explicit", **ACCUMULATED)
    assert unclipped.signal("score.gradient_norm")[0] > 0.05 > trace.signal("score.gradient_norm")[0]


def test_trainer_with_accumulation_tells_the_loss_that_was_trained_on(run_job):
    """This release does not divide the losses of such a model, so its gradients are four times too large."""
    summed, _ = run_job(JOB, loop="explicit", divide="false", **ACCUMULATED)
    trace, _ = run_job(JOB, loop="trainer", **ACCUMULATED)
    assert_same(trace, summed)


@pytest.fixture(scope="session")
def lightning(torch_python, tmp_path_factory):
    """Return a folder with Lightning, beside an environment that has the rest."""
    folder = tmp_path_factory.mktemp("lightning")
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    packages = ["lightning==2.6.6", "lightning-utilities", "torchmetrics"]
    subprocess.run(
        [uv, "pip", "install", "-q", "--no-deps", "--target", folder, "--python", torch_python, *packages],
        check=True,
    )
    return folder


@pytest.mark.parametrize(
    "options", [{}, ACCUMULATED, *EVENTS.values()], ids=["plain", "accumulated", *EVENTS]
)
def test_lightning_leaves_the_trace_of_the_explicit_calls(run_job, lightning, monkeypatch, options):
    monkeypatch.setenv("PYTHONPATH", str(lightning))
    explicit, _ = run_job(JOB, loop="explicit", **options)
    trace, _ = run_job(JOB, loop="lightning", **options)
    assert_same(trace, explicit)


@pytest.mark.parametrize("recorded", [True, False])
def test_the_script_of_the_documentation_runs_with_the_recorder_and_without(scripts, tmp_path, recorded):
    shutil.copy(ROOT / "docs" / "how-to" / "loop.py", tmp_path / "script.py")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["HARNESS_TRACE"] = str(tmp_path / "trace.jsonl")
    if recorded:
        environment["PYTHONPATH"] = str(ROOT / "harness" / "recorder")
    done = scripts.run(["script.py"], cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"loss \d\.\d{4}\n", done.stdout)
    trace = read_trace(tmp_path / "trace.jsonl")
    assert len(trace.rows) == (30 if recorded else 0)
    if recorded:
        assert {"loss", "trained.weight_checksum"} <= set(trace.columns)
        assert [one["name"] for one in trace.census["parameters"]] == ["bias", "weight"]
