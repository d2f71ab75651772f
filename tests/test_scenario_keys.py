"""scenario.toml has one description: every default, check and complaint comes from it, and all complaints are told."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields

import pytest

from harness.errors import UsageError
from harness.keys import Key, check, toml_text
from harness.scenario import Arm, Fix, Scenario, load_scenario
from harness.scenario.keys import ALSO, ARM, FIX, SCENARIO
from harness.verdicts.oracles import ORACLES, options

TABLES = {
    "scenario": SCENARIO,
    "arm": ARM,
    "fix": FIX,
    "also": ALSO,
    **{kind: options(kind) for kind in ORACLES},
}
KEYS = [(table, name, key) for table, keys in TABLES.items() for name, key in keys.items()]

WRONG = """
package = "toy"
from = "first"
threads = 1.5
timeout = inf
pins = ["toy==1.0", "helper=1", "a b"]
variables = { A = 1 }
sed = 3

[parameters]
steps = [1]

[arms.one]
default = false
seeds = 0

[arms.two]
default = "yes"

[oracle]
kind = "metric"
signal = 3
expect = "small"
loss_below = 1
error_matches = "("

[fixes.a]
set = { x = 1 }
release = "last good"
arms = ["three"]

[fixes.b]
release = "first"
who = "me"
"""
SAID = """
from = 'first': expected a version number such as 0.6.2
threads = 1.5: expected a whole number above 0
timeout = inf: expected a number above 0
pins = 'helper=1': expected a requirement such as "torch==2.13.0"
pins = 'a b': expected a requirement such as "torch==2.13.0"
variables.A = 1: expected text
unknown key 'sed' (did you mean seed?); allowed: description, package, from, to, also, python
parameters.steps = [1]: expected text, a number, true or false
arms.one.seeds = 0: expected a whole number above 0
arms.two.default = 'yes': expected true or false
oracle.signal = 3: expected text
oracle.expect = 'small': expected one of <= >= == != < > and a number, as in <0.5 (it begins with no comparison)
oracle: unknown key 'loss_below'; allowed: kind, signal, window
oracle.error_matches = '(': expected a regular expression (missing ), unterminated subpattern at position 0)
fixes.a = {'set': {'x': 1}, 'release': 'last good', 'arms': ['three']}: expected a table with either `set`, settings
fixes.b.release = 'first': expected last good
fixes.b: unknown key 'who'; allowed: set, release
job = 'job.py': there is no such file in
"""


@pytest.fixture
def write(tmp_path):
    def to(text, job="print(1)\n"):
        (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
        if job is not None:
            (tmp_path / "job.py").write_text(job, encoding="utf-8")
        return str(tmp_path)

    return to


def test_everything_that_is_wrong_is_told_at_once_each_with_the_file(write):
    with pytest.raises(UsageError) as caught:
        load_scenario(write(WRONG, job=None))
    lines = str(caught.value).splitlines()
    assert len(lines) == len(SAID.split("\n")[1:-1])
    for said in SAID.split("\n")[1:-1]:
        assert re.search(rf"scenario\.toml(:\d+)?: {re.escape(said)}", str(caught.value)), said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "[arms.one]",
            "job = 'job.py'\ncommand = ['true']\n[arms.one]",
            "`job` and `command` exclude each other",
        ),
        (
            "[arms.one]",
            "command = ['python', 'no.py']\n[arms.one]",
            "command: no.py: there is no such file in",
        ),
        ("[arms.one]", "[arms.one]\ndefault = false", "arms = ['one']: expected at least one arm without"),
        ("[arms.one]", "[arms]\none = 1", "arms.one = 1: expected a table of settings of the job"),
        (
            "[oracle]",
            "[fixes.a]\nset = {}\narms = ['b']\n[oracle]",
            "fixes.a.arms = 'b': expected an arm: one",
        ),
        ('kind = "training"', "", "the key 'oracle.kind' is missing"),
        ('kind = "training"', "kind = ['training']", "expected one of training, metric"),
        ("[oracle]", "[oracle.more]", "the key 'oracle.kind' is missing"),
        (
            "[oracle]",
            "[oracle]\nerror_matches = 'a'",
            "error_matches = 'a': expected `exit_status = true` beside it",
        ),
        (
            "[arms.one]",
            "also = { package = 'Toy' }\n[arms.one]",
            "also.package = 'Toy': expected another package",
        ),
        ("[arms.one]", "also = { from = '1.0' }\n[arms.one]", "the key 'also.package' is missing"),
        ('"toy"', '"a toy"', "package = 'a toy': expected the name of a package"),
    ],
)
def test_rules_between_keys(write, old, new, said):
    text = 'package = "toy"\n[arms.one]\n[oracle]\nkind = "training"\n'
    load_scenario(write(text))
    with pytest.raises(UsageError) as caught:
        load_scenario(write(text.replace(old, new)))
    assert said in str(caught.value)


JOB = """
from harness_recorder import settings as take
config = take({"seed": 0, "device": "cpu", "threads": 1, "steps": 5, "lr": -1e-3, "fused": False, "name": str(1)})
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stps = 3", "arms.one.stps = 3: expected a setting that job.py declares; did you mean steps?"),
        (
            "x = 1",
            "expected a setting that job.py declares; it takes seed, device, threads, steps, lr, fused, name",
        ),
        ("steps = 4.0", "arms.one.steps = 4.0: expected what job.py can read in place of its default 5"),
        ("lr = 'high'", "arms.one.lr = 'high': expected what job.py can read in place of its default -0.001"),
        ("fused = 1", "arms.one.fused = 1: expected what job.py can read in place of its default false"),
        (
            "seed = 1",
            "arms.one.seed = 1: expected no such setting of the job, since the harness hands it seed",
        ),
        ("steps = 4\nlr = 1\nfused = 'true'\nname = 3", ""),
    ],
)
def test_settings_that_the_job_does_not_take_are_told_before_anything_runs(write, line, said):
    """What it says is what the job itself would say, in every release."""
    text = f'package = "toy"\n[arms.one]\n{line}\n[oracle]\nkind = "training"\n'
    if not said:
        assert load_scenario(write(text, JOB)).arms
        return
    with pytest.raises(UsageError) as caught:
        load_scenario(write(text, JOB))
    assert said in str(caught.value)
    if "seed" not in line:  # names that are computed are the job's own business
        assert load_scenario(write(text, JOB.replace("take({", "take({**{}, "))).arms


def test_a_job_that_declares_its_settings_takes_what_every_job_is_handed(write):
    text = 'package = "toy"\n[arms.one]\n[oracle]\nkind = "training"\n'
    with pytest.raises(UsageError, match="declares no setting 'threads'"):
        load_scenario(write(text, JOB.replace('"threads": 1, ', "")))


@pytest.mark.parametrize("more", ["exit_status = true\n", ""])
def test_how_a_script_ends_can_be_told_where_it_is_judged(write, more):
    command = "" if more else 'command = ["true"]\n'
    text = f'package = "toy"\n{command}[arms.one]\n[oracle]\nkind = "metric"\n{more}import_errors = "bad"\n'
    assert load_scenario(write(text)).oracle["exit_status"] is True


def test_a_command_gets_no_settings(write):
    text = 'package = "toy"\ncommand = ["true"]\n[arms.one]\nlr = 1\n[oracle]\nkind = "exit-status"\n'
    with pytest.raises(UsageError, match=r"arms\.one\.lr = 1: expected no settings of a job"):
        load_scenario(write(text))


@pytest.mark.parametrize(("table", "name", "key"), KEYS, ids=[f"{table}.{name}" for table, name, _ in KEYS])
def test_each_key_has_a_meaning_and_an_example_that_it_takes(table, name, key):
    assert isinstance(key, Key)
    assert key.meaning
    assert key.meaning[0].islower() or key.meaning.startswith("CPU")
    assert not key.meaning.endswith(".")
    example = key.default if key.example is None else key.example
    assert example is not None, "neither a default nor an example"
    for value in (example, key.default):
        if value is not None:
            read = tomllib.loads(f"{name} = {toml_text(value)}")
            assert not list(check(read, {name: key}))


@pytest.mark.parametrize(("facts", "keys"), [(Scenario, SCENARIO), (Arm, ARM), (Fix, FIX)])
def test_what_is_left_out_is_the_same_in_a_file_and_in_code(facts, keys):
    defaults = {
        field.name: field.default if field.default is not MISSING else field.default_factory()
        for field in fields(facts)
        if (field.default, field.default_factory) != (MISSING, MISSING)
    }
    for name, key in keys.items():
        if name in defaults and key.default is not None:
            assert defaults[name] == key.default or not (defaults[name] or key.default)
    assert set(keys) & set(defaults)
