"""Import transformers, then load a folder with one CSV file of two rows with datasets."""

import tempfile
from pathlib import Path

import transformers
from datasets import load_dataset

print(transformers.__version__)
with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
    Path(folder, "train.csv").write_text("x\n1\n2\n", encoding="utf-8")
    assert load_dataset(folder, cache_dir=cache)["train"]["x"] == [1, 2]
