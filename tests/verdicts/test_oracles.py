"""Oracles on traces that few jobs leave: what is not finite comes first, and what was not measured is no verdict."""

from __future__ import annotations

import pytest

from harness.probes.probe import Execution
from harness.traces.trace import Trace
from harness.verdicts.calibration import Calibration, ReferenceRun
from harness.verdicts.oracles import apply, by_end, with_defaults
from harness.verdicts.oracles.output import compare_outputs
from harness.verdicts.verdict import SkipKind, Verdict

NAN = float("nan")
COMPARED = [
    {"kind": "output"},
    {"kind": "census"},
    {"kind": "warnings"},
    {"kind": "performance"},
    {"kind": "metric"},
]


def trained(*losses, **facts):
    return Trace(
        columns=("loss",),
        steps=tuple(range(1, len(losses) + 1)),
        rows=tuple((one,) for one in losses),
        **facts,
    )


@pytest.mark.parametrize("oracle", COMPARED, ids=lambda oracle: oracle["kind"])
@pytest.mark.parametrize("loss", [NAN, None, float("inf")])
def test_a_loss_that_is_not_finite_is_bad_whatever_is_compared(oracle, loss):
    found = apply(trained(1.0, loss, census={"parameters": []}), oracle)
    assert (found.verdict, found.fingerprint.kind, found.fingerprint.step) == (
        Verdict.BAD,
        "non-finite loss",
        2,
    )


def test_a_gradient_that_is_not_finite_is_no_failure_of_its_own():
    event = {"what": "gradient", "step": 1, "phase": "backward", "parameter": "w"}
    assert apply(trained(1.0, nonfinite=(event,)), {"kind": "training"}).verdict == Verdict.GOOD
    weight = {**event, "what": "weight", "count": 3, "of": 8}
    found = apply(trained(1.0, nonfinite=(event, weight)), {"kind": "training"})
    assert found.reason == "non-finite weight at step 1, backward, in w (3 of 8 values)"


@pytest.mark.parametrize(
    ("oracle", "trace", "reason"),
    [
        ({"kind": "training"}, Trace(), "the job ended without a single training step"),
        ({"kind": "census"}, Trace(), "no census: the job hands no model to recorder.begin"),
        (
            {"kind": "performance", "signal": "python_calls"},
            trained(1.0, records={"python_calls": [3.0]}),
            'python_calls repeats exactly, so nothing is interleaved to compare it: take kind = "metric"',
        ),
        (
            {"kind": "performance", "signal": "mine"},
            Trace(),
            (
                "mine is not known of this job; the harness itself measures step_seconds, steps_per_second, "
                "tokens_per_second, memory_peak, wall_seconds, import_seconds"
            ),
        ),
        ({"kind": "performance", "signal": "step_seconds"}, Trace(), "step_seconds is not known of this job"),
        (
            {"kind": "performance", "signal": "memory_peak"},
            Trace(records={"wall_seconds": [1.0]}),
            "memory_peak is below what can be measured",
        ),
        (
            {"kind": "output", "only": "logits"},
            Trace(),
            "no output that logits names was recorded: the job calls recorder.output(name, value)",
        ),
        (
            {"kind": "output", "exit_status": True},
            Trace(),
            "no output was recorded: the script calls harness.output(name, value)",
        ),
    ],
)
def test_what_was_not_measured_is_a_skip(oracle, trace, reason):
    found = apply(trace, oracle)
    assert (found.verdict, found.skip_kind, found.reason) == (Verdict.SKIP, SkipKind.NOT_MEASURED, reason)


@pytest.mark.parametrize(
    ("settings", "code", "output", "verdict", "reason"),
    [
        ({}, 3, "a\nlast words\n", Verdict.SKIP, "failed without an exception: last words (exit status 3)"),
        ({"none": "bad"}, 3, "", Verdict.SKIP, "failed without an exception: "),
        ({"none": "bad"}, 0, "", Verdict.BAD, "no exception was raised"),
        ({"none": "skip"}, 0, "", Verdict.SKIP, "no exception was raised"),
        (
            {},
            0,
            "Traceback (most recent call last):\nValueError: x\n",
            Verdict.GOOD,
            "no exception was raised",
        ),
        ({}, 1, "Traceback (most recent call last):\nValueError: x\n", Verdict.BAD, "ValueError: x"),
        (
            {"good": "^ValueError"},
            1,
            "Traceback (most recent call last):\nValueError: x\n",
            Verdict.GOOD,
            "raised as it should be: ValueError: x",
        ),
        (
            {"bad": "KeyError"},
            1,
            "Traceback (most recent call last):\nValueError: x\n",
            Verdict.SKIP,
            "another exception than those looked for: ValueError: x",
        ),
    ],
)
def test_the_exception_that_ends_a_job_decides(settings, code, output, verdict, reason):
    found = by_end(Execution("exit", code, 1.0, None), Trace(), output, {"kind": "exception", **settings})
    assert found.verdict == verdict
    assert found.reason.startswith(reason)


def test_an_output_that_differs_where_no_value_is_kept_differs():
    """Of a large tensor every n-th value is kept, and a digest of all."""
    figures = {"nan": 0, "inf": 0, "min": 1.0, "max": 1.0, "mean": 1.0}
    one = {"name": "logits", "dtype": "float32", "shape": [8], "every": 2, "values": [1.0] * 4, **figures}
    good, other = (Trace(outputs=({**one, "digest": digest},)) for digest in ("a", "b"))
    calibration = Calibration("1.0", [ReferenceRun(good, "p"), ReferenceRun(good, "p", 1)], 1)
    settings = with_defaults({"kind": "output", "atol": 0.0})
    found = compare_outputs(calibration, [other], settings)
    assert (found.verdict, found.reason) == (
        Verdict.BAD,
        "output logits differs in values that are not kept: one in 2 is",
    )
    assert compare_outputs(calibration, [other], {**settings, "atol": 1e-6}).verdict == Verdict.GOOD
    assert compare_outputs(calibration, [good], settings).reason == "1 output as of 1.0, bit for bit"
