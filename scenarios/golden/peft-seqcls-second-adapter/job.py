"""SEQ_CLS with LoRA: saved, loaded as a second adapter, made the active one, and run."""

import tempfile

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForSequenceClassification

torch.set_num_threads(1)


def llama(kind=LlamaForSequenceClassification, layers=2):
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
    }
    return kind(LlamaConfig(vocab_size=64, max_position_embeddings=32, pad_token_id=0, **sizes)).eval()


tokens = torch.arange(1, 17).reshape(2, 8)
config = LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["q_proj", "v_proj"])
model = get_peft_model(llama(), config).eval()
with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
    before = model(input_ids=tokens).logits
    model.save_pretrained(folder)
    model.load_adapter(folder, adapter_name="second")
    model.set_adapter("second")
    after = model.eval()(input_ids=tokens).logits
difference = (after - before).abs().max().item()
print(f"difference={difference}")
assert difference < 1e-6, f"the second adapter's logits differ by {difference}"
