"""What comes from elsewhere is not trusted: bundles, merged homes, indexes, stored reports, the clock, the terminal."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_machine import ASK, answer, world  # noqa: F401 - a fixture
from toyindex import DAYS, broken_sdist, wheel

from harness.bundles.bundle import SCHEMA, open_bundle
from harness.errors import HarnessError, UsageError
from harness.files import clear_leftovers, hold_scratch, read_regular, take_name, whole_folder, write_atomic
from harness.harmless import harmless
from harness.history.history import History
from harness.locks.files import lock_file
from harness.locks.lock import Lock, Pinned
from harness.locks.stored import StoredLocks
from harness.probes.merge import merge
from harness.report.model import facts_of
from harness.site.runs import _moment
from harness.state import State

HOSTILE = "\x1b]0;title\x07\x1b[31mred\u202egnp.exe\x9b"


def test_two_runs_of_the_same_second_never_share_a_name(tmp_path):
    taken, start = [], threading.Barrier(8)

    def take():
        start.wait()
        taken.append(take_name(tmp_path, "20260101T000000Z-toy"))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 8
    with whole_folder(tmp_path / taken[0]) as new:
        (new / "report.json").write_text("{}")
    assert (tmp_path / taken[0] / "report.json").is_file()


def test_what_a_killed_run_left_goes_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    code = (
        "import os, sys; from pathlib import Path; from harness.files import hold_scratch, whole_folder\n"
        "folder, held = hold_scratch('test')\n"
        "with whole_folder(Path(sys.argv[1]) / 'result') as new:\n    os._exit(0)\n"
    )
    variables = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "store")], check=True, env=variables)
    mine, held = hold_scratch("mine")
    for path in (*(tmp_path / "temporary").iterdir(), *(tmp_path / "store").iterdir()):
        os.utime(path, (0, time.time() - 60))
    assert len(list((tmp_path / "temporary").iterdir())) == 2
    clear_leftovers([tmp_path / "store"])
    assert list((tmp_path / "store").iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == [mine], "what is held stays"
    os.close(held)


@pytest.mark.parametrize("text", [HOSTILE, "a\rb", "\u2067x", "\ud800", "\x7f\x00"])
def test_nothing_acts_on_a_terminal(text):
    shown = harmless(f"before {text} after")
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2067" for char in shown)
    assert harmless("plain → text\n\tis kept") == "plain → text\n\tis kept"


def test_an_index_that_names_the_terminal(world, harness):  # noqa: F811
    index = world({"1.0": "def run(): pass\n"})
    file = index.packages["toy"][0]
    file.yanked, file.requires_python = HOSTILE, ">=3.8"
    listed = harness("releases", "toy")
    assert listed.returncode == 0
    assert "yanked red" in listed.stdout
    assert not set(listed.stdout + listed.stderr) & {"\x1b", "\x07", "\u202e", "\x9b"}
    told = json.loads(harness("releases", "toy", "--json").stdout)
    assert told[0]["yanked_reason"] == HOSTILE, "a program reads what the index said"
    done = harness(*ASK)
    assert "warning: toy 1.0 (red" in done.stderr
    assert done.stderr.index("is a yanked release") < done.stderr.index("1.0 repro")
    assert not set(done.stdout + done.stderr) & {"\x1b", "\x07", "\u202e", "\x9b"}


PORTAL = b"<!doctype html><title>Welcome</title><a href='/login'>log in</a>"


def test_a_captive_portal_is_not_a_wrong_spelling(world, harness):  # noqa: F811
    index = world()
    index.answer = lambda _path: (200, "text/html", PORTAL)
    done = harness("releases", "toy")
    assert done.returncode == 4
    assert "login page" in done.stderr
    assert "spelling" not in done.stderr


def test_a_quarantined_project_and_attestations(world, harness):  # noqa: F811
    index = world({"1.0": "", "1.1": ""})
    plain = index.answer

    def answers(path):
        status, kind, body = plain(path)
        if path.startswith("/simple/toy"):
            page = json.loads(body)
            page["files"][1]["provenance"] = "https://example.org/provenance"
            page["meta"] = {"api-version": "1.4", "project-status": index.state}
            body = json.dumps({**page, "project-status": index.state}).encode()
        return status, kind, body

    index.answer, index.state = answers, {"status": "active"}
    lines = harness("releases", "toy").stdout.splitlines()
    assert ["attested" in line for line in lines] == [False, True]
    index.state = {"status": "quarantined", "reason": "malware"}
    done = harness("releases", "toy")
    assert "has quarantined toy" in done.stderr


def test_a_changed_wheel_is_refused_and_a_stale_hash_does_not_stay(world, toy, harness):  # noqa: F811
    """The index serves another file than the lock names: never executed; the next run resolves anew."""
    index = world(
        {"1.0": "def run(): pass\n", "1.1": "def run(): pass\n", "1.2": "def run(): assert False\n"}
    )
    assert harness(*ASK).returncode == 0
    for path in (toy / "home").glob("environments/*"):
        subprocess.run(["rm", "-rf", path], check=True)
    for path in (toy / "home").glob("probes/*"):
        subprocess.run(["rm", "-rf", path], check=True)
    subprocess.run(["rm", "-rf", toy / "cache"], check=True)
    files = index.packages["toy"]
    files[1] = wheel("toy", "1.1", "def run(): raise ValueError('planted')\n", uploaded=DAYS[1])
    done = harness(*ASK)
    assert done.returncode == 0, done.stderr
    _, rows = answer()
    assert rows["1.1"][0] == "skip"
    assert "Hash mismatch" in rows["1.1"][1]
    time.sleep(1.1)  # reports are told apart by their second
    assert harness(*ASK).returncode == 0
    _, rows = answer()
    assert rows["1.1"][0] == "bad", "it is the index's own file now, with the hash that the index gives"


def test_no_build_executes_no_build_code(world, toy, harness):  # noqa: F811
    sdist = broken_sdist("toy", "1.1", uploaded=DAYS[1])
    world({"1.0": "def run(): pass\n", "1.1": sdist, "1.2": "def run(): pass\n"})
    done = harness(ASK[0], "--no-build", *ASK[1:])
    assert done.returncode == 0, done.stderr
    _, rows = answer()
    assert rows["1.1"][0] == "skip"
    assert "cannot be built" not in rows["1.1"][1]
    assert rows["1.2"][0] == "good"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc", "example.org", "https://"])
def test_an_address_of_a_site_is_one_of_the_web(toy, harness, url):
    done = harness("publish", "--to", "site", "--url", url)
    assert done.returncode == 2
    assert "http://" in done.stderr


@pytest.mark.parametrize("limit", [150_000])
def test_exit_status_1_is_no_crash_of_a_loader(toy, harness, limit):
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v {limit}; exec {sys.executable} -m harness report nosuch"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 4
    assert "memory" in done.stderr


def test_a_read_only_out_is_told_before_anything_is_executed(world, toy, harness):  # noqa: F811
    world()
    (toy / "reports").write_text("a file where a folder belongs")
    done = harness(*ASK)
    assert done.returncode == 4
    assert "reports" in done.stderr
    assert "1.0 repro" not in done.stderr
    assert not list((toy / "home").glob("probes/*"))


def test_a_locked_history_costs_seconds_and_a_damaged_one_names_its_copy(tmp_path):
    state = State(tmp_path)
    with closing(History.open(state)) as history:
        history.back_up(state)
    holder = sqlite3.connect(state.history, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(HarnessError, match="another program holds it"):
        History.open(state)
    holder.close()
    state.history.write_bytes(b"no database" * 1000)
    with pytest.raises(HarnessError, match=r"copy .*history-backup\.sqlite of"):
        History.open(state)
    state.history.write_bytes((tmp_path / "history-backup.sqlite").read_bytes())
    History.open(state).close()


def test_a_date_in_the_future_makes_no_run_the_newest():
    assert _moment("2099-01-01T00:00:00+00:00").year == 1
    assert _moment("2024-01-01T00:00:00+00:00") == datetime(2024, 1, 1, tzinfo=UTC)


def test_odd_homes_are_merged_without_harm(tmp_path):
    home = State(tmp_path / "other")
    digest = "a" * 32
    for name in ("²", "0", "01"):
        (home.probes / digest / name).mkdir(parents=True)
    os.mkfifo(home.probes / digest / "0" / "probe.json")
    write_atomic(home.locks / "\x1b[31m.txt", "x")
    os.mkfifo(home.locks / f"{digest}.txt")
    (home.probes / ("b" * 32)).mkdir()
    (home.probes / ("b" * 32) / "0").symlink_to("/etc")
    done = merge([home.root], State(tmp_path / "mine"))
    assert done.results == done.locks == 0
    assert len(done.damaged) == 4


def test_a_pipe_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ValueError, match="no plain file"):
            read_regular(path)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing")


def test_a_damaged_lock_of_an_earlier_run_is_told(tmp_path):
    class Interpreter:
        minor, platform = "3.11", "linux-x86_64"

    lock = Lock((Pinned("toy", "1.0", (f"sha256:{'0' * 64}",)),), "fixed", "3.11", "linux-x86_64")
    stored = StoredLocks("toy", tmp_path, Interpreter)
    (tmp_path / "1.0.txt").write_text(lock_file(lock))
    assert stored.lock("1.0", lock) == lock
    (tmp_path / "1.0.txt").write_text(lock_file(lock).replace("00", "01", 1))
    with pytest.raises(HarnessError, match="damaged"):
        stored.lock("1.0", lock)


def test_facts_that_do_not_go_together_are_the_files_fault(tmp_path):
    with pytest.raises(UsageError, match="do not go together"), facts_of(tmp_path / "report.json"):
        raise KeyError("9.9")


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "wheels/../../../x"])
def test_a_bundle_writes_nothing_outside(tmp_path, name):
    import hashlib
    import zipfile

    content = b"x"
    facts = {
        "schema": SCHEMA,
        **dict.fromkeys(("scenario", "python", "platform", "torch", "recorder"), "toy"),
        "pins": [],
        "host_packages": {},
        "brought": {},
        "rehashed": {},
        "axes": [{"package": "toy", "releases": [{"version": "1.0"}]}],
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest()}},
    }
    with zipfile.ZipFile(tmp_path / "a.bundle", "w") as archive:
        archive.writestr("scenario/toy/job.py", "")
        archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(facts))
    before = set(Path("/tmp").glob("x")) | set(tmp_path.rglob("*"))
    with pytest.raises(HarnessError):
        open_bundle(tmp_path / "a.bundle", State(tmp_path / "home"))
    assert set(Path("/tmp").glob("x")) | set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("package", "version"), [("toy", "../../x"), ("../../x", "1.0")])
def test_names_and_versions_of_a_bundle_lead_nowhere(tmp_path, package, version):
    from harness.bundles.bundle import _manifest

    facts = {
        "schema": SCHEMA,
        **dict.fromkeys(("scenario", "python", "platform", "torch", "recorder"), "toy"),
        "pins": [],
        "host_packages": {},
        "brought": {},
        "rehashed": {},
        "files": {},
        "axes": [{"package": package, "releases": [{"version": version}]}],
    }
    with pytest.raises(HarnessError, match="damaged"):
        _manifest(tmp_path / "a.bundle", json.dumps(facts).encode())
