"""The loss of a T5 with a given prefix is one number, whatever the releases of transformers and PEFT."""

import torch
from peft import PrefixTuningConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

torch.set_num_threads(1)
EXPECTED = 4.1925  # with transformers 4.45.2 and PEFT 0.13.2
generator = torch.Generator().manual_seed(0)
sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
model = T5ForConditionalGeneration(
    T5Config(vocab_size=64, dropout_rate=0.0, decoder_start_token_id=0, pad_token_id=0, **sizes)
)
tokens = torch.arange(1, 17).reshape(2, 8)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    # The prefix is shorter than the text: where it is longer, the broken pair raises an error in place of a wrong loss;
    # where both are equally long, older releases take the one for the other.
    config = PrefixTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=4)
    model = get_peft_model(model.eval(), config).eval()
    for name, parameter in model.named_parameters():
        if "prompt_encoder" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 4)
    loss = model(input_ids=tokens, labels=tokens).loss.item()
print(f"loss={loss}")
assert abs(loss - EXPECTED) < 1e-3, f"the loss is {loss:.4f}, expected {EXPECTED}"
