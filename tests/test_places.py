"""Where a project, its home and its temporary files lie makes no difference: a job finds its files, and leaves them alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_machine import ASK, world  # noqa: F401 - a fixture

from harness.namespaces import mounted_within, namespaces_forbidden

SCRIPT = (
    "import local, pathlib, toy\n"
    "for name in ('data/values.txt', 'local.py'): assert pathlib.Path(name).read_text()\n"
    "for name in ('written.txt', 'data/written.txt'): pathlib.Path(name).write_text('x')\n"
    "toy.run()\n"
)
SHARED_MEMORY = Path("/dev/shm")
ANSWER = "1.1 is the last good release, 1.2 the first bad one, confirmed"


@pytest.fixture
def project(toy):
    """Make a project somewhere below the test's folder."""

    def make(name):
        folder = toy / name
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "values.txt").write_text("1 2 3")
        (folder / "local.py").write_text("VALUE = 7\n")
        (folder / "repro.py").write_text(SCRIPT)
        return folder

    return make


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("written.txt"))


def test_a_name_that_means_something_elsewhere_is_a_name(world, project, harness, monkeypatch):  # noqa: F811
    """Commas and colons part the options of a mount; the project is the home, and the state directory lies in it."""
    world()
    folder = project("p,a:r e\\n\nt/in it")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("HARNESS_HOME", str(folder / "st,a:te"))
    (folder.parent / "link").symlink_to(folder)
    done = harness(*ASK, cwd=folder.parent / "link")
    assert ANSWER in done.stdout, done.stderr
    assert left(folder) == ([] if not namespaces_forbidden() else ["data/written.txt", "written.txt"])


@pytest.mark.skipif(not SHARED_MEMORY.is_dir(), reason="no /dev/shm")
def test_what_lies_in_shared_memory_is_found(world, project, harness, monkeypatch, tmp_path):  # noqa: F811
    """A probe has a /dev of its own, and what it needs of the machine's is shown there."""
    world()
    folder = SHARED_MEMORY / f"harness-test-{tmp_path.name}"
    folder.mkdir()
    try:
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setenv("HARNESS_HOME", str(folder / "state"))
        done = harness(*ASK, cwd=project("project"))
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    assert ANSWER in done.stdout, done.stderr
    assert namespaces_forbidden() or "isolation: own files" in done.stderr


USES = (
    "import pathlib, sys, toy\n"
    "name, out = (word.partition('=')[2] for word in sys.argv[1:])\n"
    "assert pathlib.Path(name).read_text() == '4 5 6'\n"
    "for folder in (pathlib.Path(__file__).parent, pathlib.Path(out)): (folder / 'written.txt').write_text('x')\n"
    "toy.run()\n"
)


def test_what_a_command_names_is_there_and_the_rest_of_its_folder_can_be_written_to(
    world,  # noqa: F811
    project,
    harness,
    monkeypatch,
):
    """A file beside the project, in a home that is hidden; the script's own folder; a folder of the project by its path."""
    world()
    folder = project("home/project")
    monkeypatch.setenv("HOME", str(folder.parent))
    for name in ("sub", "../be:side"):
        (folder / name).mkdir()
    (folder / "../be:side/values.txt").write_text("4 5 6")
    (folder / "sub" / "repro.py").write_text(USES)
    words = ("python", "sub/repro.py", "--in=../be:side/values.txt", f"--out={folder / 'data'}")
    done = harness(*ASK[: ASK.index("--") + 1], *words, cwd=folder)
    assert ANSWER in done.stdout, done.stderr


def test_a_project_in_which_something_is_mounted(world, project):  # noqa: F811
    """The kernel lets nobody lay a copy over it: the command works in the folder itself, and the run says so."""
    world()
    folder = project("project")
    (folder / "da ta").mkdir()
    inside = 'mount -t tmpfs none "$PWD/da ta" && mount --bind data data && mount --bind local.py local.py'
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*alone, inside], cwd=folder, check=False, capture_output=True).returncode:
        pytest.skip("no user of this machine may mount anything")
    words = [*alone, f'{inside} && exec "$@"', "sh", sys.executable, "-m", "harness", *ASK]
    done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
    assert ANSWER in done.stdout, done.stderr
    assert f"the command works in {folder} itself, and in no copy" in done.stderr
    assert left(folder) == ["data/written.txt", "written.txt"]
    code = f"from harness.namespaces import *; print(mounted_within(Path({str(folder)!r})))"
    listed = subprocess.run(
        [*alone, f'{inside} && exec "$@"', "sh", sys.executable, "-c", code],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert listed.stdout.strip() == str([str(folder / name) for name in ("da ta", "data", "local.py")])
    assert mounted_within(folder) == []
