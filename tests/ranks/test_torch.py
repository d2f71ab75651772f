"""Two ranks of real torch on gloo, forked from one warm parent: copies, gradients, shards and collectives."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.probes.execute import execute
from harness.probes.isolation import choose_isolation
from harness.probes.launch import CleanLauncher, WarmLauncher
from harness.probes.probe import Probe
from harness.probes.process import Processes
from harness.probes.store import Store
from harness.state import State
from harness.verdicts.judge import judge
from harness.verdicts.same_as import judge_same

pytestmark = pytest.mark.real

JOB = """
import os
import torch
import torch.distributed as dist
from harness_recorder import Recorder, deterministic

deterministic("cpu", 1)
rank = int(os.environ["RANK"])


def hook(divisor):
    def exchange(state, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
        done = dist.all_reduce(bucket.buffer().div_(divisor), async_op=True).get_future()
        return done.then(lambda future: future.value()[0])

    return exchange


with Recorder() as recorder:
    dist.init_process_group("gloo")
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
    expected = recorder.prepare(model, 0)
    WRAP
    optimizer = torch.optim.AdamW(wrapped.parameters(), lr=0.05)
    recorder.begin(wrapped, optimizer, groups={"all": "*"}, watch={"last": "2.weight"}, expected=expected)
    chance = torch.Generator().manual_seed(rank)
    for step in range(1, 7):
        inputs = torch.randn(4, 8, generator=chance)
        loss = torch.nn.functional.cross_entropy(wrapped(inputs), (inputs.sum(1) > 0).long())
        recorder.forward(loss)
        loss.backward()
        recorder.backward()
        BODY
        optimizer.step()
        recorder.step()
        optimizer.zero_grad()
dist.destroy_process_group()
"""
DDP = "wrapped = torch.nn.parallel.DistributedDataParallel(model)"
FSDP = (
    "from torch.distributed.fsdp import fully_shard\n"
    "    for part in model:\n"
    "        if list(part.parameters()): fully_shard(part)\n"
    "    wrapped = fully_shard(model)"
)
TRAINER = Path(__file__).parents[2] / "scenarios" / "trainer_accumulation_ddp" / "job.py"
NO_OPTIMIZER = """
from transformers.trainer_callback import CallbackHandler
whole = CallbackHandler.call_event
CallbackHandler.call_event = lambda self, *facts, **more: setattr(self, "optimizer", None) or whole(self, *facts, **more)
"""


def job(body="pass", wrap=DDP):
    return JOB.replace("BODY", body).replace("WRAP", wrap)


@pytest.fixture(scope="module")
def warm(torch_python, tmp_path_factory):
    folder = torch_python.parent.parent
    base = folder.parent / json.loads((folder / "environment.json").read_text())["base"]
    here = SimpleNamespace(python=torch_python, folder=folder, base=base, seconds=0.0)
    script = tmp_path_factory.mktemp("job") / "job.py"
    script.write_text(job(), encoding="utf-8")
    launcher = WarmLauncher(here, script, 1, Processes(choose_isolation("auto")))
    yield here, launcher, script
    launcher.close()


@pytest.fixture
def probe(warm, tmp_path):
    here, launcher, script = warm

    def run(code, ranks=2, **parameters):
        script.write_text(code, encoding="utf-8")
        facts = {"ranks": ranks, "instructions": {"replicas": True}, "hang_after": 2.0, "timeout": 120.0}
        wanted = Probe("lock", script, code, parameters, **facts)
        result = execute(wanted, here, Store(State(tmp_path / "home")), launcher)
        trace, output = result.read()
        settings = {"kind": "training", "loss_window": 2}
        return trace, judge(result.execution, trace, settings, output), output

    return run


def test_sound_copies_are_alike_in_every_step(probe):
    trace, judgement, output = probe(job())
    assert judgement.reason == "finite over 6 steps (2 ranks, replicas alike in all steps)", output
    first, second = (rank.trace for rank in trace.ranks)
    assert [one["weights"] for one in first.replica] == [one["weights"] for one in second.replica]
    assert first.replicas["names"] == ["0.bias", "0.weight", "2.bias", "2.weight"]
    for one, other in zip(first.replica, second.replica, strict=True):
        mean = [(mine + its) / 2 for mine, its in zip(one["own"], other["own"], strict=True)]
        assert one["reduced"] == pytest.approx(mean, rel=1e-4, abs=1e-6)
        assert one["own"] != other["own"]


def test_gradients_that_several_backward_passes_make_are_their_mean(probe):
    earlier = (
        "with wrapped.no_sync():\n"
        "            torch.nn.functional.cross_entropy(wrapped(inputs[:2]), (inputs[:2].sum(1) > 0).long()).backward()\n"
        "        loss = "
    )
    _, judgement, output = probe(job().replace("loss = ", earlier))
    assert judgement.reason == "finite over 6 steps (2 ranks, replicas alike in all steps)", output


@pytest.mark.parametrize(
    ("body", "wrap", "fingerprint"),
    [
        (
            "if rank == 1 and step == 4: model[2].weight.grad.mul_(1.0001)",
            DDP,
            {
                "kind": "replicas drift",
                "step": 4,
                "phase": "optimizer",
                "parameter": "2.weight",
                "rank": 1,
            },
        ),
        (
            "pass",
            f"{DDP}\n    wrapped.register_comm_hook(None, hook(1))",
            {"kind": "gradient reduction", "step": 1, "phase": "backward"},
        ),
        (
            "pass",
            f"{DDP}\n    wrapped.register_comm_hook(None, hook(8))",
            {"kind": "gradient reduction", "step": 1, "phase": "backward"},
        ),
        (
            "dist.all_reduce(torch.zeros(3)) if rank and step == 4 else step == 4 and dist.barrier()",
            DDP,
            {"kind": "ranks out of step", "step": 4},
        ),
        (
            "if rank == 0 and step == 4: __import__('time').sleep(600)\n        dist.barrier()",
            DDP,
            {"kind": "ranks out of step", "step": 4, "rank": 0},
        ),
        (
            "if rank == 1 and step == 4: break",
            DDP,
            {"kind": "ranks out of step", "step": 4, "rank": 1},
        ),
    ],
    ids=["drift", "doubled", "wrong divisor", "mismatched collectives", "one rank sleeps", "one rank ends"],
)
def test_what_is_wrong_is_named(probe, body, wrap, fingerprint):
    _, judgement, output = probe(job(body, wrap))
    assert judgement.verdict == "bad", output
    assert judgement.fingerprint.to_dict() == fingerprint, judgement.reason
    if "else" in body:
        assert "collective 1: rank 0 barrier, rank 1 all_reduce of [3] float32" in judgement.reason
        assert "rank 0 waits in barrier after 3 steps" in judgement.reason


def test_the_factor_of_a_wrong_mean_is_told(probe):
    _, judgement, _ = probe(job(wrap=f"{DDP}\n    wrapped.register_comm_hook(None, hook(8))"))
    assert "is 0.25 times the mean of the ranks' own at step 1" in judgement.reason
    assert judgement.effect.value == pytest.approx(0.25, rel=1e-3)


def test_a_parameter_in_shards_is_compared_whole_at_both_ends(probe):
    trace, judgement, output = probe(job(wrap=FSDP))
    assert judgement.verdict == "good", output
    first, second = (rank.trace for rank in trace.ranks)
    assert [one["when"] for one in first.whole] == ["start", "end"]
    assert first.whole == second.whole
    assert first.whole[0] != first.whole[1]
    assert first.replica[0]["weights"] != second.replica[0]["weights"]
    kinds = {one["kind"].rpartition("_")[0] for one in first.collectives}
    assert kinds == {"all_gather", "reduce_scatter"}, "which of torch's names it is differs between versions"


@pytest.mark.parametrize(
    "launch",
    [("torchrun", "--nproc-per-node", "2"), ("accelerate", "launch", "--multi_gpu", "--num_processes", "2")],
    ids=["torchrun", "accelerate"],
)
def test_a_command_may_start_its_ranks_by_itself(warm, launch, tmp_path):
    """`accelerate launch` takes the way of several GPUs: for CPUs it needs MPI."""
    here, _, _ = warm
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "train.py").write_text(job("if rank == 1 and step == 4: model[2].weight.grad.mul_(2)"))
    wanted = Probe("lock", None, "", {}, command=(*launch, "train.py"), folder=folder, timeout=120.0)
    launcher = CleanLauncher(Processes(choose_isolation("auto")))
    result = execute(wanted, here, Store(State(tmp_path / "home")), launcher)
    trace, output = result.read()
    judgement = judge(result.execution, trace, {"kind": "training", "loss_window": 2}, output)
    assert [len(rank.trace.steps) for rank in trace.ranks] == [6, 6], output
    assert judgement.fingerprint.to_dict() == {
        "kind": "replicas drift",
        "step": 4,
        "phase": "optimizer",
        "parameter": "2.weight",
        "rank": 1,
    }


def test_the_trainer_on_two_ranks_is_recorded_on_both_and_trains_as_one_process(probe):
    """One process has the callback of transformers 4.49.0, which is handed no optimizer."""
    two, judgement, output = probe(TRAINER.read_text(), steps=3, batch=2, accumulation=2)
    assert judgement.reason == "finite over 3 steps (2 ranks, replicas alike in all steps)", output
    code = NO_OPTIMIZER + TRAINER.read_text()
    one, _, output = probe(code, ranks=1, steps=3, batch=8, accumulation=1)
    assert len(one.replica) == 3, output
    alike = judge_same(two, one, {"arm": "one", "rtol": 0.01, "steps": 3})
    assert alike.reason.startswith("as arm one in 3 steps, up to "), alike.reason
    assert alike.effect.value > 0
