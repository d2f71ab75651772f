"""Two ranks each read their half of a stream of 8 rows in 4 shards, and hold every row once together."""

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration
from datasets import Dataset
from torch.utils.data import DataLoader

rows = Dataset.from_dict({"x": list(range(8))}).to_iterable_dataset(num_shards=4)
accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(dispatch_batches=False))
loader = accelerator.prepare(DataLoader(rows.with_format("torch"), batch_size=2))
mine = [int(x) for batch in loader for x in batch["x"]]
print("rows of this rank", mine)
if accelerator.num_processes > 1:
    seen = torch.zeros(8)
    seen[mine] += 1
    dist.all_reduce(seen)
    assert seen.tolist() == [1.0] * 8, f"rows were seen {seen.tolist()} times"
