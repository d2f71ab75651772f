"""An interpreter that exists is found, behind a shim that does not run too, and one that is named is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ToolMissingError, UsageError
from harness.locks.interpreter import ask, find_interpreter, installed
from harness.scenario.command import python_specifier
from harness.uv import Uv

SHIM = "#!/bin/sh\necho 'pyenv: python3.6: command not found' >&2\nexit 127\n"


def program(path: Path, text: str) -> Path:
    """Write a program that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def pretender(version: str) -> str:
    """Return a program that says of itself that it is a Python of some version, whatever it is asked."""
    said = json.dumps([version, ask(Path(sys.executable)).platform])
    return f"#!/bin/sh\necho '{said}'\n"


@pytest.fixture
def shims(tmp_path, monkeypatch):
    """Let the path hold shims alone, and a version manager's folder the interpreters behind them."""
    program(tmp_path / "shims" / "python3.6", SHIM)
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    versions = tmp_path / "pyenv" / "versions"
    for version in ("3.6.14", "3.6.15"):
        program(versions / version / "bin" / "python3.6", pretender(version))
        (versions / version / "bin" / "python3").symlink_to("python3.6")
    program(versions / "3.7.1" / "bin" / "python3.7", SHIM)  # it does not run: as if it were not there
    return versions


def test_the_newest_fitting_one_behind_a_shim_is_found(shims):
    found = find_interpreter("==3.6.*", Uv())
    assert (found.version, found.path.parent) == ("3.6.15", shims / "3.6.15" / "bin")
    assert [one.version for one in installed()] == ["3.6.15", "3.6.14"]


def test_a_python_that_is_nowhere_is_told_with_those_that_are_there(shims):
    with pytest.raises(ToolMissingError, match=r"no Python ==3\.7\.\* .*found here: 3\.6\.15 \(.*3\.6\.14"):
        find_interpreter("==3.7.*", Uv())


def test_an_interpreter_is_named_by_its_path_or_by_its_virtual_environment(tmp_path):
    Uv().run("venv", str(tmp_path / "mine"), "--python", sys.executable)
    for words in (str(tmp_path / "mine"), str(tmp_path / "mine" / "bin" / "python"), f"{tmp_path}/./mine"):
        found = find_interpreter(python_specifier(words), Uv())
        assert found.version == ".".join(str(part) for part in sys.version_info[:3])
        assert found.path == tmp_path / "mine" / "bin" / "python"


@pytest.mark.parametrize("words", ["/no/such/python", "python-four", "./nowhere"])
def test_a_path_that_leads_nowhere_is_told(words):
    with pytest.raises(UsageError, match=f"--python {words}: expected .* nothing is there"):
        python_specifier(words)


def test_a_folder_without_an_interpreter_is_told(tmp_path):
    with pytest.raises(ToolMissingError, match="no virtual environment"):
        find_interpreter(python_specifier(str(tmp_path)), Uv())


def test_a_question_is_answered_with_an_interpreter_given_by_its_path(toy, harness):
    (toy / "repro.py").write_text("import sys, toy\nprint(sys.version)\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "mine"], check=True)
    words = ("--package", "toy", "--from", "3.0", "--python", f".{os.sep}mine")
    done = harness("bisect", *words, "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
