"""merge_ordered with fill_method="ffill" and how="left": the left keys, the right values carried forward."""

import pandas as pd

left = pd.DataFrame({"key": [1, 2, 3], "a": [1, 2, 3]})
right = pd.DataFrame({"key": [1, 3], "b": [10, 30]})
merged = pd.merge_ordered(left, right, on="key", how="left", fill_method="ffill")
print(merged)
assert merged["b"].tolist() == [10, 10, 30]
