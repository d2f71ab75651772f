"""The JSON schema and the reference say what the reader does; both are made from the code, and are up to date."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.keys import kinds
from harness.keys.kind import Kind
from harness.scenario import read_scenario
from harness.scenario.keys import ARM, FIX, SCENARIO
from harness.scenario.reference import reference
from harness.scenario.schema import json_schema, schema_text
from harness.verdicts.oracles import ORACLES, options

ROOT = Path(__file__).parent.parent
ALL = sorted(
    path for place in ("scenarios", "tests/scenarios") for path in ROOT.glob(f"{place}/**/scenario.toml")
)
VALIDATOR = jsonschema.Draft7Validator(json_schema())

TABLES = {"scenario": SCENARIO, "arm": ARM, "fix": FIX, **{kind: options(kind) for kind in ORACLES}}
KEYS = {f"{table}.{name}": key for table, keys in TABLES.items() for name, key in keys.items()}
KINDS = {
    **{name: kind for name, kind in vars(kinds).items() if isinstance(kind, Kind)},
    **{name: key.kind for name, key in KEYS.items()},
}
# Text whose form is more than JSON Schema can say: what the reader takes is valid, and the schema rejects some.
FREE = [KINDS[name].words for name in ("VERSION", "SPECIFIER", "REQUIREMENT", "REGEX", "metric.expect")]
SIMPLE = st.one_of(
    st.text(max_size=6),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False).filter(
        lambda value: not value.is_integer() if math.isfinite(value) else False
    ),
    *(
        st.sampled_from(words)
        for words in (["0.6.2", "last good", "bad", "skip"], ["<0.5", ">=3.9", "torch==2.13.0", "("])
    ),
)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


def test_the_schema_is_a_schema_and_the_file_is_up_to_date():
    jsonschema.Draft7Validator.check_schema(json_schema())
    again = "python -m harness validate --schema > scenarios/scenario.schema.json"
    assert (ROOT / "scenarios/scenario.schema.json").read_text(encoding="utf-8") == schema_text(), again


def test_the_reference_is_up_to_date_and_names_every_key():
    text = reference()
    again = "python -m harness validate --reference > scenarios/README.md"
    assert (ROOT / "scenarios/README.md").read_text(encoding="utf-8") == text, again
    for name, key in KEYS.items():
        assert f"\n| `{name.partition('.')[2]}` |" in text
        assert key.meaning in text


def test_the_least_scenario_of_the_reference_is_right(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", reference(), re.DOTALL)
    (tmp_path / "scenario.toml").write_text(block, encoding="utf-8")
    (tmp_path / "job.py").write_text("", encoding="utf-8")
    assert read_scenario(tmp_path).complaints == ()
    VALIDATOR.validate(tomllib.loads(block))
    for line in block.splitlines():
        without = block.replace(line, "") if "=" in line and "dtype" not in line else None
        if without is not None:
            (tmp_path / "scenario.toml").write_text(without, encoding="utf-8")
            assert read_scenario(tmp_path).complaints


@pytest.mark.parametrize("path", ALL, ids=[path.parent.name for path in ALL])
def test_every_scenario_of_the_repository_is_valid_and_says_where_its_schema_is(path):
    text = path.read_text(encoding="utf-8")
    VALIDATOR.validate(tomllib.loads(text))
    assert read_scenario(path.parent).complaints == ()
    if ROOT / "scenarios" in path.parents:
        first = text.splitlines()[0]
        assert first.startswith("#:schema ")
        assert (path.parent / first.removeprefix("#:schema ")).samefile(
            ROOT / "scenarios/scenario.schema.json"
        )


def test_there_are_scenarios():
    assert len(ALL) >= 17


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('package = "peft"', ""),
        ('package = "peft"', 'package = ""'),
        ('package = "peft"', 'package = "peft"\npins = ["==1"]'),
        ('package = "peft"', 'package = "peft"\npins = "torch"'),
        ('package = "peft"', 'package = "peft"\npakage = "peft"'),
        ('package = "peft"', 'package = "peft"\nfrom = "first"'),
        ('package = "peft"', 'package = "peft"\nfrom = 0.6'),
        ('package = "peft"', 'package = "peft"\npython = "three"'),
        ('package = "peft"', 'package = "peft"\ncommand = []'),
        ('package = "peft"', 'package = "peft"\njob = "job.py"\ncommand = ["true"]'),
        ('package = "peft"', 'package = "peft"\ntimeout = 0'),
        ('package = "peft"', 'package = "peft"\nthreads = true'),
        ('package = "peft"', 'package = "peft"\nseed = 0.5'),
        ('package = "peft"', 'package = "peft"\nvariables = { A = 1 }'),
        ('package = "peft"', 'package = "peft"\nonline = "yes"'),
        ('package = "peft"', 'package = "peft"\nparameters = { a = [1] }'),
        ("[arms.fp16]", "[arm.fp16]"),
        ("[arms.fp16]\n", "[arms]\n"),
        ('dtype = "float16"', "dtype = []"),
        ('dtype = "float16"', "seeds = 0"),
        ('dtype = "float16"', "default = 1"),
        ('kind = "training"', ""),
        ('kind = "training"', 'kind = "train"'),
        ('kind = "training"', 'kind = "training"\nloss_under = 0.4'),
        ('kind = "training"', 'kind = "training"\nloss_window = 0'),
        ('kind = "training"', 'kind = "training"\nsignal = "loss"'),
        ('kind = "training"', 'kind = "metric"\nexpect = "small"'),
        ('kind = "training"', 'kind = "metric"\nconfidence = 1'),
        ('kind = "training"', 'kind = "exit-status"\nimport_errors = "good"'),
        ('kind = "training"', 'kind = "exit-status"\nloss_below = 1'),
        ("[oracle]", "[fixes.a]\n[oracle]"),
        ("[oracle]", '[fixes.a]\nset = { a = 1 }\nrelease = "last good"\n[oracle]'),
        ("[oracle]", '[fixes.a]\nrelease = "first"\n[oracle]'),
        ("[oracle]", "[fixes.a]\nset = { a = [1] }\n[oracle]"),
        ("[oracle]", "[fixes.a]\nset = {}\nwho = 'me'\n[oracle]"),
    ],
)
def test_reader_and_schema_reject_alike(tmp_path, old, new):
    (block,) = re.findall(r"```toml\n(.*?)```", reference(), re.DOTALL)
    text = block.replace(old, new, 1)
    assert text != block
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    (tmp_path / "job.py").write_text("", encoding="utf-8")
    assert read_scenario(tmp_path).complaints
    assert not VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=30)
@given(value=VALUES)
def test_each_kind_takes_what_its_schema_takes(name, value):
    kind = KINDS[name]
    taken = not list(kind.wrong("key", value))
    valid = jsonschema.Draft7Validator(dict(kind.schema)).is_valid(value)
    assert valid or not taken
    if (kind.part or kind).words not in FREE:
        assert taken == valid
