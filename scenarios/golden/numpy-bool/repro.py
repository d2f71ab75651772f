"""A mask is made with the type np.bool."""

import numpy as np

mask = np.zeros(3, dtype=np.bool)
print(mask.dtype)
assert mask.dtype.kind == "b"
