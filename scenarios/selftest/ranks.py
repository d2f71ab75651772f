"""Trains a small Llama with LoRA on several ranks under DistributedDataParallel; every rank takes its share of a batch.

Ranks are processes of this one job, with the variables that torchrun gives (RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR,
MASTER_PORT). Rank 0 records the mean loss of all ranks. After every step the trained weights of all ranks must be equal
to the bit. One rank with the same batches is the control: its losses differ by rounding alone.
"""

import multiprocessing
import os
import socket
import sys

import torch
from harness_recorder import Recorder, deterministic, settings
from peft import LoraConfig, get_peft_model
from torch.nn.parallel import DistributedDataParallel
from transformers import LlamaConfig, LlamaForSequenceClassification

config = settings(
    {
        "steps": 10,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
        "ranks": 2,
        "backend": "gloo",  # gloo, or nccl with a card for each rank
        "hidden": 64,
        "batch": 8,  # of all ranks together
        "length": 8,
    }
)


def make_model(recorder, device):
    """Return the classifier with its adapter; its start values come from `inject`."""
    shape = LlamaConfig(
        vocab_size=64,
        hidden_size=config.hidden,
        intermediate_size=2 * config.hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        num_labels=2,
        pad_token_id=0,
        use_cache=False,
        attn_implementation="eager",
    )
    adapter = LoraConfig(
        task_type="SEQ_CLS",
        inference_mode=False,
        r=8,
        lora_alpha=32,
        lora_dropout=0.0,
        target_modules=["q_proj", "v_proj"],
        bias="none",
    )
    return get_peft_model(LlamaForSequenceClassification(shape), recorder.config(adapter)).to(device).train()


def batch_of(step, rank, device):
    """Return this rank's share of one batch; the same for any number of ranks."""
    draw = torch.Generator().manual_seed(config.seed * 100003 + step)
    tokens = torch.randint(1, 64, (config.batch, config.length), generator=draw)
    labels = torch.randint(0, 2, (config.batch,), generator=draw)
    share = slice(rank, None, config.ranks)
    return tokens[share].to(device), labels[share].to(device)


def check_equal(model, step):
    """Complain of trained weights that are not the same on all ranks, bit for bit: then least and greatest differ."""
    trained = {name: one for name, one in model.named_parameters() if one.requires_grad}
    bits = torch.cat([one.detach().flatten() for one in trained.values()]).view(torch.int32)
    least, greatest = bits.clone(), bits.clone()
    torch.distributed.all_reduce(least, torch.distributed.ReduceOp.MIN)  # gloo has no all_gather on a GPU
    torch.distributed.all_reduce(greatest, torch.distributed.ReduceOp.MAX)
    sizes = [one.numel() for one in trained.values()]
    differ = (least != greatest).split(sizes)
    if names := [name for name, found in zip(trained, differ, strict=True) if found.any()]:
        raise RuntimeError(f"step {step}: not the same on all ranks: {', '.join(names)}")


def train(rank):
    """Train as one rank."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(config.ranks))
    if rank:
        os.environ.pop("HARNESS_TRACE", None)
    device = deterministic(config.device, config.threads)
    if device.type == "cuda":
        device = torch.device("cuda", rank if config.backend == "nccl" else 0)
        torch.cuda.set_device(device)
    torch.distributed.init_process_group(config.backend)
    torch.manual_seed(config.seed)
    with Recorder(settings=vars(config), device=device) as recorder:
        model = make_model(recorder, device)
        expected = recorder.prepare(model, config.seed)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-3, fused=False, foreach=False)
        parallel = DistributedDataParallel(
            model, device_ids=[device.index] if device.type == "cuda" else None
        )
        recorder.begin(model, optimizer, expected=expected)
        for step in range(config.steps):
            tokens, labels = batch_of(step, rank, device)
            loss = parallel(input_ids=tokens, labels=labels).loss
            mean = loss.detach().clone()
            torch.distributed.all_reduce(mean)
            recorder.forward(mean / config.ranks)
            loss.backward()
            recorder.backward()
            optimizer.step()
            check_equal(model, step + 1)
            recorder.step()
            optimizer.zero_grad(set_to_none=True)
    # DistributedDataParallel holds the process group. Its end, with the interpreter's lock held, can wait for a thread of
    # gloo that waits for the lock: so it goes first.
    del parallel, loss, mean
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def free_port():
    """Return a port of the loopback interface that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()))
    if config.backend == "gloo":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    # A fork keeps what is imported; no rank has touched a device yet.
    start = multiprocessing.get_context("fork")
    ranks = [start.Process(target=train, args=(rank,)) for rank in range(config.ranks)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    failed = [f"rank {rank}: {process.exitcode}" for rank, process in enumerate(ranks) if process.exitcode]
    sys.exit(", ".join(failed) or None)
