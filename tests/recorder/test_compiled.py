"""What torch.compile did is a part of the trace: graphs, graph breaks, recompilations."""

from __future__ import annotations

from pathlib import Path

import pytest

JOBS = Path(__file__).parent / "jobs"
LLAMA = Path(__file__).parents[2] / "scenarios" / "llama_seq_cls" / "job.py"


def test_graphs_and_graph_breaks_and_recompilations_are_counted(run_job):
    trace, done = run_job(JOBS / "compiled.py")
    assert done.returncode == 0, done.stderr
    assert trace.signal("loss") == [9.0, 9.0, 12.0]
    assert trace.signal("compile.graphs") == [2, 2, 4]
    assert trace.signal("compile.graph_breaks") == [1, 1, 2]
    assert trace.signal("compile.recompiles") == [0, 0, 2]


def test_without_the_compiler_nothing_is_counted(run_job):
    trace, _ = run_job(JOBS / "compiled.py", compile="false")
    assert trace.columns == ("loss",)


@pytest.mark.real
def test_inductor_without_a_compiler_of_c_is_an_error_before_training(run_job, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    trace, _ = run_job(LLAMA, compile="inductor", device="cpu", steps=2)
    assert not trace.training
    assert "needs a C++ compiler on a CPU, and there is no no-such-compiler" in trace.error["message"]


@pytest.mark.real
def test_a_compiled_job_trains_as_the_one_that_is_not(run_job):
    plain, _ = run_job(LLAMA, dtype="bfloat16", steps=2)
    compiled, done = run_job(LLAMA, dtype="bfloat16", steps=2, compile="eager")
    assert done.returncode == 0, done.stderr
    assert compiled.signal("loss") == plain.signal("loss")
    assert compiled.signal("compile.graph_breaks") == [0, 0]
