"""The metric of predictions of shape (2, 3, 4) is the mean of all squared differences."""

import torch
from torchmetrics import MeanSquaredError

torch.manual_seed(0)
predictions, targets = torch.rand(2, 3, 4), torch.rand(2, 3, 4)
metric = MeanSquaredError()
metric.update(predictions, targets)
value = metric.compute()
print("mse", value)
assert value.shape == (), f"the metric has the shape {tuple(value.shape)}, expected one number"
assert torch.allclose(value, ((predictions - targets) ** 2).mean())
