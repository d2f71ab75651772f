"""Trains a small Llama by the Trainer of transformers on several ranks, each of which accumulates gradients.

`torchrun --nproc-per-node 2 job.py --steps 20` runs it by hand; harness_recorder must be importable. Every setting below
can be given as `--name value`. Ranks times batch times accumulation is the number of examples of one step. Where that is
alike, so must be the training: all examples have as many labels.
"""

import random
import tempfile

import torch
from harness_recorder import Recorder, deterministic, settings
from harness_recorder.transformers import RecorderCallback
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

config = settings(
    {
        "steps": 20,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
        "batch": 2,  # examples of one forward pass of one rank
        "accumulation": 2,  # forward and backward passes of one step
        "examples": 8,  # of one step of all ranks together; only says how many there are in all
        "length": 16,
        "hidden": 32,
        "vocabulary": 64,
        "lr": 0.1,
    }
)


def make_examples():
    """Return the examples of all steps: random tokens, of which each but the first is to be predicted."""
    chance = random.Random(config.seed)
    examples = []
    for _ in range(config.steps * config.examples):
        tokens = torch.tensor([chance.randrange(config.vocabulary) for _ in range(config.length)])
        examples.append({"input_ids": tokens, "labels": tokens})
    return examples


def make_model():
    """Return the model; its random weights are replaced later, by `prepare`."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocabulary,
            hidden_size=config.hidden,
            intermediate_size=2 * config.hidden,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=64,
            use_cache=False,
            attn_implementation="eager",
        )
    )


def make_arguments(folder):
    """Return how the Trainer trains: plain gradient descent, whose update is as large as the gradient is."""
    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulation,
        max_steps=config.steps,
        learning_rate=config.lr,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
        seed=config.seed,
        use_cpu=config.device == "cpu",
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )


deterministic(config.device, config.threads)
torch.manual_seed(config.seed)

with (
    Recorder(settings=vars(config), device=config.device) as recorder,
    tempfile.TemporaryDirectory() as folder,
):
    examples = make_examples()
    model = make_model()
    expected = recorder.prepare(model, config.seed)
    callback = RecorderCallback(recorder, expected=expected)
    Trainer(model=model, args=make_arguments(folder), train_dataset=examples, callbacks=[callback]).train()
if torch.distributed.is_initialized():
    torch.distributed.destroy_process_group()
