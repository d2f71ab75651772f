"""What cannot be asked of two environments gets one clear message, exit status 2, and nothing is executed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from worlds import freeze, job

from harness.cli import main


@pytest.fixture
def here(toy):
    job("import helper")
    freeze("good.txt", {"helper": "1.0", "toy": "1.0"})
    freeze("bad.txt", {"helper": "2.0", "toy": "1.0"})
    return toy


def refused(capsys, *words, command=("python", "job.py")):
    assert main(["blame", *words, *(["--", *command] if command else [])]) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("error: ") or "Tried:" in said, said
    assert not list(Path().glob("reports/*"))
    return said


def test_an_end_is_missing(here, capsys):
    assert "--bad ENV is missing" in refused(capsys, "--good", "good.txt")
    assert "--good ENV is missing" in refused(capsys, "--bad", "good.txt")


def test_equal_environments(here, capsys):
    Path("same.json").write_text(
        json.dumps([{"name": "Helper", "version": "1.0"}, {"name": "toy", "version": "1.0"}]),
        encoding="utf-8",
    )
    said = refused(capsys, "--good", "good.txt", "--bad", "same.json")
    assert "--good good.txt and --bad same.json hold the same packages" in said


def test_no_such_environment(here, capsys):
    said = refused(capsys, "--good", "nowhere.txt", "--bad", "bad.txt")
    assert "nowhere.txt is no environment" in said


def test_a_file_of_no_format(here, capsys):
    Path("poem.txt").write_text("Shall I compare thee\nto a summer's day?\n", encoding="utf-8")
    said = refused(capsys, "--good", "poem.txt", "--bad", "bad.txt")
    assert "poem.txt is none of the lists of packages that can be read. Tried:" in said
    assert "pylock.toml (PEP 751)" in said


def test_ranges_are_no_environment(here, capsys):
    Path("ranges.txt").write_text("helper>=1\ntoy==1.0\n", encoding="utf-8")
    said = refused(capsys, "--good", "ranges.txt", "--bad", "bad.txt")
    assert "ranges.txt" in said
    assert "date" in said


def test_a_date_without_requirements(here, capsys):
    said = refused(capsys, "--good", "2024-01-10", "--bad", "bad.txt")
    assert "2024-01-10 is a date, and nothing says which packages the job needs then" in said


def test_no_job(here, capsys):
    said = refused(capsys, "--good", "good.txt", "--bad", "bad.txt", command=())
    assert "what is to be run?" in said


def test_an_arm_must_be_named(here, capsys):
    path = Path("scenarios/toy/scenario.toml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n[arms.second]\n", encoding="utf-8")
    said = refused(capsys, "--good", "good.txt", "--bad", "bad.txt", "toy", command=())
    assert "name it by --arm" in said


def test_what_differs_is_left_out(here, capsys):
    freeze("good.txt", {"helper": "1.0", "internal-a": "1.0"})
    freeze("bad.txt", {"helper": "1.0", "internal-b": "1.0"})
    said = refused(capsys, "--good", "good.txt", "--bad", "bad.txt")
    assert "what differs is left out (internal-a, internal-b)" in said
