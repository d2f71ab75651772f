"""IA3 on 24 modules, each named in full: saved and loaded again, it gives the same output."""

import tempfile

import torch
from peft import IA3Config, PeftModel, get_peft_model
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
layers = [f"model.layers.{layer}" for layer in range(8)]
feedforward = [f"{layer}.mlp.down_proj" for layer in layers]
targets = [f"{layer}.self_attn.{name}" for layer in layers for name in ("k_proj", "v_proj")] + feedforward
config = IA3Config(
    task_type="CAUSAL_LM", target_modules=targets, feedforward_modules=feedforward, init_ia3_weights=False
)
with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
    model = get_peft_model(llama(layers=8), config).eval()
    before = model(input_ids=tokens).logits
    model.save_pretrained(folder)
    after = PeftModel.from_pretrained(llama(layers=8), folder).eval()(input_ids=tokens).logits
difference = (after - before).abs().max().item()
print(f"difference={difference}")
assert difference < 1e-6, f"the loaded adapter's logits differ by {difference}"
