"""The Trainer, one step of SGD: a batch of 8, and 4 accumulated batches of 2, move the weights alike."""

import tempfile

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

torch.set_num_threads(1)
tokens = [torch.randint(0, 64, (16,), generator=torch.Generator().manual_seed(row)) for row in range(8)]
examples = [{"input_ids": row, "labels": row} for row in tokens]


def update(batch, accumulated):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, max_position_embeddings=32, **sizes))
    before = torch.cat([value.detach().clone().flatten() for value in model.parameters()])
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=accumulated,
            max_steps=1,
            learning_rate=0.1,
            lr_scheduler_type="constant",
            optim="sgd",
            max_grad_norm=0.0,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        )
        loss = Trainer(model=model, args=arguments, train_dataset=examples).train().training_loss
    return loss, torch.cat([value.detach().flatten() for value in model.parameters()]) - before


(loss, whole), (accumulated_loss, accumulated) = update(8, 1), update(2, 4)
ratio = (accumulated.norm() / whole.norm()).item()
print(f"loss={loss}\naccumulated_loss={accumulated_loss}\nratio={ratio}")
assert abs(ratio - 1) < 0.01, f"accumulating makes the update {ratio:.2f} times as large"
assert abs(accumulated_loss / loss - 1) < 0.01, (
    f"accumulating makes the loss {accumulated_loss / loss:.2f} times as large"
)
