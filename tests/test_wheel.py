"""The wheel, installed as a user installs it: what it puts where, and that it works in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*words, **options):
    done = subprocess.run(
        [str(word) for word in words], check=False, capture_output=True, text=True, timeout=600, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", folder, ROOT)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """The packages of a virtual environment with the wheel alone, which sees what it requires where the tests have it.

    A `.pth` file of a folder that a `.pth` file adds is not read: an installation that can be edited stays unseen.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (made,) = folder.glob("lib/python*/site-packages")
    python = folder / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        python,
        wheel,
    )
    (made / "required.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return made


@pytest.fixture
def installed(site, toy):
    """Run the installed `harness` in the toy's working folder, where no checkout is near."""

    def run_installed(*words, code=0):
        done = subprocess.run(
            [site.parents[2] / "bin" / "harness", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run_installed


def test_the_wheel_installs_the_package_and_its_recorder_and_nothing_else_at_top_level(site):
    found = {path.name for path in site.iterdir()} - {"required.pth", "_virtualenv.py", "_virtualenv.pth"}
    (info,) = (name for name in found if name.endswith(".dist-info"))
    assert found - {info} == {"harness", "harness_recorder"}
    scenarios = site / "harness" / "scenarios"
    assert sorted(path.name for path in scenarios.iterdir()) == ["llama_float8", "llama_seq_cls", "selftest"]
    assert sorted(path.name for path in (scenarios / "llama_seq_cls").iterdir()) == [
        "job.py",
        "scenario.toml",
    ]
    assert not list((site / "harness").rglob("golden"))
    assert (site / "harness" / "py.typed").is_file()


def test_a_built_in_scenario_is_found_in_an_empty_folder(site, installed, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    said = installed("validate", "llama_seq_cls")
    assert str(site / "harness" / "scenarios" / "llama_seq_cls") in said
    assert ".harness/ of the working folder, or in $HARNESS_HOME" in " ".join(installed("--help").split())
    assert list(Path().iterdir()) == []


def test_a_new_scenario_is_written_and_valid(installed):
    installed("new", "mine", "--package", "toy")
    assert Path("scenarios/mine/job.py").is_file()
    assert "mine" in installed("validate", "mine")


def test_a_question_is_answered_and_its_state_lies_in_the_working_folder(installed, monkeypatch):
    monkeypatch.delenv("HARNESS_HOME")
    assert "toy 2.0" in installed("probe", "toy", "--release", "2.0", code=1)
    assert "broke" in installed("bisect", "toy", "--from", "1.1", "--to", "2.0", "--no-cause")
    assert Path("reports/latest/index.html").is_file()
    assert list(Path(".harness/probes").glob("*/*/probe.json"))


def test_the_recorder_is_imported_outside_of_a_probe_and_the_package_from_python(site, tmp_path):
    python = site.parents[2] / "bin" / "python"
    text = (
        "import harness, harness_recorder\n"
        "from harness_recorder import Recorder\n"
        "with Recorder() as recorder:\n"
        "    recorder.begin()\n"
        "    recorder.step(loss=0.5)\n"
        "print(harness.__file__, harness_recorder.__file__)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS")}
    said = run(python, script, cwd=tmp_path, env=environment).stdout
    assert said.split() == [str(site / "harness/__init__.py"), str(site / "harness_recorder/__init__.py")]
