"""Canonical names: one name for one weight in every release of PEFT."""

from __future__ import annotations

import pytest
from harness_recorder.census import parameters_of
from harness_recorder.names import canonical

LAYER = "model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (f"base_model.model.{LAYER}.weight", f"{LAYER}.weight"),
        (f"base_model.model.{LAYER}.base_layer.weight", f"{LAYER}.weight"),
        (f"base_model.model.{LAYER}.lora_A.default.weight", f"{LAYER}.lora_A.weight"),
        ("base_model.model.score.modules_to_save.default.weight", "score.weight"),
        ("base_model.model.score.original_module.weight", "score.original_module.weight"),
        ("score.weight", "score.weight"),
        ("base_model.model.model.embed.lora_embedding_A.default", "model.embed.lora_embedding_A"),
    ],
)
def test_wrappers_leave_no_mark(raw, name):
    assert canonical(raw) == name


class Model:
    def __init__(self, *names):
        self.names = names

    def named_parameters(self):
        return [(name, object()) for name in self.names]


def test_parameters_come_in_the_order_of_their_canonical_names():
    assert list(parameters_of(Model("b.weight", "base_model.model.a.weight"))) == ["a.weight", "b.weight"]


def test_two_parameters_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"canonical name a\.weight: a\.weight and a\.base_layer\.weight"):
        parameters_of(Model("a.weight", "a.base_layer.weight"))
