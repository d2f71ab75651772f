"""`validate`: everything that is wrong at once with file, line, key, value and what is allowed; or what it means."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from states import own_state

from harness.keys import line_of
from harness.scenario import read_scenario
from harness.scenario.explain import explain
from harness.scenario.keys import SCENARIO
from harness.scenario.reference import reference
from harness.scenario.schema import schema_text

SCENARIO_TOML = Path("scenarios/toy/scenario.toml")


def test_everything_that_is_wrong_is_told_with_its_line(toy, harness):
    text = SCENARIO_TOML.read_text(encoding="utf-8")
    for old, new in (
        ("timeout = 20", "timeout = -1"),
        ("scale = 2.0", "scael = 2.0"),
        ("loss_below", "loss_blow"),
    ):
        assert old in text
        text = text.replace(old, new)
    SCENARIO_TOML.write_text(f"{text}\n[fixes.none]\n", encoding="utf-8")
    done = harness("validate", "toy", "nosuch")
    assert done.returncode == 2
    assert done.stdout == ""
    said = done.stderr.splitlines()
    line = {
        one: number for number, one in enumerate(SCENARIO_TOML.read_text(encoding="utf-8").splitlines(), 1)
    }
    where = "error: scenarios/toy/scenario.toml"
    expected = {
        "timeout = -1": "timeout = -1: expected a number above 0",
        "scael = 2.0": "arms.scaled.scael = 2.0: expected a setting that job.py declares; did you mean scale?",
        "loss_blow = 0.5": "oracle: unknown key 'loss_blow' (did you mean loss_below?); allowed: kind, loss_below, "
        "loss_window, gradients, exit_status, bad_when_stdout_matches, error_matches, import_errors",
        "[fixes.none]": "fixes.none = {}: expected a table with either `set`, settings of the job, or "
        '`release = "last good"`',
    }
    assert said[:-1] == [f"{where}:{line[key]}: {one}" for key, one in expected.items()]
    assert said[-1] == (
        "error: no scenario 'nosuch'. Known: llama_ddp, llama_float8, llama_fsdp2, llama_seq_cls, toy, trainer_accumulation_ddp; or give the path of a folder with a scenario.toml"
    )


def test_what_the_harness_would_say_itself_is_said_by_validate(toy, harness):
    SCENARIO_TOML.write_text(SCENARIO_TOML.read_text(encoding="utf-8").replace("20", "0"), encoding="utf-8")
    checked, asked = harness("validate", "toy"), harness("bisect", "toy")
    assert checked.returncode == asked.returncode == 2
    assert checked.stderr == asked.stderr


def test_a_right_one_is_explained_with_its_defaults_and_without_the_network(toy, harness, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "own"))
    done = harness("validate", "toy")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert set(SCENARIO) - {"description", "parameters", "arms", "oracle", "fixes", "command"} <= set(rows)
    assert rows["timeout"].split("  ")[-1] == SCENARIO["timeout"].meaning
    assert "default" not in rows["timeout"]
    assert "1 (default)" in rows["threads"]
    assert "not given" in rows["from"]
    assert rows["plain"] == "  plain   steps = 5, scale = 1.0  runs by default"
    assert "runs if it is named: --arm scaled" in rows["scaled"]
    assert "oracle training: good is a training whose losses" in done.stdout
    assert "how many releases that is: python -m harness releases toy" in done.stdout
    assert "next: python -m harness bisect toy" in done.stdout


def test_an_explanation_tells_what_sets_an_arm_apart_and_every_remedy(tmp_path):
    (tmp_path / "job.py").write_text(
        "from harness_recorder import settings\n\nconfig = settings({'lr': 0.1, 'seed': 0, 'device': 'cpu', 'threads': 1})\n",
        encoding="utf-8",
    )
    (tmp_path / "scenario.toml").write_text(
        'package = "toy"\npython = "==3.8.*"\n[arms.one]\n[arms.two]\ndefault = false\nfixes = true\nseeds = 8\nranks = 2\n'
        'lr = 0.5\n[oracle]\nkind = "warnings"\nexit_status = false\n'
        '[fixes.small]\nset = { lr = 0.01 }\ndescription = "a small rate"\nby = "practice"\narms = ["one"]\n'
        '[fixes.pin]\nrelease = "last good"\ndescription = "no update"\n',
        encoding="utf-8",
    )
    reading = read_scenario(tmp_path)
    assert reading.complaints == ()
    plain, arms, oracle, remedies = explain(reading.scenario, reading.content)
    (python,) = [row for row in plain.rows if row.name == "python"]
    own = ".".join(map(str, sys.version_info[:3]))
    assert python.meaning.endswith(f"(not the harness's own, {own}; uv finds another one, or installs it)")
    assert [(row.name, row.value, row.meaning) for row in (*arms.rows, *remedies.rows)] == [
        ("one", "", "runs by default"),
        ("two", "lr = 0.5", "runs if it is named: --arm two, and with --fixes; 8 seeds at least; as 2 ranks"),
        ("small", "lr = 0.01", "a small rate (by practice); for one"),
        ("pin", "the last good release", "no update"),
    ]
    named = {row.name for row in oracle.rows}
    assert named >= {"matches", "by", "exit_status"}  # of the settings of scripts, the ones that are given
    assert "import_errors" not in named


def test_the_last_listing_tells_how_many_releases_there_are(toy, harness, monkeypatch):
    assert harness("releases", "toy").returncode == 0
    assert "10 releases of toy, 1.0 to 3.1, by the listing of " in harness("validate", "toy").stdout
    text = SCENARIO_TOML.read_text(encoding="utf-8")
    SCENARIO_TOML.write_text(f'from = "1.5"\n{text}', encoding="utf-8")
    done = harness("validate", "toy")
    assert done.returncode == 0
    assert "--from 1.5: the index lists no such release of toy" in done.stdout


def test_several_get_a_line_each(toy, harness):
    done = harness("validate", "toy", "llama_seq_cls")
    assert done.returncode == 0
    assert [line.rpartition(": ")[2] for line in done.stdout.splitlines()] == ["all right"] * 2


def test_schema_and_reference_are_printed(toy, harness):
    assert harness("validate", "--schema").stdout == schema_text()
    assert json.loads(schema_text())["required"] == ["package", "arms", "oracle"]
    assert harness("validate", "--reference").stdout == reference()


@pytest.mark.parametrize("words", [(), ("toy", "--schema"), ("--schema", "--reference")])
def test_one_thing_at_a_time(toy, harness, words):
    done = harness("validate", *words)
    assert done.returncode == 2
    assert "Name a scenario" in done.stderr


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("package", 1),
        ("arms.one.lr", 5),
        ("arms.one.nothing", 4),
        ("arms.a b.lr", 7),
        ("oracle.kind", 9),
        ("fixes.x.set.lr", 11),
        ("nothing", None),
    ],
)
def test_lines(key, line):
    text = """package = "a"
[parameters] # [arms.one]
lr = 1
[arms.one]
lr = 2
[ arms . "a b" ]
lr = 3
[oracle]
'kind' = "training"
[fixes.x]
set = { lr = 1 }
"""
    assert line_of(text, key) == line
