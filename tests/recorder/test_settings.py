"""Settings from the command line: typed by their defaults, refused with a sentence and exit code 2."""

from __future__ import annotations

import os

import pytest
from harness_recorder import settings

DEFAULTS = {"steps": 200, "lr": 1e-3, "name": "adamw", "clip": False, "path": None}


def test_defaults_stand_without_arguments():
    assert vars(settings(DEFAULTS, [])) == DEFAULTS


def test_a_value_takes_the_type_of_its_default():
    words = ["--steps", "3", "--lr=2", "--name", "sgd", "--clip", "true", "--path", "x"]
    assert vars(settings(DEFAULTS, words)) == {
        "steps": 3,
        "lr": 2.0,
        "name": "sgd",
        "clip": True,
        "path": "x",
    }


def test_a_negative_number_is_a_value():
    assert settings(DEFAULTS, ["--lr", "-1e-3"]).lr == -1e-3


def test_the_program_s_own_arguments_are_read(monkeypatch):
    monkeypatch.setattr("sys.argv", ["job.py", "--steps", "7"])
    assert settings(DEFAULTS).steps == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stepps", "3"], "unknown setting '--stepps'; known: --steps, --lr"),
        (["steps", "3"], "unknown setting 'steps'"),
        (["--steps"], "--steps lacks a value"),
        (["--steps", "many"], "--steps many: must be of type int, such as 200"),
        (["--clip", "maybe"], "--clip maybe: must be true or false, such as false"),
    ],
)
def test_bad_input_is_refused(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        settings(DEFAULTS, words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_lists_every_setting(capsys):
    with pytest.raises(SystemExit) as ended:
        settings(DEFAULTS, ["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"  --{name} " in shown for name in DEFAULTS)


def test_trace_names_the_file(monkeypatch):
    monkeypatch.setenv("HARNESS_TRACE", "elsewhere")
    settings(DEFAULTS, ["--trace", "here"])
    assert os.environ["HARNESS_TRACE"] == "here"
