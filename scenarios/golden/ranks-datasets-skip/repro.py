"""Two ranks each take their half of a stream in four shards, and leave its first row out."""

import os

from datasets import Dataset
from datasets.distributed import split_dataset_by_node

rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
rows = Dataset.from_dict({"x": list(range(16))}).to_iterable_dataset(num_shards=4)
mine = [row["x"] for row in split_dataset_by_node(rows, rank=rank, world_size=size).skip(1)]
print("rows of this rank", mine)
assert len(mine) == 16 // size - 1, f"rank {rank} gets {len(mine)} of 16 rows"
