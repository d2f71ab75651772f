"""Eight steps of AdamW on a small float16 OPT with LoRA: every loss is finite, and the last is below the first."""

import math

import torch
from peft import LoraConfig, get_peft_model
from transformers import OPTConfig, OPTForCausalLM

torch.manual_seed(0)
torch.set_num_threads(1)
sizes = {
    "hidden_size": 32,
    "word_embed_proj_dim": 32,
    "ffn_dim": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
model = OPTForCausalLM(OPTConfig(vocab_size=64, max_position_embeddings=32, dropout=0.0, **sizes)).half()
model = get_peft_model(
    model,
    LoraConfig(
        task_type="CAUSAL_LM", r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj"]
    ),
)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
tokens = torch.arange(64).reshape(4, 16) % 64
losses = []
for _ in range(8):
    loss = model(input_ids=tokens, labels=tokens).loss
    losses.append(loss.item())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(f"first={losses[0]}\nlast={losses[-1]}")
assert all(map(math.isfinite, losses)), f"losses are not finite: {losses}"
assert losses[-1] < losses[0], f"the loss does not fall: {losses}"
