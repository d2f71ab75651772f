"""The deviation of a fresh GPT-2's c_proj weights is 0.02 / sqrt(2 * layers): 0.005 with eight layers."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
torch.set_num_threads(1)
model = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_positions=32, n_embd=64, n_layer=8, n_head=4))
deviation = model.transformer.h[0].attn.c_proj.weight.std().item()
print(f"deviation={deviation}")
assert abs(deviation - 0.005) < 0.0005, f"the deviation is {deviation:.4f}, expected 0.005"
