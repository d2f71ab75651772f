"""A data frame whose column is Int64 can be learnt from."""

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

frame = pd.DataFrame({"x": pd.Series(range(40), dtype="Int64")})
model = HistGradientBoostingRegressor(max_iter=2).fit(frame, range(40))
print("score", model.score(frame, range(40)))
