"""Two ranks each take their part of a stream in one shard by split_dataset_by_node; every rank must get rows."""

import os

from datasets import Dataset
from datasets.distributed import split_dataset_by_node

rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
rows = Dataset.from_dict({"x": list(range(8))}).to_iterable_dataset(num_shards=1)
mine = [row["x"] for row in split_dataset_by_node(rows, rank=rank, world_size=size)]
print("rows of this rank", mine)
assert len(mine) == 8 // size, f"rank {rank} gets {len(mine)} of 8 rows"
