"""The two halves of a stream of 8 rows in 4 shards, as two processes would see them, hold every row once."""

from accelerate.data_loader import prepare_data_loader
from datasets import Dataset
from torch.utils.data import DataLoader

rows = Dataset.from_dict({"x": list(range(8))}).to_iterable_dataset(num_shards=4)
seen = []
for process in range(2):
    loader = prepare_data_loader(
        DataLoader(rows, batch_size=2), num_processes=2, process_index=process, put_on_device=False
    )
    seen += [int(row["x"]) for row in loader.dataset]
print("rows", seen)
assert sorted(seen) == list(range(8)), f"the processes see {sorted(seen)}"
