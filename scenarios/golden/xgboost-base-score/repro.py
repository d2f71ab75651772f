"""One tree on labels of which a fifth is positive: the prediction shows from which base score it starts."""

import numpy as np
import xgboost as xgb

value = np.arange(50.0).reshape(-1, 1)
label = (value[:, 0] >= 40).astype(int)
model = xgb.XGBClassifier(n_estimators=1, max_depth=1, n_jobs=1).fit(value, label)
print(f"probability={model.predict_proba(value)[0, 1]:.6f}")
