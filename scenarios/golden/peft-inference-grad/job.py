"""An adapter with modules_to_save, loaded by `from_pretrained(is_trainable=False)`: nothing is left trainable."""

import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
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


config = LoraConfig(
    task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], modules_to_save=["lm_head"]
)
with tempfile.TemporaryDirectory() as folder:
    get_peft_model(llama(), config).save_pretrained(folder)
    model = PeftModel.from_pretrained(llama(), folder, is_trainable=False)
trainable = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
print(f"trainable={len(trainable)}")
assert not trainable, f"trainable although loaded for inference: {', '.join(trainable)}"
