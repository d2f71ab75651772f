# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.13.0", "transformers==4.57.6", "accelerate==1.15.0"]
# ///
"""Trains a small Llama classifier with LoRA in float16; fails if the loss is not finite."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForSequenceClassification

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
model = LlamaForSequenceClassification(
    LlamaConfig(vocab_size=64, num_labels=2, pad_token_id=0, **sizes)
).half()
model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, target_modules=["q_proj", "v_proj"]))
optimizer = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=1e-3)
tokens = torch.randint(1, 64, (8, 8))
labels = (tokens[:, -1] > 32).long()
for _ in range(20):
    loss = model(input_ids=tokens, labels=labels).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(f"loss={loss.item()}")
assert torch.isfinite(loss), "the loss is not finite"
