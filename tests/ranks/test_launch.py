"""Two ranks as one process tree: each end has its verdict, and names the rank that failed first."""

from __future__ import annotations

import json
import socket

import psutil
import pytest
from ranks.jobs import job

from harness.probes.ranks import _PORT, merge
from harness.traces.rank import outputs_of
from harness.traces.read import read_trace

EXIT = {"kind": "exit-status", "exit_status": True}
NO_PORT = "raise RuntimeError('The server socket has failed to listen: EADDRINUSE')"


@pytest.mark.parametrize(
    ("code", "verdict", "said", "fingerprint"),
    [
        (job(), "good", "finite over 5 steps", None),
        (
            job("if rank == 1 and step == 3: raise ValueError('planted')"),
            "bad",
            "rank 1: ValueError: planted (step 3",
            {"kind": "exception", "step": 3, "phase": "forward", "exception": "ValueError", "rank": 1},
        ),
        (
            job("if step == 3: raise ValueError('planted')"),
            "bad",
            "every rank: ValueError: planted",
            {"kind": "exception", "step": 3, "phase": "forward", "exception": "ValueError"},
        ),
        (
            job("if rank == 1 and step == 3: break"),
            "bad",
            "rank 1 has ended (exit status 0)",
            {"kind": "ranks out of step", "step": 3, "rank": 1},
        ),
        (
            job("if rank == 1 and step == 3: os.kill(os.getpid(), 9)"),
            "skip",
            "rank 1: killed by SIGKILL, as when memory runs out, twice",
            None,
        ),
        (job("if rank == 1 and step == 2: raise MemoryError"), "skip", "rank 1: out of memory", None),
        (
            job().replace("loss=all_reduce(1 / step)", "loss=all_reduce(1 / step) / (rank == 0 or 1e-9)"),
            "bad",
            "rank 1: did not learn",
            {"kind": "loss not learnt", "rank": 1},
        ),
        (NO_PORT, "skip", "the ranks find no port to meet at", None),
        ("import nosuchmodule", "skip", "every rank: error before training: ModuleNotFoundError", None),
    ],
)
def test_each_end_has_its_verdict(probe, code, verdict, said, fingerprint):
    _, judgement = probe(code)
    assert said in judgement.reason
    assert judgement.verdict == verdict
    assert (judgement.fingerprint.to_dict() if judgement.fingerprint else None) == fingerprint


def test_a_hang_is_bad_once_it_was_seen_twice_and_its_stack_is_kept(probe):
    result, judgement = probe(job("if rank == 1 and step == 3: time.sleep(600)"))
    assert judgement.verdict == "bad"
    assert judgement.fingerprint.to_dict() == {"kind": "ranks out of step", "step": 3}
    assert "they hang, twice: rank 0 waits in all_reduce after 2 steps" in judgement.reason
    first, second = result.trace().ranks
    assert "in all_reduce" in first.stack
    assert "in <module>" in second.stack
    assert (first.ended_by, second.ended_by) == ("harness", "harness")


def test_a_hang_and_the_crash_of_the_same_fault_are_one_failure(probe):
    _, hangs = probe(job("if rank == 1 and step == 3: time.sleep(600)"))
    _, crashes = probe(job("if rank == 1 and step == 3: break"))
    assert hangs.same_end(crashes)


def test_a_job_that_works_does_not_hang_though_its_time_is_up(probe):
    body = "\n        while rank == 1 and step == 3: pass"
    result, judgement = probe(job(body), timeout=6.0)
    assert judgement.verdict == "skip"
    assert "out of time" in judgement.reason
    assert "rank 0 waits in all_reduce after 2 steps" in judgement.reason
    assert result.execution.attempts == 2


def test_a_rank_that_aborts_once_its_script_is_done_is_not_bad(probe):
    result, judgement = probe(job() + "\nimport atexit\nif rank == 1: atexit.register(os.abort)\n")
    assert judgement.verdict == "good"
    assert result.execution.attempts == 2
    assert result.trace().ranks[1].status == -6


def test_who_is_ended_or_aborts_since_another_one_failed_is_no_first_failure(probe):
    body = (
        "if rank == 1 and step == 3: raise ValueError('planted')\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "        if rank == 0 and step == 3: time.sleep(0.3); os.abort()"
    )
    _, judgement = probe(job(body))
    assert judgement.reason == "rank 1: ValueError: planted (step 3, forward)"


def test_a_script_is_judged_by_the_end_of_each_rank(probe):
    _, well = probe(job(), oracle=EXIT)
    assert well.verdict == "good"
    _, badly = probe("import os, sys\nsys.exit(7 * (os.environ['RANK'] == '1'))", oracle=EXIT)
    assert badly.fingerprint.to_dict() == {"kind": "exit status 7", "rank": 1}


def test_what_a_rank_prints_carries_its_number(probe):
    result, _ = probe(job())
    assert outputs_of(result.output()) == {0: "loss=0.5\n", 1: "loss=0.25\n"}
    records = result.read()[0].records
    assert (records["loss"], records["loss@1"]) == ([0.5], [0.25])


def test_memory_of_all_ranks_counts_together(probe):
    code = job().replace("other = meet()", "other = meet(); held = bytearray(60 << 20)")
    alone, together = (probe(code, ranks=2)[0], probe(job(), ranks=2)[0])
    assert alone.execution.memory_peak > together.execution.memory_peak + (100 << 20)


def test_no_process_and_no_port_is_left(probe):
    mark = "a-mark-of-ranks-that-nobody-else-has"
    body = f"os.environ[{mark!r}] = '1'\n        if step == 2 and not os.fork(): time.sleep(600)"
    probe(job(body), isolation="none")
    left = [one for one in psutil.process_iter(["cmdline"]) if "job.py" in str(one.info["cmdline"])]
    assert not [one for one in left if str(one.cwd()).startswith("/tmp") and mark in str(one.environ())]
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", _PORT))


def test_two_at_a_time_meet_at_the_same_port_where_each_has_its_own_network(probe):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: probe(job(), repeat=name), [0, 1]))
    assert [judgement.verdict for _, judgement in results] == ["good", "good"]


def test_ranks_that_another_launcher_starts_have_a_trace_each(probe):
    launcher = (
        "import os, subprocess, sys\n"
        "code = '''from harness_recorder import Recorder\n"
        "with Recorder() as recorder:\n"
        "    recorder.begin()\n"
        "    for step in range(1, 6): recorder.step(loss=1 / step)\n'''\n"
        "ranks = [subprocess.Popen([sys.executable, '-c', code], env={**os.environ, 'RANK': str(rank),\n"
        "         'WORLD_SIZE': '2'}) for rank in range(2)]\n"
        "sys.exit(max(rank.wait() for rank in ranks))\n"
    )
    result, judgement = probe(launcher, ranks=1)
    assert judgement.verdict == "good"
    assert [len(rank.trace.steps) for rank in result.trace().ranks] == [5, 5]


def test_the_trace_of_a_rank_counts_up_to_a_line_that_is_nested_too_deep(tmp_path):
    (tmp_path / "trace.jsonl.rank0").write_text('{"event": "training"}\n' + "[" * 100_000 + "\n")
    (tmp_path / "trace.jsonl.rank1").write_text('{"event": "training"}\n')
    merge(tmp_path)
    assert [rank.trace.training for rank in read_trace(tmp_path / "trace.jsonl").ranks] == [True, True]


def test_the_story_of_all_ranks_is_one_file(probe):
    result, _ = probe(job())
    events = [json.loads(line) for line in (result.folder / "trace.jsonl").read_text().splitlines()]
    assert [event["rank"] for event in events if event["event"] == "rank"] == [0, 1]
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "output.txt",
        "probe.json",
        "trace.jsonl",
    ]
