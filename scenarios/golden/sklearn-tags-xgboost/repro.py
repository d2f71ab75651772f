"""Cross-validate XGBRegressor, whose class has BaseEstimator before its mixin."""

import numpy as np
from sklearn.model_selection import cross_val_score
from xgboost import XGBRegressor

value = np.arange(30.0).reshape(-1, 1)
print("scores", cross_val_score(XGBRegressor(n_estimators=2, n_jobs=1), value, value[:, 0], cv=3))
