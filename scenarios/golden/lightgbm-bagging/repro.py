"""Twenty trees on every second row of the breast cancer data: the loss on the other rows."""

import lightgbm as lgb
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss

value, label = load_breast_cancer(return_X_y=True)
model = lgb.LGBMClassifier(n_estimators=20, subsample=0.5, subsample_freq=1, n_jobs=1, random_state=0)
model.fit(value[::2], label[::2])
print(f"loss={log_loss(label[1::2], model.predict_proba(value[1::2])):.4f}")
