"""A source under watch: commits of a local repository are built and watched beside the releases."""

from __future__ import annotations

import subprocess

import pytest
from simulated import OTHER, story
from toyindex import BAD, GOOD

from harness.nightly.source import _parts, is_build


def git(folder, *words, day=1):
    when = f"2024-02-{day:02d}T06:00:00Z"
    name = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            **name,
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        },
    )
    return done.stdout.strip()


def commit(folder, code, day):
    (folder / "toy" / "__init__.py").write_text(code, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", f"day {day}", day=day)
    return git(folder, "rev-parse", "--short=7", "HEAD")


BACKEND = """
import base64, hashlib, pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "toy-2.0.dev0-py3-none-any.whl"
    info = "toy-2.0.dev0.dist-info"
    files = {
        "toy/__init__.py": pathlib.Path("toy/__init__.py").read_bytes(),
        info + "/METADATA": b"Metadata-Version: 2.1\\nName: toy\\nVersion: 2.0.dev0\\nRequires-Dist: helper\\n",
        info + "/WHEEL": b"Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(info + "/RECORD", "".join(path + ",,\\n" for path in files))
    return name
"""


@pytest.fixture
def repository(tmp_path):
    """A repository whose wheel needs no build tool from any index."""
    folder = tmp_path / "repository"
    (folder / "toy").mkdir(parents=True)
    (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n', encoding="utf-8"
    )
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder


@pytest.mark.parametrize("form", ["repository", "git+file://{folder}@main"])
def test_commits_are_watched_beside_releases(month, repository, form):
    text = (month.folder / "nightly.toml").read_text(encoding="utf-8")
    source = form.format(folder=repository)
    (month.folder / "nightly.toml").write_text(f'{text}source = "{source}"\n', encoding="utf-8")
    month.release("1.0", day=1)
    month.release("2.0a1", BAD, day=1)  # a pre-release of the index, which is not watched
    first = commit(repository, GOOD, 1)
    version = f"2.0.dev0+20240201060000.g{first}"
    assert [(event.kind, event.release) for event in month.night(1).events] == [("baseline", version)]
    assert month.night(2).events == []
    commit(repository, GOOD + "# harmless\n", 2)
    culprit = commit(repository, BAD, 2)
    bad = f"2.0.dev0+20240203060000.g{commit(repository, BAD + '# harmless' + chr(10), 3)}"
    told = month.night(3)
    name = git(repository, "rev-parse", culprit)[:10]
    said = (
        f"toy {bad} breaks plain: non-finite loss at step 3, forward; the last good release is {version}. "
        f"Commit {name} of 2024-02-02, day 2, does it (confirmed)"
    )
    assert (told.code, story(told)) == (1, [("regressed", bad, said)])
    still = f"2.0.dev0+20240204060000.g{commit(repository, BAD + chr(10), 4)}"
    assert story(month.night(4)) == [
        ("release", still, f"toy {still} is bad in plain as before: broken since {bad}")
    ]
    good = f"2.0.dev0+20240205060000.g{commit(repository, GOOD, 5)}"
    told = month.night(5)
    assert story(told) == [("fixed", good, f"toy {good} is good again in plain: what broke in {bad} is over")]
    month.release("2.0", OTHER, day=6)
    assert [(event.kind, event.release) for event in month.night(6).events] == [("changed", "2.0")]


def test_a_source_that_cannot_be_had_is_a_fault(month, repository):
    text = (month.folder / "nightly.toml").read_text(encoding="utf-8")
    month.release("1.0")

    def fault(source):
        (month.folder / "nightly.toml").write_text(f'{text}source = "{source}"\n', encoding="utf-8")
        told = month.night(1)
        assert told.code == 4
        return told.headline

    assert "the source git+file:///nowhere@main cannot be fetched: fatal" in fault("git+file:///nowhere@main")
    commit(repository, GOOD, 1)
    assert "cannot be fetched: fatal: couldn't find remote ref v9" in fault(f"git+file://{repository}@v9")
    (repository / "backend.py").write_text("raise RuntimeError('planted')\n", encoding="utf-8")
    commit(repository, BAD, 2)
    assert "cannot be built: " in fault("repository")


def test_parts_and_versions():
    assert _parts("git+https://a@b.c/d/e.git@feature/x") == ("https://a@b.c/d/e.git", "feature/x")
    assert _parts("git+https://a@b.c/d/e.git") == ("https://a@b.c/d/e.git", "HEAD")
    assert _parts("/some/clone@home") == ("/some/clone@home", "HEAD")
    assert is_build("0.22.0.dev0+20261124183000.g4f2a9c1")
    assert is_build("2.0+cpu.20261124183000.g4f2a9c1")
    assert not is_build("2.0+cpu")
    assert not is_build("2.0")
