"""A CSV file of two rows is loaded by datasets, with a cache of its own."""

import tempfile
from pathlib import Path

from datasets import load_dataset

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "rows.csv")
    path.write_text("x\n1\n2\n", encoding="utf-8")
    rows = load_dataset("csv", data_files=str(path), split="train", cache_dir=str(Path(folder, "cache")))
    print("rows", rows["x"])
    assert rows["x"] == [1, 2]
