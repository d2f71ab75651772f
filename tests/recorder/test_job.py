"""The Llama job itself, a few steps under real PEFT."""

from __future__ import annotations

from pathlib import Path

import pytest

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
