"""The Llama job itself, a few steps under real PEFT."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.recording import RECORDER

JOB = Path(__file__).parents[2] / "scenarios" / "llama_seq_cls" / "job.py"

pytestmark = pytest.mark.real


def test_the_job_repeats_itself_bit_for_bit(run_job):
    first, done = run_job(JOB, steps=20, dtype="bfloat16")
    assert done.returncode == 0, done.stderr
    second, _ = run_job(JOB, attempt=2, steps=20, dtype="bfloat16")
    assert first.steps == tuple(range(1, 21))
    assert first.digest() == second.digest()
    assert first.identity["start"] == first.identity["expected"]
    assert first.start["deterministic"]


def test_the_score_layer_and_the_adapters_are_measured(run_job):
    trace, _ = run_job(JOB, steps=2, dtype="bfloat16")
    assert trace.signal("score.weight.before.norm")[0] == trace.signal("score.weight.backward.norm")[0]
    assert trace.signal("score.weight.before.norm")[0] != trace.signal("score.weight.optimizer.norm")[0]
    assert trace.signal("lora_A.gradient_zero")[0] == 1.0  # lora_B is still zero
    assert trace.signal("lora_B.gradient_zero")[0] < 1.0
    facts = {entry["name"]: entry for entry in trace.census["parameters"]}
    assert facts["score.weight"]["trainable"]
    assert facts["score.weight"]["dtype"] == "bfloat16"
    assert not facts["model.layers.0.self_attn.q_proj.weight"]["trainable"]


def test_another_seed_is_another_start_and_other_batches(run_job):
    first, _ = run_job(JOB, steps=20, dtype="bfloat16")
    second, _ = run_job(JOB, steps=20, seed=1, dtype="bfloat16")
    assert first.identity["start"] != second.identity["start"]
    assert first.identity["batches"] != second.identity["batches"]


def test_a_data_file_takes_the_place_of_the_made_task(run_job, tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text('{"input_ids": [5, 6, 7], "label": 0}\n{"input_ids": [8, 9], "label": 2}\n')
    trace, done = run_job(JOB, steps=2, dtype="float32", data=data)
    assert done.returncode == 0, done.stderr
    facts = {entry["name"]: entry for entry in trace.census["parameters"]}
    assert facts["score.weight"]["shape"] == [3, 64]


def presets():
    """Read the job's sizes without running it."""
    named = {
        node.targets[0].id: node.value
        for node in ast.parse(JOB.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return ast.literal_eval(named["PRESETS"])


COUNT = """
import json, sys, torch
from transformers import LlamaConfig, LlamaForSequenceClassification
with torch.device("meta"):
    model = LlamaForSequenceClassification(LlamaConfig(**json.loads(sys.argv[1]), pad_token_id=0))
print(sum(parameter.numel() for parameter in model.parameters()))
"""


def test_the_preset_has_a_billion_parameters(scripts, tmp_path):
    (tmp_path / "count.py").write_text(COUNT, encoding="utf-8")
    done = scripts.run(["count.py", json.dumps(presets()["1b"])], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == pytest.approx(1e9, rel=0.05)


def test_an_unknown_preset_is_told_before_training(run_job):
    trace, done = run_job(JOB, preset="9b")
    assert done.returncode == 1
    assert "--preset 9b: known are 1b" in done.stderr
    assert not trace.training


def test_the_optimizers_implementation_is_pinned(run_job):
    for words in ({}, {"foreach": "true"}, {"fused": "true"}):
        trace, done = run_job(JOB, steps=2, dtype="float32", **words)
        assert done.returncode == 0, done.stderr
        group = trace.census["optimizer"]
        assert (group["fused"], group["foreach"]) == ("fused" in words, "foreach" in words)


def test_the_libraries_of_a_gpu_and_the_state_of_tf32_are_told(torch_python):
    ask = "import sys; sys.path.insert(0, sys.argv[1]); import torch; from harness_recorder.host import *;"
    ask += "import json; before = libraries(torch); torch.backends.cuda.matmul.allow_tf32 = True;"
    ask += "on = libraries(torch); deterministic('cpu'); print(json.dumps([before, on, libraries(torch)]))"
    recorder = str(Path(__file__).parents[2] / "harness" / "recorder")
    done = subprocess.run(
        [str(torch_python), "-c", ask, recorder], check=True, capture_output=True, text=True, timeout=300
    )
    before, on, off = json.loads(done.stdout)
    assert before.keys() == {"cuda", "cudnn", "tf32_matmul", "tf32_cudnn"}
    assert on["tf32_matmul"] is True
    assert (off["tf32_matmul"], off["tf32_cudnn"]) == (False, False)


LATE = """
import sys
sys.path.insert(0, {recorder!r})
import harness_warm

harness_warm.preload({job!r}, [])
import torch

before, threads = set(sys.modules), harness_warm.why_not([])
parameter = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.AdamW([parameter], foreach=False, fused=False)
parameter.sum().backward()
optimizer.step()
print(len(before) > 500, len(set(sys.modules) - before) < 10, repr(threads))
"""


def test_what_an_optimizer_makes_torch_load_is_loaded_before_a_fork(torch_python, tmp_path):
    """A job of torch alone: in each of its children the import of hundreds of modules would take 0.7 s."""
    job = tmp_path / "job.py"
    job.write_text("import torch\n")
    script = LATE.format(recorder=str(RECORDER), job=str(job))
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [torch_python, "-c", script], capture_output=True, text=True, check=False, env=variables
    )
    assert done.stdout == "True True ''\n", done.stderr
