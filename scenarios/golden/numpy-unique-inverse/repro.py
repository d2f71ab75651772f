"""np.unique along an axis: rows[inverse] are the rows that were given."""

import numpy as np

rows = np.array([[1, 2], [3, 4], [1, 2]])
unique, inverse = np.unique(rows, axis=0, return_inverse=True)
print("shape", inverse.shape)
assert inverse.shape == (3,), f"the inverse has the shape {inverse.shape}, expected (3,)"
assert (unique[inverse] == rows).all()
