"""What fails for the machine's sake is no property of a release: tried again, then exit status 4, and gone on with."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from toyindex import DAYS, ToyIndex, broken_sdist, wheel

from harness.failures import Failure, classify
from harness.uv import Uv

# What uv 0.13 says, word for word, with the failure that it means.
SAID = {
    "error: No solution found when resolving dependencies\n  cause: Because there is no version of toy==77 and you require toy==77": Failure.CONFLICT,
    "error: No solution found when resolving dependencies\n  cause: Because toy==1.4 has an invalid package format and you require toy==1.4": Failure.CONFLICT,
    "error: No solution found when resolving dependencies\n  cause: Because toy was not found in the package registry and you require toy==1.0\n\nhint: An index (http://127.0.0.1:1/simple) returned a 403 Forbidden error.": Failure.INDEX,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         RuntimeError: Permission denied by this release": Failure.BUILD,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         OSError: [Errno 28] No space left on device": Failure.DISK,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error (signal: 9 (SIGKILL))": Failure.MEMORY,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         c++: fatal error: Killed signal terminated program cc1plus": Failure.MEMORY,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         c++: internal compiler error: Killed (program cc1plus)": Failure.MEMORY,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         clang: error: unable to execute command: Killed": Failure.MEMORY,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         collect2: fatal error: ld terminated with signal 9 [Killed]": Failure.MEMORY,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         nvcc error   : 'cicc' died due to signal 9 (Kill signal)": Failure.MEMORY,
    "error: Failed to build `toy==1.7`\n  cause: The build backend returned an error\n\n         [stderr]\n         cc1plus: out of memory allocating 65536 bytes": Failure.MEMORY,
    "error: Failed to download `toy==1.0`\n  cause: Hash mismatch for `toy==1.0`": Failure.FILE,
    "error: Failed to install: toy-1.4-py3-none-any.whl (toy==1.4)\n  cause: Wheel package name does not match filename (other != toy), which indicates a malformed wheel.": Failure.FILE,
    "error: Failed to download `toy==1.1`\n  cause: Failed to fetch: http://127.0.0.1:1/files/toy-1.1-py3-none-any.whl\n  cause: HTTP status client error (403 Forbidden) for url (http://127.0.0.1:1/files/toy-1.1-py3-none-any.whl)": Failure.REFUSED,
    "error: Failed to fetch: http://127.0.0.1:1/simple/toy/\n  cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1:1/simple/toy/)": Failure.INDEX,
    "error: Failed to fetch: http://127.0.0.1:9/simple/toy/\n  cause: error sending request for url (http://127.0.0.1:9/simple/toy/)\n  cause: tcp connect error": Failure.INDEX,
    "error: Failed to fetch: https://x/simple/toy/\n  cause: client error (Connect)\n  cause: invalid peer certificate: UnknownIssuer": Failure.CERTIFICATE,
    "error: Failed to create virtual environment\n  cause: failed to write to file `/x/bin/activate`: No space left on device (os error 28)": Failure.DISK,
    'error: Could not acquire lock\n  cause: Read-only file system (os error 30) at path "/c/.tmp"': Failure.PERMISSION,
    "error: Failed to query Python interpreter\n  cause: failed to rename file a to b": Failure.UNKNOWN,
    "error: something that nobody has seen yet": Failure.UNKNOWN,
    "error: Failed to fetch: http://h/toy-1.4.whl\n  cause: HTTP status server error (500 Internal Server Error) for url\n         (http://h/toy-1.4.whl)": Failure.REFUSED,
    "": Failure.UNKNOWN,
}


@pytest.mark.parametrize(("said", "failure"), SAID.items(), ids=range(len(SAID)))
def test_what_uv_says_is_the_releases_only_on_evidence(said, failure):
    assert classify(2, said) is failure
    assert classify(-9, said) is Failure.KILLED
    assert classify(0, said) is None


SIGN = {f"1.{n}": f"def run(): assert {n < 2}, 'sign'\n" for n in range(4)}
SCRIPT = "import toy\ntoy.run()\n"


@pytest.fixture
def world(toy, monkeypatch):
    """An index with a step from 1.1 to 1.2, a script, and a state of its own; returns what asks."""
    (toy / "repro.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setenv("HARNESS_HOME", str(toy / "home"))
    monkeypatch.setenv("UV_CACHE_DIR", str(toy / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with ToyIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)

        def put(history=SIGN):
            for (version, code), day in zip(history.items(), DAYS, strict=False):
                index.add(
                    "toy", code if not isinstance(code, str) else wheel("toy", version, code, uploaded=day)
                )
            return index

        yield put


ASK = (
    "bisect",
    "--package",
    "toy",
    "--search",
    "sweep",
    "--jobs",
    "1",
    "--no-cause",
    "--",
    "python",
    "repro.py",
)


def answer(path="."):
    """Return the arm of the newest report, and {version: (verdict, reason)}."""
    newest = max(Path(path).glob("reports/2*/report.json"))
    arm = json.loads(newest.read_text(encoding="utf-8"))["arms"][0]
    return arm, {row["version"]: (row["verdict"], row["reason"]) for row in arm["releases"]}


def sides(arm):
    return [(one["before"], one["after"]) for one in arm["boundaries"] if one["signal"] == "verdict"]


@contextmanager
def small(path, size):
    """Mount a small file system."""
    path.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=False)


def wrapper(folder, monkeypatch, condition, words="pip compile"):
    """Put a uv in front of the real one that kills itself under a shell condition; counts in `count`."""
    real, count = Uv().program, folder / "count"
    count.write_text("")
    package = folder / "front" / "uv"
    package.mkdir(parents=True)
    program = package / "program"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *"{words}"*)\n  echo x >> {count}\n  if {condition}; then kill -9 $$; fi;;\nesac\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    (package / "__init__.py").write_text(f"def find_uv_bin(): return {str(program)!r}\n")
    monkeypatch.setenv("PYTHONPATH", str(folder / "front"))
    return count


@pytest.mark.parametrize("words", ["pip compile", "pip install"])
def test_a_uv_that_is_killed_once_changes_nothing(world, toy, harness, monkeypatch, words):
    world()
    count = wrapper(toy, monkeypatch, f"test $(wc -l < {toy / 'count'}) = 2", words)
    done = harness(*ASK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sides(answer()[0]) == [("1.1", "1.2")]
    assert len(count.read_text().splitlines()) > 2


def test_a_uv_that_is_always_killed_ends_with_4_and_is_gone_on_with(world, toy, harness, monkeypatch):
    world()
    wrapper(toy, monkeypatch, f"test $(wc -l < {toy / 'count'}) -gt 2", "pip install")
    done = harness(*ASK)
    assert done.returncode == 4, done.stdout
    assert "killed" in done.stderr
    assert "SIGKILL" in done.stderr
    assert "again" in done.stderr
    assert not list(toy.glob("reports/2*"))
    monkeypatch.delenv("PYTHONPATH")
    assert harness(*ASK).returncode == 0
    assert sides(answer()[0]) == [("1.1", "1.2")]


def test_a_uv_that_fails_without_a_word_is_no_property_of_a_release(world, toy, harness, monkeypatch):
    world()
    wrapper(toy, monkeypatch, "exit 2", "pip compile")
    done = harness(*ASK)
    assert done.returncode == 4
    assert "said nothing" in done.stderr


def test_a_read_only_cache_ends_with_4(world, toy, harness):
    world()
    with small(toy / "cache", "40m") as cache:
        subprocess.run(["mount", "-o", "remount,ro", cache], check=True)
        done = harness(*ASK)
    assert done.returncode == 4, done.stdout
    assert "Read-only" in done.stderr
    assert "UV_CACHE_DIR" in done.stderr


@pytest.mark.parametrize(("place", "size"), [("home", "500k"), ("temporary", "8k"), ("cache", "60k")])
def test_a_full_disk_gives_the_answer_or_4(world, toy, harness, monkeypatch, place, size):  # noqa: PLR0917 - fixtures
    world()
    monkeypatch.setenv("TMPDIR", str(toy / "temporary"))
    (toy / "temporary").mkdir()
    with small(toy / place, size):
        done = harness(*ASK)
    if done.returncode != 4:
        assert done.returncode == 0, done.stderr
        assert sides(answer()[0]) == [("1.1", "1.2")]
    else:
        assert "disk space" in done.stderr


FILLS = """
import os, sys
import toy
toy.run()
with open(os.path.join({folder}, "big"), "wb") as big:
    big.write(b"x" * {bytes})
"""


def test_a_job_that_lacks_disk_space_is_no_verdict(world, toy, harness):
    """Its own folder is small: a skip, twice tried; since that holds for all releases, exit status 4."""
    world()
    with small(toy / "data", "100k") as data:
        text = FILLS.format(folder=repr(str(data)), bytes=10**6) + "toy.run()\n"
        (toy / "repro.py").write_text(text.replace("toy.run()\n", "", 1), encoding="utf-8")
        verb, *words = ASK
        done = harness(
            verb, "--isolation", "none", *words
        )  # else it has a copy of the folder, on another disk
        _, rows = answer()
    assert {verdict for verdict, _ in rows.values()} == {"skip"}
    assert all("no disk space left" in reason and "twice" in reason for _, reason in rows.values())
    assert done.returncode == 4
    assert "disk space" in done.stderr


def test_a_job_that_fills_the_state_directorys_disk_ends_with_4(world, toy, harness):
    world({"1.0": "def run(): pass\n", "1.1": "def run(): pass\n"})
    (toy / "repro.py").write_text(FILLS.format(folder="os.getcwd()", bytes=10**9), encoding="utf-8")
    with small(toy / "home", "8m"):
        # A command runs in the user's folder; its state directory is its scratch folder in the state directory.
        text = (toy / "repro.py").read_text().replace("os.getcwd()", "os.environ['HOME']")
        (toy / "repro.py").write_text(text)
        done = harness(*ASK)
    assert done.returncode == 4, done.stdout
    assert "disk space" in done.stderr


def test_what_is_wrong_with_one_release_is_that_releases_skip(world, harness):
    """A file that is refused, one that the index stumbles over, a build that fails, metadata of another package."""
    other = wheel("other", "1.5", "def run(): pass\n", uploaded=DAYS[5])
    other.name = "toy-1.5-py3-none-any.whl"
    index = world(
        {
            "1.0": "def run(): pass\n",
            "1.1": "def run(): pass\n",
            "1.2": broken_sdist("toy", "1.2", uploaded=DAYS[2]),
            "1.3": "def run(): pass\n",
            "1.4": "def run(): assert False, 'sign'\n",
            "1.5": other,
            "1.6": "def run(): pass\n",
        }
    )
    refuse(index, {"toy-1.1-": 403, "toy-1.6-": 500})
    done = harness(*ASK)
    assert done.returncode == 0, done.stderr
    arm, rows = answer()
    assert [verdict for verdict, _ in rows.values()] == [
        "good",
        "skip",
        "skip",
        "good",
        "bad",
        "skip",
        "skip",
    ]
    assert sides(arm) == [("1.3", "1.4")]
    for version, word in {"1.1": "403", "1.2": "cannot be built", "1.5": "invalid", "1.6": "500"}.items():
        assert word in rows[version][1]


def test_an_index_that_refuses_all_files_is_the_machines_failure(world, harness):
    index = world()
    refuse(index, {"/files/": 503})
    done = harness(*ASK)
    assert done.returncode == 4, done.stdout
    assert "503" in done.stderr


def refuse(index, statuses):
    """Let an index answer requests whose path holds a text with a status of its own."""
    plain = index.answer

    def answer(path):
        found = next((status for part, status in statuses.items() if part in path), None)
        return (found, "text/plain", b"no") if found else plain(path)

    index.answer = answer


def test_a_busy_index_is_waited_for(world, harness):
    index = world()
    plain, asked = index.answer, []

    def answer(path):
        asked.append(path)
        return (429, "text/plain", b"") if path == "/simple/toy/" and len(asked) == 1 else plain(path)

    index.answer = answer
    done = harness("releases", "toy")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^1\.3\b", done.stdout, re.MULTILINE)
    assert asked == ["/simple/toy/"] * 2
