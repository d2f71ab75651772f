"""The self-test of a device: executed on the CPU as a user does it, and its judgements on what no CPU shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.probes.store import Store
from harness.releases.release import Release
from harness.report.model import ArmResult, BoundaryResult, Report
from harness.selftest.ending import trains
from harness.selftest.facts import facts_of, judge_facts
from harness.selftest.page import markdown, page
from harness.selftest.plan import Change, read_plan
from harness.selftest.releases import Executed, judge_beside, judge_repeats, judge_warm
from harness.selftest.run import _Steps
from harness.selftest.seen import NOT_YET_SEEN, read_seen, seen_table
from harness.selftest.summary import State, Step, Summary, read_summary
from harness.sessions.finding import Finding
from harness.state import State as StateDirectory
from harness.traces.trace import Trace
from harness.verdicts.verdict import Judgement, Verdict

ROOT = Path(__file__).parent.parent
NOT_ON_A_CPU = {
    "boundaries as on the CPU",
    "TF32 off and on",
    "model of a billion parameters",
    "two ranks on two cards, NCCL",
}
GPU = Summary(
    started="2026-11-26T01:00:00+00:00",
    harness="0.1.0",
    device="cuda",
    name="NVIDIA <T4>",
    facts={"torch": "2.13.0+cu128", "CUDA": "12.8"},
    steps=(
        Step("time limit", State.PASSED, ("skip: out of time", "no process remains"), 3.0),
        Step("two ranks on two cards, NCCL", State.NOT_APPLICABLE, ("there is one card",), 0.0),
        Step("Ctrl-C", State.FAILED, ("1 processes hold the card",), 4.0),
    ),
    seconds=7.0,
)


@pytest.mark.real
def test_it_passes_on_the_cpu(real_home, harness, tmp_path):
    done = harness("selftest", "--device", "cpu", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = tmp_path.glob("*-selftest-cpu")
    summary = read_summary(folder / "summary.json")
    states = {step.name: step.state for step in summary.steps}
    assert {name for name, state in states.items() if state == State.NOT_APPLICABLE} == NOT_ON_A_CPU
    assert {state for name, state in states.items() if name not in NOT_ON_A_CPU} == {State.PASSED}
    assert summary.facts["torch"].startswith("2.13.0")
    for path in (folder / "summary.json", folder / "summary.md"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|opt|usr|work|pytest)\b", text), "a summary names no path"
    assert "All 11 steps that apply passed" in (folder / "index.html").read_text(encoding="utf-8")


def test_the_plan_names_releases_of_the_index():
    plan = read_plan()
    listed = [Release(one) for one in (*plan.releases[:-1], "0.21.2", "1.0.0rc1")]
    assert plan.chosen(listed, "peft", "cuda") == [*plan.releases[:-1], "0.21.2"]
    assert plan.chosen(listed, "peft", "cpu") == list(plan.cpu_releases)
    assert len(plan.expected(plan.cpu_releases)) == 5
    assert plan.expected(plan.releases) == set(plan.boundaries)
    with pytest.raises(UsageError, match=r"needs peft 0\.6\.2"):
        plan.chosen([one for one in listed if one.version != "0.6.2"], "peft", "cpu")


def test_another_recording_in_the_same_home_is_not_taken_for_the_one_that_trains(tmp_path):
    """Ctrl-C was pressed before the training began, since another process trained."""
    store = Store(StateDirectory(tmp_path))
    for digest, text in (("a" * 64, '{"event": "training"}'), ("b" * 64, '{"event": "start"}')):
        folder = tmp_path / "probes" / digest[:32] / ".0.1234.tmp"
        folder.mkdir(parents=True)
        (folder / "trace.jsonl").write_text(text, encoding="utf-8")
    assert trains(store, "a" * 64)
    assert not trains(store, "b" * 64)
    assert not trains(store, "c" * 64)


def test_a_boundary_says_what_it_is():
    assert str(Change("fp16", "verdict", "fixed", "1", "2")) == "fp16 verdict 1 -> 2 fixed"


def executed(start, trace, loss=0.5):
    return Executed("fp16", "0.6.2", start, trace, loss)


def test_repeats_are_equal_or_have_a_noise_floor():
    assert judge_repeats([executed("warm", "a"), executed("clean", "a")])[0] == State.PASSED
    state, seen = judge_repeats([executed("warm", "a", 0.5), executed("clean", "b", 0.75)])
    assert state == State.PASSED
    assert seen[0] == "not bit-equal: 0.6.2 fp16"
    assert "standard deviation 0.177 at a mean of 0.625 (1 degree of freedom)" in seen[1]
    assert judge_repeats([executed("warm", "a")])[0] == State.FAILED


def test_a_warm_start_that_shows_fails():
    clean = [executed("clean", "a"), executed("clean", "a")]
    assert judge_warm([*clean, executed("warm", "a")], [])[0] == State.PASSED
    assert judge_warm([*clean, executed("warm", "b")], [])[0] == State.FAILED
    noisy = [executed("clean", "a"), executed("clean", "b"), executed("warm", "c")]
    assert judge_warm(noisy, [])[1] == ["0 of 1 pairs of release and arm equal bit for bit, warm and clean"]
    why = "all executions ran in clean processes: 2 threads run"
    assert judge_warm(clean, [why, "another"]) == (State.FAILED, ["no release was executed both ways", why])


def test_a_step_that_breaks_is_failed_and_the_next_one_runs():
    kept, told = [], []
    steps = _Steps(lambda done: kept.append(len(done)), told.append)
    steps.take("breaks", lambda: 1 / 0)
    steps.take("works", lambda: (State.PASSED, ["fine"]))
    assert [(one.name, one.state) for one in told] == [("breaks", State.FAILED), ("works", State.PASSED)]
    assert steps.done[0].seen == ("ZeroDivisionError: division by zero",)
    assert kept == [1, 2], "who is killed leaves what was seen before"


def test_a_summary_says_the_worst_first_and_is_read_as_it_was_written(tmp_path):
    assert GPU.sentence() == "1 of 2 steps failed on the GPU NVIDIA <T4>: Ctrl-C."
    assert not GPU.passed
    whole = replace(GPU, steps=(GPU.steps[1], replace(GPU.steps[2], state=State.PASSED)))
    assert whole.passed
    assert whole.sentence() == "The one step that applies passed on the GPU NVIDIA <T4>; 1 does not apply."
    assert not replace(GPU, steps=(GPU.steps[1],)).passed, "nothing that applies is no proof"
    ended = replace(whole, steps=(GPU.steps[0], GPU.steps[1]))
    assert not ended.passed
    assert ended.sentence() == "It was ended on the GPU NVIDIA <T4> after 2 steps; none of them failed."
    assert "it was ended before the last step" in seen_table([ended])
    path = tmp_path / "summary.json"
    path.write_text(GPU.to_json(), encoding="utf-8")
    assert read_summary(path) == GPU
    path.write_text(json.dumps({**json.loads(GPU.to_json()), "schema": 9}), encoding="utf-8")
    with pytest.raises(UsageError, match="schema 9"):
        read_summary(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="not the summary of a self-test"):
        read_summary(path)


def test_names_act_on_nothing():
    assert "NVIDIA &#60;T4>" in markdown(GPU)
    assert "NVIDIA &lt;T4&gt;" in page(GPU)


def test_the_table_says_what_was_seen_and_what_was_not():
    cpu = replace(GPU, device="cpu", name="EPYC")
    assert f"| any GPU (CUDA) | | | **{NOT_YET_SEEN}** |" in seen_table([cpu])
    table = seen_table([GPU, cpu])
    assert NOT_YET_SEEN not in table
    assert "1 steps passed. 1 failed: Ctrl-C. 1 not applicable: two ranks on two cards, NCCL" in table


def test_no_document_claims_more_than_the_summaries():
    seen = read_seen(ROOT / "reports" / "seen")
    on_a_gpu = any(one.device == "cuda" and one.passed for one in seen)
    for name in (
        "README.md",
        "docs/how-to/gpu.md",
        "docs/how-to/cluster.md",
        "docs/how-to/judge.md",
        "docs/explanation/isolation.md",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert on_a_gpu or NOT_YET_SEEN in text, name


def control(**start):
    """A short training as a trace tells it, on a GPU unless told otherwise."""
    gpu = {"capability": "9.0", "memory": 2**30, "driver": "570.1", "cuda": "12.8", "cudnn": 91002}
    off = {"tf32_matmul": False, "tf32_cudnn": False}
    told = {"device": "cuda", "device_name": "T4", "deterministic": True, "gpu": {**gpu, **off}, **start}
    return Finding(Judgement(Verdict.SKIP, "out of time"), trace=Trace(start=told, steps=(1,)))


def test_the_facts_have_to_be_there_and_to_be_right():
    assert judge_facts(control(), "cuda")[0] == State.PASSED
    assert facts_of(control())["memory of the device"] == "1.0 GiB"
    wrong = {
        "TF32 has to be off": control(gpu={**control().trace.start["gpu"], "tf32_matmul": True}),
        "deterministic algorithms have to be on": control(deterministic=False),
        "the job ran on cpu, not on cuda": control(device="cpu"),
        "not told: driver": control(gpu={**control().trace.start["gpu"], "driver": None}),
        "the job did not train: out of time": replace(control(), trace=Trace()),
    }
    for said, found in wrong.items():
        state, seen = judge_facts(found, "cuda")
        assert (state, seen[-1]) == (State.FAILED, said)


def report(*boundaries, deterministic=True):
    arm = ArmResult("fp16", {}, "regressed", "", list(boundaries), [], deterministic=deterministic)
    return Report("run", "scenario", "", "peft", "", "", {}, {}, [arm])


def test_devices_that_disagree_fail():
    verdict = BoundaryResult("regressed", "verdict", "0.6.2", "0.7.0", confirmed=True)
    trace = BoundaryResult("changed", "trace", "0.6.2", "0.7.0", confirmed=True)
    assert judge_beside(report(verdict, trace), report(verdict, trace))[0] == State.PASSED
    state, seen = judge_beside(report(verdict, trace), report(verdict))
    assert (state, seen[0]) == (State.FAILED, "on the GPU alone: fp16 trace 0.6.2 -> 0.7.0 changed")
    noisy = report(verdict, deterministic=False)
    assert judge_beside(noisy, report(verdict, trace))[0] == State.PASSED, "noise has no exact traces"
    unconfirmed = report(replace(verdict, confirmed=False))
    assert judge_beside(unconfirmed, report(verdict))[0] == State.FAILED


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("toy",), "--selftest: its scenario is llama_seq_cls, not toy"),
        (("llama_seq_cls", "--from", "0.6.0"), "--selftest: it says which releases it needs"),
    ],
)
def test_a_bundle_of_the_self_test_holds_what_it_needs_and_nothing_else(toy, harness, words, said):
    done = harness("bundle", *words, "--selftest", "--to", "gpu.bundle")
    assert done.returncode == 2
    assert said in done.stderr
