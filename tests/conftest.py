"""Shared by all tests: a toy index with a planted history, its scenario, a state directory, and a real environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_server import Commands
from states import own_state
from toyindex import DAYS, HISTORY, ToyIndex, plant, wheel

# Settings of the machine that must not reach the toy index's tests.
FOREIGN = ("PIP_", "UV_")


@pytest.fixture(scope="session")
def toy_index():
    """An index with the package `toy`, its dependency `helper`, and nothing else."""
    with ToyIndex() as index:
        index.add(
            "helper",
            wheel("helper", "1.0", "", uploaded=DAYS[0]),
            wheel("helper", "2.0", "", uploaded=DAYS[1]),
        )
        plant(index, HISTORY)
        yield index


@pytest.fixture(scope="session")
def toy_state(tmp_path_factory):
    """A state directory and a uv cache that all tests on the toy index share: what one made, the next one finds.

    What the harness itself requires is pressed for a bundle once, for all workers.
    """
    root = tmp_path_factory.mktemp("toy")
    pressed = shared_by_workers(tmp_path_factory) / "harness-itself"
    pressed.mkdir(exist_ok=True)
    (root / "home").mkdir()
    (root / "home" / "harness-itself").symlink_to(pressed)
    return {"HARNESS_HOME": str(root / "home"), "UV_CACHE_DIR": str(root / "uv-cache")}


@pytest.fixture
def toy(toy_index, toy_state, tmp_path, monkeypatch):
    """A working folder with the toy scenario, every setting pointing at the toy index."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_DEFAULT_INDEX", toy_index.url)
    for name, value in toy_state.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(Path(__file__).parent / "scenarios" / "toy", tmp_path / "scenarios" / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def commands():
    """What starts commands of the harness quickly."""
    made = Commands()
    yield made
    made.close()


@pytest.fixture
def harness(commands):
    """Run a command in a process of its own, as a user does; returns what `subprocess.run` returns."""

    def run(*words: str, **options):
        return commands.run(words, **options)

    return run


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, so that no worker is left alone with one at the end."""
    long = {item.path for item in items if item.get_closest_marker("real") or item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


def shared_by_workers(tmp_path_factory):
    """Return a folder that all processes of one run of the tests see: torch is then installed once for all."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session")
def real_home(tmp_path_factory):
    """Keep the state of the tests on real packages apart from the user's, for as long as the tests run."""
    before = os.environ.get("HARNESS_HOME")
    state = os.environ.get("HARNESS_TEST_HOME") or str(shared_by_workers(tmp_path_factory) / "real")
    os.environ["HARNESS_HOME"] = state
    yield Path(state)
    os.environ.pop("HARNESS_HOME")
    if before is not None:
        os.environ["HARNESS_HOME"] = before


@pytest.fixture(scope="session")
def torch_python(real_home):
    """Return an interpreter that has torch, transformers and PEFT, made by the harness itself."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", "probe", "llama_seq_cls", "--release", "0.7.1", "--arm", "bf16"],
        check=False,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    layers = [path.parent for path in real_home.glob("environments/*/environment.json")]
    (layer,) = [path for path in layers if list(path.glob("lib/python*/site-packages/peft-0.7.1.dist-info"))]
    return layer / "bin" / "python"


@pytest.fixture(scope="session")
def scripts(torch_python):
    """What starts scripts under torch quickly: transformers and PEFT are imported once."""
    made = Commands(
        torch_python, ("torch", "transformers", "transformers.models.llama.modeling_llama", "peft")
    )
    yield made
    made.close()


@pytest.fixture
def asking(toy, monkeypatch, request):
    """Put releases on an index of their own, and the test module's JOB into the scenario; returns what asks.

    What it returns is called with {version: code} and the lines of the oracle.
    """
    (toy / "scenarios" / "toy" / "job.py").write_text(request.module.JOB, encoding="utf-8")
    path = toy / "scenarios" / "toy" / "scenario.toml"
    text = path.read_text(encoding="utf-8").split("[parameters]")[0] + "[arms.plain]\n[oracle]\n"
    monkeypatch.setenv("HARNESS_HOME", own_state(toy / "fresh"))
    with ToyIndex() as index:
        index.add("helper", wheel("helper", "1.0", "", uploaded=DAYS[0]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def write(history, *lines):
            if not index.packages.get("toy"):
                plant(index, history)
            path.write_text(text + "\n".join(lines), encoding="utf-8")

        yield write
