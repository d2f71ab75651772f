"""What is stored is checked when it is read, and what jobs change in environments is seen: both are made again."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from test_machine import ASK, answer, sides, world  # noqa: F401 - a fixture
from toyindex import DAYS, wheel

from harness.environments import integrity
from harness.environments.environment import MARKER
from harness.errors import HarnessError
from harness.files import to_json, write_atomic
from harness.history.history import History
from harness.locks.files import read_lock, write_lock
from harness.locks.lock import Lock, Pinned
from harness.probes.probe import Execution, Probe
from harness.probes.store import Damaged, Result, Store, _sum
from harness.state import State


def flip(path):
    """Change one bit in the middle, and keep the size."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(raw))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_text("")


def other_verdict(path, *, with_sum=False):
    """Let a stored result say that the job ended otherwise: as JSON it is perfect."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    sum_ = facts.pop("sum")
    facts["execution"]["code"] = 0 if facts["execution"]["code"] else 1
    write_atomic(path, to_json({**facts, "sum": _sum(facts) if with_sum else sum_}))


def to_fifo(path):
    path.unlink()
    os.mkfifo(path)


def gone(path):
    path.unlink()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(("probe.json", change) for change in (flip, cut, empty, other_verdict, to_fifo, gone)),
        *((name, change) for name in ("output.txt", "trace.jsonl") for change in (flip, cut, gone)),
    ],
)
def test_a_damaged_result_is_named_and_put_aside(tmp_path, name, damage):
    store = Store(State(tmp_path))
    probe = Probe("lock", None, "job", {})
    with store.recording(probe) as folder:
        (folder / "trace.jsonl").write_text('{"event": "training"}\n')
        store.save(folder, probe, Execution("exit", 0, 1.0, 1), b"some output\n", 0.1)
    found = store.find(probe.digest)
    assert isinstance(found, Result)
    damage(found.folder / name)
    assert isinstance(store.look(probe.digest), Damaged)
    assert store.notes == []
    assert store.find(probe.digest) is None
    (note,) = store.notes
    assert name in note
    assert "is executed again" in note
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    assert store.look(probe.digest) is None


@pytest.mark.parametrize("damage", [flip, cut, empty])
def test_a_damaged_lock_is_named_and_put_aside(tmp_path, damage):
    path, told = tmp_path / "locks" / "a.txt", []
    lock = Lock((Pinned("toy", "1.0", (f"sha256:{'0' * 64}",)),), "fixed", "3.11", "linux-x86_64")
    write_lock(path, lock)
    assert read_lock(path, tmp_path, told.append) == lock
    damage(path)
    assert read_lock(path, tmp_path, told.append) is None
    assert "is resolved again" in told[0]
    assert not path.exists()
    path.write_text(lock.text())  # as older harnesses wrote it
    assert read_lock(path, tmp_path, told.append) == lock


HISTORY = {"1.0": "def run(): pass\n", "1.1": "def run(): assert False, 'sign'\n"}


def warnings():
    return json.loads(max(Path().glob("reports/2*/report.json")).read_text())["warnings"]


def test_a_run_over_damaged_state_gives_the_same_answer(world, toy, harness):  # noqa: F811
    """One of each kind is damaged at once; the environments are needed since results are executed again."""
    world(HISTORY)
    assert harness(*ASK).returncode == 0
    state = toy / "home"
    for path in state.glob("probes/*/0/probe.json"):
        other_verdict(path)
    for pattern in ("locks/*.txt", "environments/*/environment.json"):
        for path in state.glob(pattern):
            cut(path)
    done = harness(*ASK)
    assert done.returncode == 0, done.stderr
    assert sides(answer()[0]) == [("1.0", "1.1")]
    assert any("stored result" in warning for warning in warnings())
    assert any("stored lock" in warning for warning in warnings())
    assert "is damaged" in done.stderr


def test_a_damaged_listing_does_not_stand_in(world, toy, harness):  # noqa: F811
    index = world(HISTORY)
    assert harness("releases", "toy").returncode == 0
    (stored,) = (toy / "home" / "listings").iterdir()
    flip(stored)
    index.status = 404 + 99
    done = harness("releases", "toy")
    assert done.returncode == 4
    assert f"the stored listing {stored} is damaged" in done.stderr


def test_a_damaged_history_is_told(tmp_path):
    state = State(tmp_path)
    History.open(state).close()
    raw = bytearray(state.history.read_bytes())
    raw[4096:8192] = b"\xff" * 4096
    state.history.write_bytes(bytes(raw))
    with pytest.raises(HarnessError, match="not a usable history"):
        History.open(state)
    assert sqlite3.sqlite_version


def test_a_history_that_is_a_folder_is_told(tmp_path):
    State(tmp_path).history.mkdir()
    with pytest.raises(HarnessError, match=r"history\.sqlite"):
        History.open(State(tmp_path))


APPENDS = "open(helper.__file__, 'a').write('\\nSCALE = 0.0\\n')"


@pytest.fixture
def poisoned(world):  # noqa: F811
    """Put a history in which 1.1 changes something in its environment as it is imported; 1.2 would be named for it."""

    def put(writes=APPENDS):
        index = world({})
        index.add("helper", wheel("helper", "1.0", "SCALE = 1.0\n", uploaded=DAYS[0]))
        for n in range(3):
            code = (
                f"import helper\n{writes if n == 1 else ''}\ndef run(): assert helper.SCALE == 1.0, 'scale'\n"
            )
            index.add("toy", wheel("toy", f"1.{n}", code, ("helper",), uploaded=DAYS[n]))

    return put


@pytest.mark.parametrize(("jobs", "isolation"), [("1", "none"), ("2", "none"), ("1", "auto")])
def test_a_job_that_changes_another_package_harms_nothing_but_itself(poisoned, harness, toy, jobs, isolation):
    """In files of its own it cannot change the package at all, and fails for that alone."""
    poisoned()
    verb, *words = ASK
    done = harness(verb, "--isolation", isolation, *[jobs if word == "1" else word for word in words])
    assert done.returncode == 0, done.stderr
    arm, rows = answer()
    own_files = all("files" in one["isolation"] for row in arm["releases"] for one in row["executions"])
    told = any("the job with toy 1.1 changed helper/__init__.py" in warning for warning in warnings())
    assert [version for version, (verdict, _) in rows.items() if verdict == "bad"] == ["1.1"] * own_files
    assert arm["conclusion"] == ("non-monotone" if own_files else "always-good")
    assert told != own_files
    assert own_files <= (isolation == "auto")
    assert not list((toy / "home").glob("environments/*/unverified-*"))
    (helper,) = (toy / "home").glob("environments/base-*/lib/python*/site-packages/helper/__init__.py")
    assert helper.read_text() == "SCALE = 1.0\n"


def test_one_probe_of_a_job_that_changes_its_environment(poisoned, harness, toy):
    poisoned()
    ask = ("probe", "--isolation", "none", "--package", "toy", "--release")
    done = harness(*ask, "1.1", "--", "python", "repro.py")
    assert done.returncode == 0, done.stderr
    assert "1.1 changed helper" in done.stderr
    assert harness(*ask, "1.2", "--", "python", "repro.py").returncode == 0
    assert list(toy.glob("home/environments/base-*"))


@pytest.fixture
def environments(poisoned, harness, toy):
    """Answer a question about harmless jobs; returns the base and one layer."""
    poisoned("")
    assert harness(*ASK).returncode == 0
    folders = [path.parent for path in (toy / "home").glob(f"environments/*/{MARKER}")]
    base = next(folder for folder in folders if folder.name.startswith("base-"))
    return base, next(folder for folder in folders if folder != base)


def test_what_a_killed_run_left_changed_is_found_by_the_next(environments, harness, toy):
    """The change is there, results came after it, and the mark that nobody has looked is still in the base."""
    base, _ = environments
    helper = next(base.glob("lib/python*/site-packages/helper/__init__.py"))
    helper.chmod(0o644)
    helper.write_text("SCALE = 0.0\n")
    (base / f"unverified-{2**22 + 1}").touch()  # no process has such a number
    for path in (toy / "home").glob("probes/*/*/probe.json"):
        other_verdict(path, with_sum=True)
    done = harness(*ASK)
    assert done.returncode == 0, done.stderr
    assert answer()[0]["conclusion"] == "always-good"
    assert any("a job of a run that was ended changed" in warning for warning in warnings())


def test_every_way_to_change_a_file_is_seen(environments, tmp_path):
    """Of real environments; copies of them, as caches of CI systems make, are taken for whole."""
    base, layer = environments
    for folder in environments:
        files = [
            path
            for path in folder.glob("lib/python*/site-packages/*/*.py")
            if path.parent.name in {"toy", "helper"}
        ]
        assert len(files) == 1
        assert files[0].stat().st_nlink == 1, "a hard link leads into uv's cache"
        assert not files[0].stat().st_mode & 0o222
        assert integrity.changes(folder) == []
    copy = Path(shutil.copytree(layer, tmp_path / "layer", symlinks=True))
    assert integrity.changes(copy) == []
    copy = Path(shutil.copytree(base, tmp_path / "base", symlinks=True))
    assert integrity.changes(copy) == []
    module = next(copy.glob("lib/python*/site-packages/helper/__init__.py"))
    compiled = next(module.parent.glob("__pycache__/*.pyc"))
    for path, kind in _ways(module, compiled):
        (change,) = integrity.changes(copy)
        assert (change.path, change.kind) == (str(path.relative_to(copy)), kind)
        assert abs(change.since - time.time()) < 60


def _ways(module, compiled):
    """Change one file at a time, and restore it."""
    whole, times = module.read_bytes(), module.stat()
    module.chmod(0o644)
    module.write_bytes(b"SCALE = 0.0\n")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    yield module, "changed"
    replacement = module.with_name("new")
    replacement.write_bytes(b"SCALE = 0.0\n")
    replacement.replace(module)
    yield module, "changed"
    module.unlink()
    yield module, "removed"
    module.write_bytes(whole)
    added = module.parent.parent / "sitecustomize.py"
    added.write_text("import helper\n")
    yield added, "added"
    added.unlink()
    orphan = module.parent / "__pycache__" / "nowhere.cpython-311.pyc"
    orphan.write_bytes(b"")
    yield orphan, "added"
    orphan.unlink()
    flip(compiled)
    yield compiled, "changed"
