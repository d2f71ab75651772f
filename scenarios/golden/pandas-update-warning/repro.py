"""Update one row of a frame of whole numbers from another frame."""

import pandas as pd

frame = pd.DataFrame({"a": [1, 2, 3]})
frame.update(pd.DataFrame({"a": [5]}, index=[1]))
print(frame)
