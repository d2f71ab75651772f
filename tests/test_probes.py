"""Probes as real processes: limits, survivors, output, surroundings, and the verdict that each end deserves."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from harness.probes import sandbox
from harness.probes.execute import execute
from harness.probes.launch import CleanLauncher
from harness.probes.probe import Execution, Probe
from harness.probes.process import HEAD, TAIL, Processes
from harness.probes.store import Store
from harness.state import State
from harness.traces.measured import measured
from harness.traces.read import read_trace
from harness.traces.trace import Trace
from harness.verdicts.judge import judge
from harness.verdicts.verdict import Verdict

ORACLE = {"kind": "training", "loss_below": 0.5, "loss_window": 2}


class Here:
    """The tests' own Python, standing where an environment stands."""

    python = Path(sys.executable)
    seconds = 0.0


@pytest.fixture
def probe(tmp_path):
    """Execute a piece of code as a job and return its result and judgement."""

    def run(code, *, timeout=30.0, repeat=0, parameters=None):
        job = tmp_path / "job.py"
        job.write_text(code, encoding="utf-8")
        wanted = Probe("lock", job, code, parameters or {}, timeout=timeout, repeat=repeat)
        result = execute(wanted, Here(), Store(State(tmp_path / "home")), CleanLauncher(Processes()))
        return result, judge(result.execution, result.trace(), ORACLE, result.output())

    return run


def job(body, before=""):
    return (
        f"import sys, os, signal\n{before}\nfrom harness_recorder import Recorder\n"
        f"with Recorder() as recorder:\n    recorder.begin()\n    for step in range(1, 6):\n        {body}\n        recorder.step(loss=1 / step)\n"
    )


@pytest.mark.parametrize(
    ("code", "verdict", "said"),
    [
        (job("pass"), "good", "finite over 5 steps, mean loss of the last 2 steps 0.225 < 0.5"),
        (job("recorder.step(loss=float('nan'))"), "bad", "non-finite loss at step 1"),
        (job("recorder.step(loss=float('inf'))"), "bad", "non-finite loss at step 1"),
        (job("recorder.step(loss=3.0)"), "bad", "did not learn"),
        (job("raise ValueError('planted')"), "bad", "ValueError: planted (step 1"),
        (job("raise MemoryError('planted')"), "skip", "out of memory: planted, twice"),
        (job("pass", before="import nosuchmodule"), "skip", "error before training: ModuleNotFoundError: No module named 'nosuchmodule'"),
        (job("os.kill(os.getpid(), signal.SIGKILL)"), "skip", "killed by SIGKILL"),
        (job("os._exit(7)"), "skip", "the trace breaks off"),
        ("print('no recorder here')", "skip", "error before training: no recorder here"),
        ("", "skip", "exit status 0 and no output"),
        ("from harness_recorder import Recorder\nwith Recorder() as r:\n    raise KeyError('x')", "skip", "error before training: KeyError"),
    ],
)  # fmt: skip
def test_each_end_has_its_verdict(probe, code, verdict, said):
    _, judgement = probe(code)
    assert judgement.verdict == verdict
    assert said in judgement.reason


def test_a_bad_end_has_a_fingerprint(probe):
    _, judgement = probe(job("if step == 3: raise ValueError('planted')"))
    assert judgement.fingerprint.to_dict() == {
        "kind": "exception",
        "step": 3,
        "phase": "forward",
        "exception": "ValueError",
    }


def test_out_of_time_is_a_skip_and_nobody_survives(probe, tmp_path):
    mark = tmp_path / "child"
    code = (
        "import subprocess, sys, time, os\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
        f"open({str(mark)!r}, 'w').write(str(child.pid))\ntime.sleep(300)\n"
    )
    started = time.monotonic()
    result, judgement = probe(code, timeout=1.5)
    assert time.monotonic() - started < 20
    assert judgement.verdict == Verdict.SKIP
    assert "out of time" in judgement.reason
    assert result.execution.attempts == 2
    child = int(mark.read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_gigabyte_of_output_is_capped(probe):
    code = (
        "import sys\nline = 'x' * (1 << 20)\nfor _ in range(1000): sys.stdout.write(line)\nprint('the end')"
    )
    result, _ = probe(code, timeout=120)
    kept = (result.folder / "output.txt").stat().st_size
    assert kept <= HEAD + TAIL + 100
    assert "bytes left out" in result.output()
    assert result.output().rstrip().endswith("the end")


def test_output_that_is_no_text_is_kept(probe):
    result, _ = probe("import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\x00 done')")
    assert result.output().endswith("done")


def test_a_stored_probe_is_not_executed_again(probe, tmp_path):
    mark = tmp_path / "count"
    code = f"open({str(mark)!r}, 'a').write('x')\n" + job("pass")
    first, _ = probe(code)
    second, _ = probe(code)
    assert mark.read_text() == "x"
    assert first == second
    probe(code, repeat=1)
    assert mark.read_text() == "xx"
    probe(code, parameters={"steps": 3})
    assert mark.read_text() == "xxx"


def test_a_damaged_result_is_executed_again(probe):
    result, _ = probe(job("pass"))
    (result.folder / "probe.json").write_text('{"execution": ', encoding="utf-8")
    again, judgement = probe(job("pass"))
    assert judgement.verdict == Verdict.GOOD
    assert again.folder == result.folder


def test_cancelling_ends_what_runs_and_stores_nothing(tmp_path):
    script = tmp_path / "job.py"
    script.write_text("import time; time.sleep(300)", encoding="utf-8")
    store, processes = Store(State(tmp_path / "home")), Processes()
    wanted = Probe("lock", script, "digest", {}, timeout=300)
    raised = []

    def work():
        try:
            execute(wanted, Here(), store, CleanLauncher(processes))
        except KeyboardInterrupt as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    processes.cancel()
    thread.join(timeout=20)
    assert raised
    assert store.find(wanted.digest) is None
    assert not list((tmp_path / "home").rglob("*.tmp"))


LEAK = 33_000_000


@pytest.mark.parametrize(
    "holds",
    [
        "kept = [b'x' * 1_000_000 for _ in range(33)]",
        "bytearray(b'x') * 33_000_000",  # given back at once
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'b = b\"x\" * 33_000_000'], check=True)",
        "import sys\nkept = b'x' * 33_000_000\nsys.exit(3)",
        "kept = b'x' * 33_000_000\nraise ValueError",
    ],
)
def test_the_memory_of_a_small_probe_is_its_own(probe, holds):
    """Whoever starts it is larger than all of it, and Linux counts a process from its starter's size."""
    ballast = bytearray(b"x") * 100_000_000
    empty, _ = probe("import subprocess, sys")
    result, _ = probe(holds)
    assert len(ballast) > result.execution.memory_peak
    assert result.execution.memory_peak - empty.execution.memory_peak == pytest.approx(LEAK, rel=0.4)


@pytest.mark.parametrize(
    ("command", "peak"),
    [
        ((sys.executable, "-c", "import os\nkept = b'x' * 300_000_000\nos._exit(0)"), 300_000_000),
        ((sys.executable, "-c", "import os\nkept = b'x' * 33_000_000\nos._exit(0)"), 33_000_000),
        (("true",), None),
    ],
)
def test_the_memory_of_a_command_is_known_above_the_clean_parents_own(tmp_path, command, peak):
    """A process that does not come to its end measures nothing itself; the harness's own size does not count."""
    ballast = bytearray(b"x") * 100_000_000
    launcher = CleanLauncher(Processes())
    execution, _ = launcher.launch(Probe("lock", None, "job", {}, command=command), Here(), tmp_path)
    assert len(ballast) > 0
    if peak is None:
        assert execution.memory_peak is None
    else:
        assert peak < execution.memory_peak < peak + 20_000_000


def test_memory_that_cannot_be_measured_is_a_skip():
    trace = Trace(records=measured(Trace(), seconds=1.0, memory_peak=None))
    for settings in (
        {"kind": "performance", "signal": "memory_peak"},
        {"kind": "metric", "signal": "memory_peak", "expect": "<1e9"},
    ):
        judgement = judge(Execution("exit", 0, 1.0, None), trace, {**settings, "exit_status": True})
        assert judgement.verdict == Verdict.SKIP
        assert judgement.reason == "memory_peak is below what can be measured"


def test_the_probe_sees_no_secret_and_no_network(tmp_path):
    secrets = {
        "HF_TOKEN": "s",
        "AWS_SECRET_ACCESS_KEY": "s",
        "GITHUB_TOKEN": "s",
        "WANDB_API_KEY": "s",
        "PYTHONPATH": "/x",
    }
    seen = sandbox.variables(
        tmp_path, threads=2, trace=tmp_path / "t", environ={**secrets, "PATH": "/bin", "LC_ALL": "C"}
    )
    assert "s" not in seen.values()
    assert seen["PATH"] == "/bin"
    assert seen["LC_ALL"] == "C"
    assert seen["HF_HUB_OFFLINE"] == seen["TRANSFORMERS_OFFLINE"] == "1"
    assert seen["OMP_NUM_THREADS"] == "2"
    assert seen["HOME"] == str(tmp_path)
    assert "127.0.0.1:9" in seen["https_proxy"]
    assert "/x" not in seen["PYTHONPATH"].split(os.pathsep)


def test_a_trace_is_readable_up_to_any_cut(probe, tmp_path):
    result, _ = probe(job("pass"))
    text = (result.folder / "trace.jsonl").read_bytes()
    whole = read_trace(result.folder / "trace.jsonl")
    assert whole.signal("loss") == [1 / step for step in range(1, 6)]
    for cut in range(0, len(text), 7):
        (tmp_path / "cut.jsonl").write_bytes(text[:cut])
        part = read_trace(tmp_path / "cut.jsonl")
        assert part.signal("loss") == whole.signal("loss")[: len(part.steps)]
    for line in text.decode().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_not_identical_is_a_skip():
    trace = Trace(
        start={},
        end={},
        training=True,
        identity={"start": "a", "batches": "b", "expected": "c"},
        columns=("loss",),
        steps=(1,),
        rows=((0.1,),),
    )
    judgement = judge(Execution("exit", 0, 1.0, 1), trace, ORACLE)
    assert judgement.verdict == Verdict.SKIP
    assert judgement.reason.startswith("not identical")
