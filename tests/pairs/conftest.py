"""Two packages on an index of their own, and what bisects them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from toyindex import ToyIndex
from toypairs import JOB, SCENARIO, SCRIPT, plant_pair, stored


@pytest.fixture
def ask(tmp_path, monkeypatch, harness):
    """Bisect both packages of a table; returns the process and what report.json says of the first arm."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
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
