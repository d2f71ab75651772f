"""Sums of two groups."""

import polars as pl

frame = pl.DataFrame({"group": ["a", "b", "a"], "value": [1, 2, 3]})
sums = frame.group_by("group").agg(pl.col("value").sum()).sort("group")
print(sums)
assert sums["value"].to_list() == [4, 2]
