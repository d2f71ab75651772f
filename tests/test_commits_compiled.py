"""A package with compiled parts is built from each commit that is executed; what cannot be built is a skip."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from git_histories import Repository
from toyindex import DAYS, File, ToyIndex

from harness.model.question import Place
from harness.report.commits import CommitStatus
from harness.runs.descend import choose, descend
from harness.sessions.driver import Silent
from harness.state import State

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")

BACKEND = """
import pathlib, subprocess, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    version = pathlib.Path("VERSION").read_text().strip()
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "native.so", "native.c"], check=True)
    name, info = f"toy-{version}-py3-none-any.whl", f"toy-{version}.dist-info"
    files = {
        "toy/__init__.py": pathlib.Path("toy/__init__.py").read_bytes(),
        "toy/native.so": pathlib.Path("native.so").read_bytes(),
        info + "/METADATA": f"Metadata-Version: 2.1\\nName: toy\\nVersion: {version}\\n",
        info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(info + "/RECORD", "".join(path + ",,\\n" for path in files))
    return name
"""
MODULE = """import ctypes
import os


def run():
    native = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "native.so"))
    assert native.scale() == 2, "wrong"
"""
GOOD, BAD = (f"int scale(void) {{ return {number}; }}\n" for number in (2, 3))


def test_commits_of_a_compiled_package(toy, monkeypatch, harness):
    monkeypatch.setenv("HARNESS_HOME", str(toy / "own"))
    repository = Repository(toy / "repository")
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {
        "backend.py": BACKEND,
        "pyproject.toml": project,
        "toy/__init__.py": MODULE,
        ".gitignore": "*.so\n",
    }
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def release(version, day):
            repository.tag(f"v{version}")
            words = [sys.executable, "-c", "import backend; print(backend.build_wheel('..'))"]
            done = subprocess.run(words, cwd=repository.folder, check=True, capture_output=True, text=True)
            name = done.stdout.strip()
            index.add("toy", File(name, (toy / name).read_bytes(), uploaded=day))

        repository.commit("Begin", {**files, "native.c": GOOD, "VERSION": "1.0"})
        release("1.0", DAYS[0])
        repository.commit("Does not compile", {"native.c": GOOD + "int\n"})
        repository.commit("Compiles again", {"native.c": GOOD})
        wanted = repository.commit("Scale by three", {"native.c": BAD})
        repository.commit("Release 1.1", {"VERSION": "1.1"})
        release("1.1", DAYS[1])
        Path("repro.py").write_text("import toy\ntoy.run()\n", encoding="utf-8")
        done = harness("bisect", "--package", "toy", "--", "python", "repro.py")
        assert done.returncode == 0, done.stderr
        report = descend(
            Path("reports/latest"), State.find(), Silent(), source=str(repository.folder), place=Place()
        )
    _, boundary = choose(report, "", "")
    answer = boundary.commits
    assert answer.status == CommitStatus.FOUND, answer
    assert answer.culprit.commit == wanted
    assert answer.files == ["toy/native.so"]
    assert answer.older.generated == ["toy/native.so"]
    assert all("cannot be built" in one.reason for one in answer.skipped)
