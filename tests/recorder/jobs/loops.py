"""One training, written five ways: the recorder must tell the same of each. Prints what the loop itself saw."""

import json
import sys
import tempfile

import torch
from harness_recorder import Recorder, deterministic, settings
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForSequenceClassification

config = settings(
    {
        "loop": "explicit",  # a function below: explicit, attach, wrapped, trainer or lightning
        "steps": 20,
        "accumulate": 1,  # micro-batches of a step
        "divide": True,  # each loss by their number, before the backward pass
        "clip": 0.0,
        "overflow_at": 0,  # the batch whose loss is not finite
        "fail_at": 0,  # the batch whose forward pass fails
    }
)
GROUPS = {"lora_A": "*.lora_A.weight", "score": "score.weight"}
WATCH = {"score": "score.weight"}


def plant(model):
    """Have one batch fail, or its loss spoiled."""
    passed = []

    def fail(*_):
        passed.append(1)
        if len(passed) == config.fail_at:
            raise RuntimeError("planted")

    def spoil(_model, _inputs, output):
        if len(passed) == config.overflow_at:
            output["loss"] = output.loss * float("inf")
        return output

    model.register_forward_pre_hook(fail)
    model.register_forward_hook(spoil)
    return model


def make_model():
    """Return the smallest Llama there is, with LoRA."""
    llama = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=16,
        num_labels=2,
        pad_token_id=0,
        use_cache=False,
        attn_implementation="eager",
    )
    adapter = LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["q_proj", "v_proj"], lora_dropout=0.0)
    base = LlamaForSequenceClassification(llama)
    return plant(get_peft_model(base, recorder.config(adapter)).train())


def make_examples():
    chance = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 32, (4 * config.steps * config.accumulate, 8), generator=chance)
    return [{"input_ids": row, "labels": (row[0] > 16).long()} for row in tokens]


def make_batches(examples):
    return [torch.utils.data.default_collate(examples[at : at + 4]) for at in range(0, len(examples), 4)]


def clip():
    if config.clip:
        torch.nn.utils.clip_grad_norm_(trained, config.clip)


def explicit():
    recorder.begin(model, optimizer, **start)
    for at in range(0, len(batches), config.accumulate):
        losses = []
        for batch in batches[at : at + config.accumulate]:
            loss = model(**batch).loss
            losses.append(loss.item())
            recorder.forward(loss)
            (loss / divisor).backward()
            if len(losses) < config.accumulate:
                recorder.backward()
        clip()
        recorder.backward()
        optimizer.step()
        recorder.step(sum(losses) / divisor)
        seen.append(sum(losses) / divisor)
        optimizer.zero_grad(set_to_none=True)
        if recorder.stopped:
            break


def attach():
    recorder.attach(model, optimizer, **start)
    for number, batch in enumerate(batches, 1):
        loss = model(**batch).loss
        recorder.loss(loss)
        (loss / divisor).backward()
        if number % config.accumulate == 0:
            clip()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if recorder.stopped:
            break


def wrapped():
    """Attach as torch 1.13 lets us, whose optimizers have no hooks."""
    del torch.optim.Optimizer.register_step_post_hook
    before = optimizer.step
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    attach()
    torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    schedule.step()
    assert optimizer.step.__self__ is before.__self__


def trainer():
    from harness_recorder.transformers import RecorderCallback
    from transformers import Trainer, TrainingArguments

    class InOrder(Trainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(examples)

    arguments = TrainingArguments(
        tempfile.mkdtemp(),
        per_device_train_batch_size=4,
        gradient_accumulation_steps=config.accumulate,
        num_train_epochs=1,
        max_grad_norm=config.clip,
        lr_scheduler_type="constant",
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    callback = RecorderCallback(recorder, **start)
    user = InOrder(
        model, arguments, train_dataset=examples, callbacks=[callback], optimizers=(optimizer, None)
    )
    user.train()
    seen.extend(entry["loss"] for entry in user.state.log_history if "loss" in entry)


def lightning():
    from harness_recorder.lightning import RecorderCallback
    from lightning.pytorch import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, _):
            return self.model(**batch).loss

        def configure_optimizers(self):
            return optimizer

    callback = RecorderCallback(recorder, model=model, **start)
    Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        accumulate_grad_batches=config.accumulate,
        gradient_clip_val=config.clip,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(), torch.utils.data.DataLoader(examples, batch_size=4))


divisor = config.accumulate if config.divide else 1
device = deterministic("cpu")
torch.manual_seed(0)
seen = []
with Recorder(settings=vars(config), device=device) as recorder:
    examples = make_examples()
    batches = make_batches(examples)
    model = make_model()
    expected = recorder.prepare(model, 0)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2, foreach=False)
    start = {"watch": WATCH, "groups": GROUPS, "batches": batches, "expected": expected}
    globals()[config.loop]()

json.dump(seen, sys.stdout)
