"""A history of a toy package in which each change has one cause, and one has a red herring beside it."""

from __future__ import annotations

from toyindex import wheel

_CODE = """
import torch


class Config:
    def __init__(self):
        self.activation = {activation!r}
        self.rank = 8


class Model(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.scaling = {scaling!r}
        self._linear = config.activation == "linear"
        start = torch.randn(config.rank, 8) * 0.3
        self.A = torch.nn.Parameter((start * {start!r}).to(torch.{dtype}))
        self.B = torch.nn.Parameter(torch.zeros(8, config.rank, dtype=torch.{dtype}))
        self.spare = torch.nn.Parameter(torch.ones(4, dtype=torch.{spare}))
        self.B.requires_grad_({trained!r})

    def forward(self, x):
        hidden = x.to(self.A.dtype) @ self.A.T
        if not self._linear:
            hidden = hidden * 0
        return self.scaling * (hidden @ self.B.T).float()
"""
_GOOD = {
    "activation": "linear", "scaling": 2.0, "start": 1.0, "dtype": "float32", "spare": "float32", "trained": True,
}  # fmt: skip

# Every even release is good; what an odd one plants is undone in the next.
PLANTED = {
    "1.1": {"dtype": "float16"},
    "1.3": {"trained": False},
    "1.5": {
        "scaling": 0.001,
        "spare": "float16",
    },  # the dtype of what has no part in the loss is a red herring
    "1.7": {"start": 0.0},
    "1.9": {"activation": "off"},
}


def code(version):
    """Return the module of one release."""
    return _CODE.format(**{**_GOOD, **PLANTED.get(version, {})})


def plant(folder):
    """Write all wheels of the history into a folder."""
    for minor in range(11):
        version = f"1.{minor}"
        file = wheel("plantedcause", version, code(version))
        (folder / file.name).write_bytes(file.content)
