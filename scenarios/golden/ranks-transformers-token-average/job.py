"""The Trainer, three steps of 8 examples whose numbers of labels differ, averaged over the tokens of all ranks."""

import tempfile

import torch
from harness_recorder import Recorder, settings
from harness_recorder.transformers import RecorderCallback
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

config = settings({"seed": 0, "device": "cpu", "threads": 1, "batch": 8})
torch.set_num_threads(config.threads)

examples = []
for row in range(24):
    tokens = torch.randint(0, 64, (16,), generator=torch.Generator().manual_seed(row))
    labels = tokens.clone()
    labels[: 5 * row % 12] = -100  # not to be predicted
    examples.append({"input_ids": tokens, "labels": labels})

with Recorder(settings=vars(config)) as recorder, tempfile.TemporaryDirectory() as folder:
    torch.manual_seed(config.seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, max_position_embeddings=32, **sizes))
    expected = recorder.prepare(model, config.seed)
    arguments = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=config.batch,
        average_tokens_across_devices=True,
        max_steps=3,
        learning_rate=0.1,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    callback = RecorderCallback(recorder, expected=expected)
    Trainer(model=model, args=arguments, train_dataset=examples, callbacks=[callback]).train()
