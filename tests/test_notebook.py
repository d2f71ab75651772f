"""A notebook as the job: its cells become a script, and the failing cell is a part of the fingerprint."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from harness.errors import UsageError
from harness.scenario.notebook import convert

CELLS = [
    "%pip install -q 'helper==2.0' ./local\n!pip install other>=1\nimport toy\n%matplotlib inline",
    "import beside\n\n\ndef check(step):\n    loss = toy.loss(step)\n    assert loss == loss, 'the loss is NaN'",
    "%time value = 1\n!ls",
    "display(value)\nprint(open('data.txt').read())\ncheck(3)",
]


def write(path: Path, *cells: str, language: str = "python") -> Path:
    content = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A title"), *map(nbformat.v4.new_code_cell, cells)],
        metadata={"kernelspec": {"name": "k", "display_name": "k", "language": language}},
    )
    nbformat.write(content, path)
    return path


def test_cells_become_a_script_and_installations_are_reported(tmp_path):
    (tmp_path / "beside.py").write_text("VALUE = 1\n", encoding="utf-8")
    found = convert(write(tmp_path / "note.ipynb", *CELLS), tmp_path / "scripts")
    text = found.script.read_text(encoding="utf-8")
    assert text.count("\n# %%\n") == 4
    assert "\nvalue = 1\n" in text
    assert "\n# %matplotlib inline\n" in text
    assert found.installs == ("%pip install -q 'helper==2.0' ./local", "!pip install other>=1")
    assert found.requirements == ("helper==2.0", "other>=1")
    assert (found.script.parent / "beside.py").is_file()


def test_what_is_no_notebook_of_python_is_refused(tmp_path):
    (tmp_path / "bad.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="not a notebook that can be read"):
        convert(tmp_path / "bad.ipynb", tmp_path)
    with pytest.raises(UsageError, match="a notebook in R"):
        convert(write(tmp_path / "r.ipynb", "x <- 1", language="R"), tmp_path)


def test_the_failing_cell_is_the_fingerprint(toy, harness):
    (toy / "own").mkdir()
    (toy / "own" / "data.txt").write_text("read", encoding="utf-8")
    (toy / "own" / "beside.py").write_text("", encoding="utf-8")
    write(toy / "own" / "note.ipynb", *CELLS)
    words = ("--package", "toy", "--from", "1.1", "--to", "2.0", "own/note.ipynb")
    done = harness("bisect", *words, "--with", "helper==1.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "the notebook installs packages, and no probe does that: %pip install -q 'helper==2.0'" in done.stderr
    )
    report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
    bad = report["arms"][0]["releases"][-1]
    assert bad["reason"] == "cell 4: AssertionError: the loss is NaN"
    assert bad["fingerprint"] == {"kind": "exception", "phase": "cell 4", "exception": "AssertionError"}
    assert any("no probe does that" in warning for warning in report["warnings"])


def test_installing_lines_become_pins_where_that_is_asked(toy, harness):
    write(
        toy / "note.ipynb",
        "%pip install helper==1.0\nimport importlib.metadata as m\nassert m.version('helper') == '1.0'",
    )
    done = harness("probe", "--package", "toy", "--release", "1.0", "--pip-lines", "note.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
