"""Two packages on an index of their own, and what bisects them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from states import own_state
from toyindex import ToyIndex
from toypairs import JOB, PAIR, SCENARIO, SCRIPT, plant_pair, stored


@pytest.fixture(scope="module")
def answers():
    """What `answered` keeps: {question: (folder, answer)}."""
    return {}


@pytest.fixture
def answered(answers, ask, tmp_path, tmp_path_factory):
    """Ask about the pair of which both are needed, once for all tests; returns what `ask` returns, and all its files."""

    def ask_once(*words, **options):
        question = (words, *options.items())
        if question in answers:
            kept, answer = answers[question]
            shutil.rmtree(tmp_path / "home")
            shutil.copytree(kept, tmp_path, symlinks=True, dirs_exist_ok=True)
            return answer
        answer = ask(PAIR, *words, **options)
        kept = tmp_path_factory.mktemp("answered")
        shutil.copytree(tmp_path, kept, symlinks=True, dirs_exist_ok=True)
        answers[question] = kept, answer
        return answer

    return ask_once


@pytest.fixture
def ask(toy_state, tmp_path, monkeypatch, harness):
    """Bisect both packages of a table; returns the process and what report.json says of the first arm."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HARNESS_HOME", own_state(tmp_path / "home", toy_state["HARNESS_HOME"]))
    monkeypatch.setenv("UV_CACHE_DIR", toy_state["UV_CACHE_DIR"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repro.py").write_text(SCRIPT, encoding="utf-8")

    def run(table, *words, command=("--", "python", "repro.py"), also=""):
        folder = tmp_path / "scenarios" / "both"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.toml").write_text(SCENARIO.format(also=also), encoding="utf-8")
        (folder / "job.py").write_text(JOB, encoding="utf-8")
        with ToyIndex() as index:
            plant_pair(index, table)
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
            done = harness("bisect", *words, *command)
        assert "Traceback" not in done.stderr, done.stderr
        return done, stored()["arms"][0] if Path("reports/latest/report.json").exists() else None

    return run
