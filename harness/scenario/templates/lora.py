"""Trains a tiny Llama with LoRA to know eight sentences by heart: put your model, data and loop in its place."""

import torch
from harness_recorder import Recorder, deterministic, settings
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

# What scenario.toml may set; seed, device and threads are handed to every job.
config = settings(
    {"steps": 40, "lr": 1e-2, "dtype": "float32", "rank": 8, "seed": 0, "device": "auto", "threads": 1}
)
device = deterministic(config.device, config.threads)
torch.manual_seed(config.seed)

with Recorder(settings=vars(config), device=device) as recorder:
    tiny = LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        attn_implementation="eager",
    )
    base = LlamaForCausalLM(tiny).to(getattr(torch, config.dtype))
    adapter = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=2 * config.rank,
        lora_dropout=0.0,  # whatever decides the training is set: defaults differ between releases
        target_modules=["q_proj", "v_proj"],
        modules_to_save=["lm_head"],
    )
    model = get_peft_model(base, recorder.config(adapter)).to(device).train()
    expected = recorder.prepare(model, seed=config.seed)  # the same start values in every release
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.lr)
    recorder.attach(model, optimizer, expected=expected)
    sentences = (torch.arange(8 * 12).reshape(8, 12) * 7 % 64).to(device)
    for _ in range(config.steps):
        loss = model(input_ids=sentences, labels=sentences).loss
        recorder.loss(loss)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if recorder.stopped:  # a loss or weight that is not finite
            break
