"""A fresh AdaLoRA changes nothing yet: its logits are those of the base model."""

import torch
from peft import AdaLoraConfig, get_peft_model
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


tokens = torch.arange(16).reshape(2, 8)
config = AdaLoraConfig(
    task_type="CAUSAL_LM",
    init_r=4,
    target_r=4,
    total_step=10,
    lora_dropout=0.1,
    target_modules=["q_proj", "v_proj"],
)
with torch.no_grad():
    base = llama()(input_ids=tokens).logits
    adapted = get_peft_model(llama(), config).eval()(input_ids=tokens, labels=tokens).logits
difference = (adapted - base).abs().max().item()
print(f"difference={difference}")
assert difference < 1e-6, f"a fresh adapter changes the logits by {difference}"
