"""Jobs without a model: a recorder of plain numbers needs the standard library alone."""

from __future__ import annotations

import ast
import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness_recorder import Recorder

from harness.probes.probe import Execution
from harness.traces.read import read_trace
from harness.verdicts.judge import judge

# As torch says it: the caching allocator of CUDA since 2.2 and before, and the CPU's.
OUT_OF_MEMORY = {
    "20.00 GiB": "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which "
    "1.02 GiB is free. Including non-PyTorch memory, this process has 78.07 GiB memory in use.",
    "2.00 MiB": "CUDA out of memory. Tried to allocate 2.00 MiB (GPU 0; 10.76 GiB total capacity; 9.90 GiB already "
    "allocated; 2.44 MiB free; 9.94 GiB reserved in total by PyTorch)",
    "1.70 GiB": "CUDA out of memory. Tried to allocate 1.70 GiB. GPU 0 has a total capacty of 6.00 GiB of which 0 bytes "
    "is free. Of the allocated memory 2.93 GiB is allocated by PyTorch",  # the spelling is that of torch 2.1
    "48000000000 bytes": "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 48000000000 bytes. Error code 12 (Cannot allocate memory)",
}

RECORDER = Path(__file__).parents[2] / "harness" / "recorder"


def events(path):
    """Read strict JSON: a bare NaN is an error."""

    def refuse(constant):
        raise ValueError(constant)

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def test_a_whole_job(traced):
    with Recorder(settings={"lr": 0.1}, device="cpu") as recorder:
        recorder.begin(batches=[[1, 2], [3, 4]])
        for step in range(3):
            recorder.step(loss=1 / (step + 1))
    assert [event["event"] for event in events(traced)] == [
        "start", "identity", "training", "columns", "step", "step", "step", "end",
    ]  # fmt: skip
    trace = read_trace(traced)
    assert trace.signal("loss") == [1.0, 0.5, 1 / 3]
    assert trace.start["settings"] == {"lr": 0.1}
    assert trace.start["device"] == "cpu"
    assert trace.end["reason"] == "finished"
    assert trace.end["steps"] == 3
    assert trace.end["memory_peak"] > 1_000_000
    assert trace.census is None


def test_equal_batches_have_equal_digests(traced):
    def digest(batches):
        with Recorder() as recorder:
            recorder.begin(batches=batches)
        return read_trace(traced).identity["batches"]

    assert digest([{"x": 1, "y": 2}]) == digest([{"y": 2, "x": 1}])
    assert digest([1, 2]) != digest([2, 1])


def test_signals_may_be_added_later(traced):
    with Recorder() as recorder:
        recorder.begin()
        recorder.step(loss=1)
        recorder.step(loss=2, accuracy=0.5)
        recorder.step(accuracy=0.75)
    trace = read_trace(traced)
    assert trace.columns == ("loss", "accuracy")
    assert trace.signal("loss") == [1.0, 2.0, None]
    assert trace.signal("accuracy") == [None, 0.5, 0.75]


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_non_finite_loss_asks_for_an_early_end(traced, loss):
    with Recorder() as recorder:
        recorder.begin()
        recorder.step(loss=1.0)
        assert not recorder.stopped
        recorder.step(loss=loss)
        assert recorder.stopped == "non-finite loss at step 2"
    events(traced)
    trace = read_trace(traced)
    assert repr(trace.signal("loss")[1]) == repr(loss)
    assert trace.nonfinite == (
        {"step": 2, "phase": "forward", "what": "loss", "parameter": None, "count": 1, "of": 1},
    )
    assert trace.end["reason"] == "stopped: non-finite loss at step 2"


def test_an_early_end_can_be_declined(traced):
    with Recorder(stop_early=False) as recorder:
        recorder.begin()
        recorder.step(loss=math.nan)
        recorder.step(loss=math.nan)
        assert not recorder.stopped
    assert len(read_trace(traced).nonfinite) == 1


def test_an_error_before_training_has_no_step(traced):
    with pytest.raises(ValueError, match="planted"), Recorder():
        raise ValueError("planted")
    trace = read_trace(traced)
    assert not trace.training
    assert (trace.error["step"], trace.error["phase"], trace.error["exception"]) == (None, None, "ValueError")
    assert trace.end["reason"] == "failed: ValueError"
    assert trace.end["seconds"]["training"] is None


def test_the_message_of_an_error_does_not_tell_the_environment_apart(traced):
    with pytest.raises(ImportError), Recorder():
        raise ImportError("no name 'x' from 'a.b' (/home/me/.state/environments/1f/lib/site-packages/a/b.py)")
    assert read_trace(traced).error["message"] == "no name 'x' from 'a.b' (a/b.py)"


@pytest.mark.parametrize("phase", ["forward", "backward", "optimizer"])
def test_an_error_in_training_names_step_and_phase(traced, phase):
    def job():
        with Recorder() as recorder:
            recorder.begin()
            recorder.forward(1.0)
            recorder.backward()
            recorder.step()
            if phase != "forward":
                recorder.forward(1.0)
            if phase == "optimizer":
                recorder.backward()
            raise ValueError("planted " * 1000)

    with pytest.raises(ValueError, match="planted"):
        job()
    trace = read_trace(traced)
    assert trace.training
    assert (trace.error["step"], trace.error["phase"]) == (2, phase)
    assert 8 < len(trace.error["message"]) <= 2000
    assert not trace.error["out_of_memory"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate"),
        RuntimeError(
            "HIP out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 63.98 GiB"
        ),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_out_of_memory_is_told_apart(traced, error):
    with pytest.raises(type(error)), Recorder():
        raise error
    assert read_trace(traced).error["out_of_memory"]


@pytest.mark.parametrize("size", OUT_OF_MEMORY)
def test_what_torch_could_not_allocate_is_a_skip_that_names_the_size(traced, size):
    def job():
        with Recorder() as recorder:
            recorder.begin()
            raise RuntimeError(OUT_OF_MEMORY[size])

    with pytest.raises(RuntimeError):
        job()
    ended = judge(Execution("exit", 1, 1.0, 0), read_trace(traced), {"kind": "training"})
    assert ended.verdict == "skip"
    assert ended.reason.startswith("out of memory: ")
    assert size in ended.reason


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: device-side assert triggered",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`",
        "expected scalar type Half but found Float",
    ],
)
def test_other_errors_of_a_gpu_are_no_want_of_memory(traced, message):
    with pytest.raises(RuntimeError), Recorder():
        raise RuntimeError(message)
    assert not read_trace(traced).error["out_of_memory"]


def test_an_interrupt_is_no_error_of_the_job(traced):
    def job():
        with Recorder() as recorder:
            recorder.begin()
            recorder.step(loss=1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job()
    trace = read_trace(traced)
    assert trace.error is None
    assert trace.end is None
    assert trace.signal("loss") == [1.0]


def test_without_a_trace_the_job_runs_all_the_same(monkeypatch, tmp_path):
    monkeypatch.delenv("HARNESS_TRACE", raising=False)
    monkeypatch.chdir(tmp_path)
    with Recorder() as recorder:
        recorder.begin()
        recorder.step(loss=math.nan)
    assert recorder.stopped
    assert list(tmp_path.iterdir()) == []


def test_a_killed_job_leaves_a_readable_trace(tmp_path):
    job = tmp_path / "job.py"
    job.write_text(
        "import os, signal, sys\n"
        "from harness_recorder import Recorder\n"
        "with Recorder() as recorder:\n"
        "    recorder.begin()\n"
        "    for step in range(5):\n"
        "        recorder.step(loss=step)\n"
        "    assert 'torch' not in sys.modules\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    trace = tmp_path / "deep" / "trace.jsonl"
    environment = {"HARNESS_TRACE": str(trace), "PYTHONPATH": str(RECORDER), "HARNESS_STARTED": "0"}
    done = subprocess.run([sys.executable, str(job)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    read = read_trace(trace)
    assert read.training
    assert read.signal("loss") == [0, 1, 2, 3, 4]
    assert read.end is None
    assert read.start["seconds"] > 1e9  # since the time that the harness gave
    cut = trace.read_bytes()[:-10]
    trace.write_bytes(cut)
    assert read_trace(trace).signal("loss") == [0, 1, 2, 3]


@pytest.mark.parametrize("file", sorted(RECORDER.rglob("*.py")), ids=lambda path: path.name)
def test_the_recorder_is_python_3_8(file):
    ast.parse(file.read_text(), feature_version=(3, 8))


def test_the_drivers_version_is_read_from_what_it_says(tmp_path):
    from harness_recorder.host import driver

    said = tmp_path / "version"
    for kind in ("Kernel Module", "Open Kernel Module for x86_64"):
        said.write_text(f"NVRM version: NVIDIA UNIX x86_64 {kind}  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n")
        assert driver(str(said)) == "550.54.15"
    said.write_text("something else 1.2.3\n")
    assert driver(str(said)) is None
    assert driver(str(tmp_path / "absent")) is None
