"""The oracle `same-as`: finite to the end, and as another arm of the same release."""

from __future__ import annotations

from harness.keys import Key
from harness.keys.kinds import ABOVE_0, COUNT, TEXT
from harness.verdicts.oracles import training
from harness.verdicts.oracles.oracle import Oracle

ORACLE = Oracle(
    training.training,
    {
        "arm": Key(
            TEXT,
            "the arm that is compared with, executed with the same release; as one with `ranks = 1` and the same global batch",
            required=True,
            example="one",
        ),
        "rtol": Key(
            ABOVE_0,
            "relative difference that is allowed: one process and several add in another order",
            default=1e-3,
        ),
        "steps": Key(COUNT, "how many of the first steps are compared, as rounding grows", default=20),
        **training.ORACLE.options,
    },
    "good is a training whose losses, gradients and weights are those of another arm of the same release",
)
