"""Trains a small Llama to classify sequences with LoRA on several ranks: each takes its share of every batch.

`torchrun --nproc-per-node 2 job.py --steps 20` runs it by hand; harness_recorder must be importable. Every setting below
can be given as `--name value`. One process alone takes whole batches, so it trains the same.
"""

import os
import random

import torch
import torch.distributed as dist
from harness_recorder import Recorder, deterministic, settings
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForSequenceClassification

config = settings(
    {
        "steps": 100,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
        "dtype": "float32",  # of the base model: float16, bfloat16 or float32
        "loss_scale": 1.0,  # static, and never undone: Adam's update does not depend on it
        "batch": 8,  # examples of all ranks together
        "length": 8,
        "hidden": 64,
        "vocabulary": 64,
        "lr": 1e-3,
    }
)


def make_batches(rank, size):
    """Return this rank's part of one batch a step: token sequences that lean to one half of the vocabulary."""
    chance, half = random.Random(config.seed), config.vocabulary // 2
    batches = []
    for _ in range(config.steps):
        labels = [chance.randrange(2) for _ in range(config.batch)]
        tokens = [
            [
                1 + int(chance.random() * (half - 1)) + half * (chance.random() < (0.75 if label else 0.25))
                for _ in range(config.length)
            ]
            for label in labels
        ]
        batches.append(
            {"input_ids": torch.tensor(tokens[rank::size]), "labels": torch.tensor(labels[rank::size])}
        )
    return batches


def make_model():
    """Return the classifier with its adapter; its random weights are replaced later, by `prepare`."""
    base = LlamaForSequenceClassification(
        LlamaConfig(
            vocab_size=config.vocabulary,
            hidden_size=config.hidden,
            intermediate_size=2 * config.hidden,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=256,
            num_labels=2,
            pad_token_id=0,
            use_cache=False,
            attn_implementation="eager",
        )
    )
    for parameter in base.parameters():  # buffers, such as rotary frequencies, stay float32
        parameter.data = parameter.data.to(getattr(torch, config.dtype))
    adapter = LoraConfig(
        task_type="SEQ_CLS",
        inference_mode=False,
        r=8,
        lora_alpha=32,
        lora_dropout=0.0,
        target_modules=["q_proj", "v_proj"],
        fan_in_fan_out=False,
        bias="none",
        modules_to_save=None,
        init_lora_weights=True,
    )
    return get_peft_model(base, recorder.config(adapter)).train()


deterministic(config.device, config.threads)
torch.manual_seed(config.seed)
rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))

with Recorder(settings=vars(config), device=config.device) as recorder:
    batches = make_batches(rank, size)
    model = make_model()
    expected = recorder.prepare(model, config.seed)
    if size > 1:
        dist.init_process_group("gloo")
        # The oldest releases train a copy of `score` that the loss does not depend on.
        model = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.lr, foreach=False, fused=False)
    recorder.begin(
        model,
        optimizer,
        watch={"score": "score.weight"},
        groups={"score": "score.weight", "lora_A": "*.lora_A.weight", "lora_B": "*.lora_B.weight"},
        batches=batches,
        expected=expected,
    )
    for batch in batches:
        loss = model(**batch).loss
        recorder.forward(loss)
        (loss * config.loss_scale).backward()
        recorder.backward()
        optimizer.step()
        recorder.step()
        if recorder.stopped:
            break
        optimizer.zero_grad(set_to_none=True)
if size > 1:
    dist.destroy_process_group()
