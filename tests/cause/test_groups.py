"""Census differences in groups, and the names that a group is known by."""

from __future__ import annotations

from harness.cause.groups import brief, groups, patterns


def parameter(name, *, dtype="float32", trainable=True, shape=(8, 4), **others):
    return {"name": name, "raw": name, "dtype": dtype, "shape": list(shape), "trainable": trainable, **others}


def census(*parameters, **others):
    return {"parameters": list(parameters), "buffers": [], "modules": [], "optimizer": None, **others}


def lora(dtype):
    return [
        parameter(f"layers.{i}.{m}.lora_{x}.weight", dtype=dtype) for i in (0, 1) for m in "qv" for x in "AB"
    ]


def said(before, after):
    return [str(group) for group in groups(before, after)]


def test_one_kind_of_change_is_one_group():
    before = census(*lora("float32"), parameter("score.weight", dtype="float16"))
    after = census(*lora("float16"), parameter("score.weight", dtype="float16"))
    (group,) = groups(before, after)
    assert str(group) == "8 parameters: dtype float32 -> float16 (q.lora_A, q.lora_B, v.lora_A, v.lora_B)"
    assert group.transplantable
    assert group.names[0] == "layers.*.q.lora_A.weight"
    assert group.given("float32") == {
        "property": "dtype", "key": "", "names": list(group.names), "value": "float32",
    }  # fmt: skip


def test_equal_censuses_have_no_group():
    assert groups(census(*lora("float32")), census(*lora("float32"))) == []


def test_what_is_trained_comes_first_and_what_cannot_be_exchanged_last():
    before = census(
        parameter("a.weight", trainable=False, dtype="float16"),
        parameter("b.weight"),
        parameter("gone.weight"),
    )
    after = census(parameter("a.weight", trainable=False), parameter("b.weight", dtype="float16"))
    assert said(before, after) == [
        "1 parameter: dtype float32 -> float16 (b.weight)",
        "1 parameter: dtype float16 -> float32 (a.weight)",
        "1 parameter gone (gone.weight)",
    ]
    assert [group.transplantable for group in groups(before, after)] == [True, True, False]


def test_frozen_start_values_buffers_and_classes():
    before = census(
        parameter("a.weight", start=[0.0, 0.5]), parameter("b.weight"),
        buffers=[{"name": "x", "dtype": "float32", "shape": [1]}], modules=[{"name": "m", "class": "Old"}],
    )  # fmt: skip
    after = census(
        parameter("a.weight", start=[0.0, 0.25]), parameter("b.weight", trainable=False),
        buffers=[{"name": "x", "dtype": "float16", "shape": [1]}], modules=[{"name": "m", "class": "New"}],
    )  # fmt: skip
    assert said(before, after) == [
        "1 parameter: trained -> frozen (b.weight)",
        "1 parameter: start values (mean, deviation) 0, 0.5 -> 0, 0.25 (a.weight)",
        "1 buffer: buffer dtype float32 -> float16 (x)",
        "1 module: module class Old -> New (m)",
    ]


def test_attributes_settings_and_defaults():
    def side(scaling, alpha, eps, **more):
        return census(
            parameter("layers.0.q.lora_A.weight"),
            attributes=[
                {"module": "layers.*.q", "path": "scaling.default", "values": [scaling]},
                {"module": "layers.*", "path": "layer_idx", "values": [0, 1]},
            ],
            configs=[{"name": "Config", "values": {"alpha": alpha, **more}}],
            optimizer={"class": "AdamW", "eps": eps},
        )

    assert said(side(4.0, 32, 1e-8), side(2.0, 16, 1e-6, new_option=True)) == [
        "1 module: scaling.default 4.0 -> 2.0 (layers.*.q)",
        "config: alpha 32 -> 16",
        "optimizer: eps 1e-08 -> 1e-06",
    ]


def test_patterns_match_nothing_foreign():
    everything = ["layers.0.q", "layers.1.q", "layers.0.v"]
    assert patterns(["layers.0.q", "layers.1.q"], everything) == ("layers.*.q",)
    assert patterns(["layers.0.q"], everything) == ("layers.0.q",)


def test_brief_names_leave_out_what_all_share():
    assert brief(["m.layers.*.attn.q.lora_A.weight", "m.layers.*.attn.v.lora_A.weight"]) == ["q", "v"]
    assert brief(["a.b.c.d.weight"]) == ["c.d.weight"]
    assert brief([]) == []
