"""A loss scale that adapts itself: its path, and the shares of gradients that overflow, underflow, or are saved by it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

JOB = Path(__file__).parent / "jobs" / "scaling.py"
COLUMNS = ["loss_scale", *(f"loss_scale.{name}" for name in ("overflow", "zero", "subnormal", "rescued"))]


def test_every_figure_is_what_it_is_said_to_be(run_job):
    trace, done = run_job(JOB)
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    assert [list(row) for row in zip(*map(trace.signal, COLUMNS), strict=True)] == plain
    scales, *shares = zip(*plain, strict=True)
    assert max(scales) > scales[0]
    assert any(later < scale for scale, later in itertools.pairwise(scales))
    assert all(any(share) for share in shares), "each kind has to occur in this job"


def test_a_step_that_overflows_is_recorded_and_the_training_goes_on(run_job):
    trace, _ = run_job(JOB)
    left_out = [step for step, share in zip(trace.steps, trace.signal(COLUMNS[1]), strict=True) if share]
    assert trace.nonfinite[0]["step"] == left_out[0]
    updates = dict(zip(trace.steps, trace.signal("all.update_ratio"), strict=True))
    assert {step for step, ratio in updates.items() if ratio == 0} == set(left_out)
    assert trace.end["reason"] == "finished"


def test_a_recorder_that_is_attached_refuses_a_scaler(run_job):
    trace, _ = run_job(JOB, attach="true")
    assert "call begin, forward, backward, step" in trace.error["message"]
