"""`new` writes a scenario that runs as it is, once, and tells how to go on; nothing is ever overwritten."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from harness.scenario import load_scenario
from harness.scenario.schema import json_schema, schema_text

WRITTEN = Path("scenarios/mine")


def arms():
    return json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))["arms"]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_it_writes_runs_by_the_commands_that_it_tells(toy, harness):
    done = harness("new", "mine", "--package", "toy", "--with", "helper==1.0")
    assert done.returncode == 0, done.stderr
    told = [line.removeprefix("  python -m harness ") for line in done.stdout.splitlines() if line[0] == " "]
    assert told == ["validate mine", "bisect mine"]
    for words in told:
        done = harness(*words.split())
        assert done.returncode == 0, done.stdout + done.stderr
    for arm in arms():
        assert arm["conclusion"] == "always-good"
        verdicts = {row["version"]: row["verdict"] for row in arm["releases"]}
        assert [version for version, verdict in verdicts.items() if verdict == "skip"] == [
            "1.2",
            "1.3",
            "1.4",
        ]
    assert [arm["name"] for arm in arms()] == ["slow", "fast"]


def test_its_files_are_right_for_the_schema_and_say_where_it_is(toy, harness):
    assert harness("new", "mine").returncode == 0
    text = (WRITTEN / "scenario.toml").read_text(encoding="utf-8")
    jsonschema.validate(tomllib.loads(text), json_schema())
    schema = WRITTEN / text.splitlines()[0].removeprefix("#:schema ")
    assert schema.read_text(encoding="utf-8") == schema_text()
    scenario = load_scenario("mine")
    assert (scenario.package, scenario.first, list(scenario.arms)) == (
        "peft",
        "0.3.0",
        ["float32", "bfloat16"],
    )
    assert all(pin.split("==")[0] in {"torch", "transformers", "accelerate"} for pin in scenario.pins)


def test_a_script_becomes_a_scenario_with_what_it_imports(toy, harness):
    Path("sub").mkdir()
    (Path("sub") / "repro.py").write_text(
        '# /// script\n# dependencies = ["helper==1.0"]\n# ///\nimport sys, beside\nsys.exit(beside.fails(sys.argv[1]))\n',
        encoding="utf-8",
    )
    (Path("sub") / "beside.py").write_text(
        "import toy\ndef fails(word):\n    assert word == 'now'\n    return int(toy.loss(3) != toy.loss(3))\n",
        encoding="utf-8",
    )
    done = harness(
        "new",
        "mine",
        "--package",
        "toy",
        "--from",
        "1.0",
        "--to",
        "3.0",
        "--",
        "python",
        "sub/repro.py",
        "now",
    )
    assert done.returncode == 0, done.stderr
    assert tomllib.loads((WRITTEN / "scenario.toml").read_text(encoding="utf-8")) == {
        "description": "repro.py ends with exit status 0",
        "package": "toy",
        "from": "1.0",
        "to": "3.0",
        "pins": ["helper==1.0"],
        "command": ["python", "repro.py", "now"],
        "arms": {"check": {}},
        "oracle": {"kind": "exit-status"},
    }
    assert harness("bisect", "mine").returncode == 0
    (arm,) = arms()
    found = [(one["before"], one["after"]) for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert found == [("1.1", "2.0"), ("2.1", "3.0")]


def test_nothing_is_overwritten(toy, harness):
    assert harness("new", "mine", "--package", "toy").returncode == 0
    (WRITTEN / "job.py").write_text("mine\n", encoding="utf-8")
    Path("scenarios/scenario.schema.json").write_text("mine\n", encoding="utf-8")
    before = contents(Path("scenarios"))
    done = harness("new", "mine", "--package", "peft")
    assert done.returncode == 2
    assert "scenarios/mine: there is something already, and it stays as it is" in done.stderr
    assert contents(Path("scenarios")) == before
    assert harness("new", "other", "--package", "toy").returncode == 0
    assert Path("scenarios/scenario.schema.json").read_text(encoding="utf-8") == "mine\n"


def test_another_folder(toy, harness):
    done = harness("new", "mine", "--package", "toy", "--folder", "deep/er")
    assert done.returncode == 0
    assert "python -m harness bisect deep/er/mine" in done.stdout
    assert Path("deep/er/scenario.schema.json").is_file()
    assert harness("validate", "deep/er/mine").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("../mine",), "expected a name of letters"),
        (("-- ",), "expected a name of letters"),
        (("mine", "--from", "first"), "from = 'first': expected a version number such as 0.6.2"),
        (("mine", "--package", "a toy"), "package = 'a toy': expected the name of a package"),
        (("mine", "--package", "toy", "--with", "toy==1"), "expected no pin of toy"),
        (("mine", "--with", "a=1"), "--with 'a=1': expected a requirement"),
        (("mine", "--", "bash", "run.sh"), "bash run.sh: expected python FILE.py"),
        (("mine", "--", "python", "nosuch.py"), "nosuch.py: there is no such file"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(toy, harness, words, said):
    before = contents(Path())
    done = harness("new", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(Path()) == before


@pytest.mark.real
def test_the_default_scenario_trains_with_peft(real_home, harness, tmp_path):
    done = harness("new", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for release in ("0.7.1", "0.18.0"):
        done = harness("probe", "mine", "--release", release, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"peft {release} float32: good, finite over 40 steps" in done.stdout
