"""`merge_adapter()`, then `merge_and_unload()`: the logits are those of the unmerged model."""

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


tokens = torch.arange(16).reshape(2, 8)
config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
model = get_peft_model(llama(), config).eval()
with torch.no_grad():
    before = model(input_ids=tokens).logits
    model.merge_adapter()
    after = model.merge_and_unload()(input_ids=tokens).logits
difference = (after - before).abs().max().item()
print(f"difference={difference}")
assert difference < 1e-5, f"the merged model's logits differ by {difference}"
