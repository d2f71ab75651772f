"""Merging a LoRA adapter writes into the base weights' own storage, and takes no second copy of them."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)


def llama(kind=LlamaForCausalLM, layers=2):
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
    }
    return kind(LlamaConfig(vocab_size=64, max_position_embeddings=32, pad_token_id=0, **sizes)).eval()


config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
model = get_peft_model(llama(), config).eval()


def pointers():
    weights = model.state_dict(keep_vars=True).items()
    return {name: value.data_ptr() for name, value in weights if "_proj" in name and "lora" not in name}


before = pointers()
model.merge_adapter()
moved = [name for name, pointer in pointers().items() if pointer != before[name]]
print(f"moved={len(moved)}")
assert not moved, f"merging moved {len(moved)} of {len(before)} base weights, {moved[0]} first"
