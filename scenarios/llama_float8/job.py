"""Trains a small Llama whose matrix products are computed in float8, by torchao: the same job in each of its releases.

Run it by hand with `python job.py --steps 20 --trace trace.jsonl`; harness_recorder must be importable. Every setting below
can be given as `--name value`.
"""

import dataclasses
import random

import torch
from harness_recorder import Recorder, deterministic, settings
from torchao.float8 import Float8LinearConfig, convert_to_float8_training
from transformers import LlamaConfig

# From its own file: what fails inside transformers is then the error that is reported.
from transformers.models.llama.modeling_llama import LlamaForSequenceClassification

config = settings(
    {
        # the run
        "steps": 100,
        "seed": 0,
        "device": "auto",  # auto, cpu or cuda
        "threads": 1,
        # float8
        "recipe": "tensorwise",  # one scale a tensor; rowwise: one a row; empty: no float8 at all
        "emulate": True,  # values are rounded to float8 and multiplied in `dtype`; a GPU may multiply them in float8
        "dtype": "float32",  # of weights and of all that is not in float8
        # the model and the data
        "layers": 2,
        "hidden": 64,
        "vocabulary": 64,
        "examples": 64,
        "length": 8,
        "batch": 8,
        # the optimizer
        "lr": 1e-3,
    }
)


def make_batches(device):
    """Return one batch a step, of examples that come again: token sequences that lean to one half of the vocabulary."""
    chance, half = random.Random(config.seed), config.vocabulary // 2
    labels = [index % 2 for index in range(config.examples)]
    tokens = [
        [
            1 + int(chance.random() * (half - 1)) + half * (chance.random() < (0.75 if label else 0.25))
            for _ in range(config.length)
        ]
        for label in labels
    ]
    batches = []
    for step in range(config.steps):
        chosen = [(step * config.batch + place) % config.examples for place in range(config.batch)]
        columns = {
            "input_ids": [tokens[index] for index in chosen],
            "labels": [labels[index] for index in chosen],
        }
        batches.append({name: torch.tensor(values, device=device) for name, values in columns.items()})
    return batches


def make_model(device):
    """Return the classifier; its random weights are replaced later, by `prepare`."""
    model = LlamaForSequenceClassification(
        LlamaConfig(
            vocab_size=config.vocabulary,
            hidden_size=config.hidden,
            intermediate_size=2 * config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=256,
            num_labels=2,
            pad_token_id=0,
            use_cache=False,
            attn_implementation="eager",
        )
    )
    for parameter in model.parameters():  # buffers, such as rotary frequencies, stay float32
        parameter.data = parameter.data.to(getattr(torch, config.dtype))
    return in_float8(model.to(device).train())


def in_float8(model):
    """Have every linear layer but the last, which has two outputs, compute in float8: its sizes must be multiples of 16."""
    if not config.recipe:
        return model
    if config.recipe == "tensorwise":
        recipe = Float8LinearConfig(emulate=config.emulate)
    else:  # releases that do not know recipes have no attribute of this name
        named = Float8LinearConfig.from_recipe_name(config.recipe)
        recipe = dataclasses.replace(named, emulate=config.emulate)
    return convert_to_float8_training(
        model, config=recipe, module_filter_fn=lambda _module, name: name != "score"
    )


device = deterministic(config.device, config.threads)
torch.manual_seed(config.seed)

with Recorder(settings=vars(config), device=device) as recorder:
    batches = make_batches(device)
    model = make_model(device)
    expected = recorder.prepare(model, config.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, foreach=False, fused=False)
    recorder.begin(
        model,
        optimizer,
        watch={"score": "score.weight"},
        groups={"score": "score.weight", "linear": "*_proj.weight"},
        batches=batches,
        expected=expected,
        float8=True,
    )
    for batch in batches:
        loss = model(**batch).loss
        recorder.forward(loss)
        loss.backward()
        recorder.backward()
        optimizer.step()
        recorder.step()
        if recorder.stopped:
            break
        optimizer.zero_grad(set_to_none=True)
