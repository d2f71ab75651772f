"""Trains a small Llama to classify sequences with LoRA: the same job, to the bit, in every release of PEFT.

Run it by hand with `python job.py --dtype bfloat16 --steps 50 --trace trace.jsonl`; harness_recorder must be
importable. Every setting below can be given as `--name value`.
"""

import contextlib
import inspect
import json
import os
import random
import shutil
from pathlib import Path

import torch
from harness_recorder import Recorder, deterministic, settings
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaConfig,
    LlamaForSequenceClassification,
)

# Larger models with random weights, in the words of LlamaConfig; a tiny one is made of the settings below.
PRESETS = {
    "1b": {
        "vocab_size": 32000,
        "hidden_size": 2048,
        "intermediate_size": 5632,
        "num_hidden_layers": 22,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
    },
}

config = settings(
    {
        # the run
        "steps": 200,
        "seed": 0,
        "device": "auto",  # auto, cpu or cuda
        "threads": 1,
        "start": "injected",  # injected: the same values in every release; own: as the release draws them
        # the model
        "model": "",  # path or name of a checkpoint; empty: a small Llama with random weights
        "preset": "",  # 1b: about 1 billion parameters, for a GPU; empty: as `layers`, `hidden` and `vocabulary` say
        "dtype": "float16",  # of the base model: float16, bfloat16 or float32
        "layers": 2,
        "hidden": 64,
        "vocabulary": 64,
        # the data
        "data": "",  # JSON lines with `label` and `input_ids` or, given a model, `text`; empty: the task made below
        "examples": 512,
        "length": 8,  # tokens; longer sequences of a data file are cut
        "batch": 8,
        # the adapter
        "lora_r": 8,
        "lora_alpha": 32,
        "task": "SEQ_CLS",  # what PEFT is told: SEQ_CLS, which trains a copy of `score`, or CAUSAL_LM, which does not
        "modules_to_save": "",  # further modules that PEFT trains a copy of
        "autocast_adapter_dtype": "",  # true or false; empty: the release's default, for older ones know no such option
        # the precision of what is trained
        "trained_dtype": "",  # of all that is trained; empty: as PEFT makes it
        "score_dtype": "",  # of the trained score layer; empty: as PEFT makes it
        "train_score": True,
        "autocast": False,  # compute in `dtype` whatever the weights are kept in
        "compile": "off",  # the backend of torch.compile: eager, aot_eager or inductor
        "tf32": False,  # let a GPU multiply float32 in TF32
        # the optimizer
        "optimizer": "adamw",  # adamw or sgd
        "lr": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-8,
        "weight_decay": 0.01,
        "fused": False,  # fused AdamW computes in float32, whatever the dtype of the weights
        "foreach": False,  # all parameters in one go, as torch does it on a GPU unless told otherwise
        "loss_scale": 1.0,  # static and never undone: Adam's update does not depend on it, and SGD's rate is divided by it
        "scaler": False,  # GradScaler in place of the static scale
        "growth_interval": 2000,  # steps without an overflow after which GradScaler doubles its scale
        "clip": 0.0,  # largest norm of the true gradient; 0: no clipping
    }
)


def llama_shape():
    """Return what LlamaConfig needs to know of the model's size."""
    if config.preset and config.preset not in PRESETS:
        raise SystemExit(f"--preset {config.preset}: known are {', '.join(PRESETS)}")
    tiny = {
        "vocab_size": config.vocabulary,
        "hidden_size": config.hidden,
        "intermediate_size": 2 * config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
    }
    return PRESETS.get(config.preset, tiny)


def make_examples():
    """Return (input_ids, label) pairs: a file's, or token sequences that lean to one half of the vocabulary."""
    if config.data:
        rows = [json.loads(line) for line in Path(config.data).read_text(encoding="utf-8").splitlines()]
        if "input_ids" not in rows[0]:
            tokenizer = AutoTokenizer.from_pretrained(config.model)
            rows = [{"input_ids": tokenizer(row["text"])["input_ids"], **row} for row in rows]
        return [(row["input_ids"][: config.length], int(row["label"])) for row in rows]
    chance = random.Random(config.seed)
    half = config.vocabulary // 2
    examples = []
    for index in range(config.examples):
        label = index % 2
        upper = [chance.random() < (0.75 if label else 0.25) for _ in range(config.length)]
        # token 0 is the padding
        examples.append(([1 + int(chance.random() * (half - 1)) + half * up for up in upper], label))
    return examples


def make_batches(examples, device):
    """Return one batch a step: the examples in an order of their own in every pass, padded on the right."""
    chance = random.Random(config.seed)
    order = []
    while len(order) < config.steps * config.batch:
        order += sorted(range(len(examples)), key=lambda _: chance.random())
    batches = []
    for step in range(config.steps):
        chosen = [examples[index] for index in order[step * config.batch : (step + 1) * config.batch]]
        longest = max(len(tokens) for tokens, _ in chosen)
        padded = [tokens + [0] * (longest - len(tokens)) for tokens, _ in chosen]
        mask = [[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens, _ in chosen]
        columns = {"input_ids": padded, "attention_mask": mask, "labels": [label for _, label in chosen]}
        batches.append({name: torch.tensor(values, device=device) for name, values in columns.items()})
    return batches


def make_model(labels, device):
    """Return the classifier with its adapter; its random weights are replaced later, by `inject`."""
    common = {"num_labels": labels, "pad_token_id": 0, "use_cache": False, "attn_implementation": "eager"}
    if config.model:
        checkpoint = AutoConfig.from_pretrained(config.model, **common)
        base = AutoModelForSequenceClassification.from_pretrained(config.model, config=checkpoint)
    else:
        small = LlamaConfig(
            **llama_shape(),
            max_position_embeddings=max(256, config.length),
            **common,
        )
        base = LlamaForSequenceClassification(small)
    for parameter in base.parameters():  # buffers, such as rotary frequencies, stay float32
        parameter.data = parameter.data.to(getattr(torch, config.dtype))
    # Every value is set: a default may differ between releases. PEFT itself trains a copy of `score`.
    adapter = LoraConfig(
        task_type=config.task,
        inference_mode=False,
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,
        target_modules=["q_proj", "v_proj"],
        fan_in_fan_out=False,
        bias="none",
        modules_to_save=[config.modules_to_save] if config.modules_to_save else None,
        init_lora_weights=True,
    )
    if config.task == "CAUSAL_LM" and not hasattr(base, "prepare_inputs_for_generation"):
        base.prepare_inputs_for_generation = None  # PEFT asks for it, and training never calls it
    options = {}
    if config.autocast_adapter_dtype:
        options["autocast_adapter_dtype"] = config.autocast_adapter_dtype == "true"
    return get_peft_model(base, recorder.config(adapter), **options).to(device).train()


def set_precision(model):
    """Cast or freeze what is trained, where that is asked for; return what is trained then."""
    for name, parameter in model.named_parameters():
        score = name.endswith("score.weight") or ".score.modules_to_save." in name
        if score and not config.train_score:
            parameter.requires_grad = False
        kind = (config.score_dtype if score else "") or config.trained_dtype
        if kind and parameter.requires_grad:
            parameter.data = parameter.data.to(getattr(torch, kind))
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def make_optimizer(parameters):
    """Return the optimizer, unless asked otherwise in its plainest implementation, which hides no fault."""
    plain = {"fused": config.fused, "foreach": config.foreach}
    rate = config.lr
    if config.optimizer == "adamw":
        kind = torch.optim.AdamW
        options = {
            "betas": (config.beta1, config.beta2),
            "eps": config.eps,
            "weight_decay": config.weight_decay,
        }
    else:
        kind, options = torch.optim.SGD, {"weight_decay": config.weight_decay}
        rate /= config.loss_scale
    known = inspect.signature(kind).parameters
    options.update({name: value for name, value in plain.items() if name in known})
    return kind(parameters, lr=rate, **options)


def compiled(model):
    """Return what computes the forward pass: the model, or the model compiled.

    Raises:
        RuntimeError: There is no C++ compiler, which inductor needs on a CPU.
    """
    if config.compile == "off":
        return model
    program = os.environ.get("CXX", "g++")
    if config.compile == "inductor" and device.type == "cpu" and not shutil.which(program):
        raise RuntimeError(
            f"--compile inductor needs a C++ compiler on a CPU, and there is no {program}; CXX may name one"
        )
    return torch.compile(model, backend=config.compile)


device = deterministic(config.device, config.threads)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = config.tf32
torch.manual_seed(config.seed)

with Recorder(settings=vars(config), device=device) as recorder:
    examples = make_examples()
    batches = make_batches(examples, device)
    model = make_model(1 + max(label for _, label in examples), device)
    injected = ["*.lora_*", "score.*"] if config.model else ["*"]
    expected = recorder.prepare(model, config.seed if config.start == "injected" else None, names=injected)
    trained = set_precision(model)
    optimizer = make_optimizer(trained)
    scaler = None
    if config.scaler:
        scaler = torch.amp.GradScaler(device.type, growth_interval=config.growth_interval)
    cast = (
        torch.autocast(device.type, getattr(torch, config.dtype))
        if config.autocast
        else contextlib.nullcontext()
    )
    forward = compiled(model)
    recorder.begin(
        model,
        optimizer,
        watch={"score": "score.weight"},
        groups={"score": "score.weight", "lora_A": "*.lora_A.weight", "lora_B": "*.lora_B.weight"},
        batches=batches,
        expected=expected,
        scaler=scaler,
    )
    for batch in batches:
        with cast:
            loss = forward(**batch).loss
        recorder.forward(loss)
        (scaler.scale(loss) if scaler else loss * config.loss_scale).backward()
        recorder.backward()
        if scaler:
            scaler.unscale_(optimizer)
        if config.clip:
            torch.nn.utils.clip_grad_norm_(trained, config.clip * (1.0 if scaler else config.loss_scale))
        if scaler:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
        recorder.step()
        if recorder.stopped:
            break
        optimizer.zero_grad(set_to_none=True)
