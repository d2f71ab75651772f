"""Values on a script's output: what is meant as one is read, and what only looks like one is not."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probes.process import HEAD, TAIL, Output
from harness.traces.printed import printed_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("loss=0.5", {"loss": [0.5]}),
        ("loss = 0.5", {"loss": [0.5]}),
        ("  eval/loss=1e-3 \r\n", {"eval/loss": [1e-3]}),
        ("loss=0.6 step=3", {"loss": [0.6], "step": [3.0]}),
        ("a=1, b=2; c=3,d=-.5", {"a": [1.0], "b": [2.0], "c": [3.0], "d": [-0.5]}),
        ("epoch 3 done: loss=0.25, after 7 steps", {"loss": [0.25]}),
        ("2024-05-01 12:30:05,123 INFO trainer loss=0.25", {"loss": [0.25]}),
        ("[step=3 loss=0.5]", {"step": [3.0], "loss": [0.5]}),
        ("step=3.", {"step": [3.0]}),
        ("a: 1", {"a": [1.0]}),
        ("a: 1, b: 2.5", {"a": [1.0], "b": [2.5]}),
        ("loss = 0.5, step = 3", {"loss": [0.5], "step": [3.0]}),
        ("a=inf b=-inf", {"a": [math.inf], "b": [-math.inf]}),
        ("loss=1\nloss=2\nloss=3", {"loss": [1.0, 2.0, 3.0]}),
        ('{"loss": 0.1, "step": 3, "ok": true, "name": "a", "none": null}', {"loss": [0.1], "step": [3.0]}),
        ('{"eval": {"loss": 0.2, "deep": {"x": 1}}, "list": [1]}', {"eval.loss": [0.2]}),
        ("{'loss': 0.5, 'ok': True, 'eval': {'loss': inf}}", {"loss": [0.5], "eval.loss": [math.inf]}),
        ("10%|#| 1/10 [00:00<00:01, 5it/s, loss=0.9]\r20%|##| 2/10 [00:00<00:01, 5it/s, loss=0.8]", {"loss": [0.9, 0.8]}),
        ("\x1b[32mloss=0.5\x1b[0m", {"loss": [0.5]}),
        ("loss=0.5 (best so far)", {"loss": [0.5]}),
        ("it is bad :(\nloss=0.5\n1) next", {"loss": [0.5]}),
    ],
)  # fmt: skip
def test_a_value_is_read(text, values):
    assert printed_values(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "torch==2.1",
        "torch>=2",
        "toy=1.2.3",
        "https://example.org/a?b=1&c=2",
        "GET /run?step=3",
        "/data/run=3/part",
        "python job.py --lr=0.1 --seed=0",
        "Linear(in_features=3, out_features=4, bias=True)",
        "Model(\n  (fc): Linear(in_features=3,\n    out_features=4)\n)",
        "Config(\n  hidden=64,\n  inner=Inner(\n    width=3,\n  ),\n  layers=2,\n)",
        "call(a, lr=0.1, steps=3)",
        "Config {hidden=3, layers=4}",
        "step 3 (loss=0.5)",
        "accuracy=95%",
        "accuracy: 95%",
        "count=1_000",
        "count=1,000",
        "time=12ms",
        "address=0x1F",
        "time: 12:30",
        "warning: 3 values were lost",
        "for x = 1 to 3",
        "xloss=a0.5",
        "'loss=0.5'",
        "nothing here",
        "[1, 2]",
        "{broken: 1",
        "{'a': np.float64(1)}",
        "{'\\d': }",
        "{" * 5000,
        "((((" * 5000 + "))))" * 5000,
    ],
)
def test_what_only_looks_like_a_value_is_none(text):
    assert printed_values(text) == {}


def test_a_value_that_the_cap_on_output_cuts_is_none():
    output = Output()
    line = b"loss=0.123456789 "
    output.add((b"x" * (HEAD - 8) + b"\nloss=0.123\n") + b"y\n" * TAIL + b"\nstep=3\n")
    text = output.content().decode()
    assert "bytes left out" in text
    assert printed_values(text) == {"step": [3.0]}, line


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,12}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(10**12), 10**12)


@given(
    st.lists(st.tuples(NAMES, NUMBERS), min_size=1),
    st.sampled_from([" ", ", ", "; ", ","]),
    st.sampled_from("=:"),
)
def test_pairs_make_the_round_trip(pairs, between, sign):
    if sign == ":" and between == ",":
        between = ", "
    expected = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(float(value))
    assert printed_values(between.join(f"{name}{sign}{value!r}" for name, value in pairs)) == expected


@given(st.dictionaries(NAMES, NUMBERS | st.booleans() | st.text() | st.dictionaries(NAMES, NUMBERS)))
def test_objects_make_the_round_trip(content):
    expected = {}
    for name, value in content.items():
        inner = (
            {f"{name}.{key}": item for key, item in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        for key, item in inner.items():
            if isinstance(item, int | float) and not isinstance(item, bool):
                expected.setdefault(key, []).append(float(item))
    for line in (json.dumps(content), repr(content)):
        found = printed_values(line)
        assert {key: sorted(values) for key, values in found.items()} == {
            key: sorted(values) for key, values in expected.items()
        }


@given(st.text())
def test_any_text_is_read(text):
    printed_values(text)
