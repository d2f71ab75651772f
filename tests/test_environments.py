"""Locks and environments, made by the real uv from the toy index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest
from toyindex import wheel

from harness.environments.environment import MARKER, Environments, NotInstallable, find, size
from harness.environments.evict import RECENT, evict
from harness.errors import HarnessError, UsageError
from harness.locks.interpreter import find_interpreter
from harness.locks.lock import Lock, Pinned, common, moves, parse_lock
from harness.locks.resolve import Resolver, Unresolvable
from harness.locks.torch import TorchSource, choose_torch
from harness.releases.settings import IndexSettings, read_settings
from harness.state import State
from harness.uv import NO_INDEX, Uv


@pytest.fixture
def resolver(toy):
    settings = read_settings()
    uv = Uv(settings.uv_environment)
    interpreter = find_interpreter(">=3.8", uv)
    return Resolver("toy", ["helper==1.0"], interpreter, TorchSource("none"), settings, uv, State.find())


@pytest.fixture
def environments(resolver):
    return Environments("toy", resolver.interpreter, resolver.torch, resolver.uv, resolver.state)


def test_locks_differ_in_the_package_under_test_alone(resolver):
    reference = resolver.reference()
    locks = [resolver.lock(version, reference) for version in ("1.0", "2.0", "3.0")]
    assert [moves(reference, lock, besides="toy") for lock in locks] == [[], [], []]
    assert [lock.versions()["toy"] for lock in locks] == ["1.0", "2.0", "3.0"]
    assert all(lock.versions()["helper"] == "1.0" for lock in locks)
    assert all(package.hashes for lock in locks for package in lock.packages)
    assert len({lock.digest for lock in locks}) == 3
    assert common([reference, *locks]) == {"helper"}


def test_a_lock_reads_what_it_wrote(resolver):
    lock = resolver.reference()
    assert parse_lock(lock.text()) == lock
    with pytest.raises(ValueError, match="begins with"):
        parse_lock("helper==1.0\n")


def test_a_resolved_lock_asks_nobody_again(resolver, toy_index):
    reference = resolver.reference()
    resolver.lock("1.0", reference)
    before = len(toy_index.requests)
    assert resolver.lock("1.0", resolver.reference()).versions()["toy"] == "1.0"
    assert len(toy_index.requests) == before


def test_what_cannot_be_resolved_has_the_resolvers_reason(resolver):
    answer = resolver.lock("1.2", resolver.reference())
    assert isinstance(answer, Unresolvable)
    assert "there-is-no-such-package" in answer.reason
    assert "\n" not in answer.reason


def test_an_unreachable_index_is_a_fault_of_the_surroundings(resolver, monkeypatch):
    away = Uv(
        {
            "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
            "UV_HTTP_RETRIES": "0",
            "UV_CACHE_DIR": os.environ["HARNESS_HOME"] + "/empty",
        }
    )
    lost = Resolver(
        "toy", ["helper==2.0"], resolver.interpreter, resolver.torch, resolver.settings, away, resolver.state
    )
    with pytest.raises(HarnessError, match="index cannot be reached"):
        lost.reference()


def test_without_an_index_nothing_that_was_read_of_one_counts(resolver, tmp_path):
    """uv keeps what it read of an index; a bundle, and who asks pip for no index, mean the folder alone."""
    assert resolver.reference().versions()["helper"] == "1.0"  # so uv knows the index's pages
    folder = tmp_path / "links"
    folder.mkdir()
    file = wheel("helper", "1.0", "of = 'the folder'")
    (folder / file.name).write_bytes(file.content)
    alone = Uv({**resolver.uv.variables, NO_INDEX: "1", "UV_FIND_LINKS": str(folder)})
    alone.run("venv", str(tmp_path / "made"), "--python", str(resolver.interpreter.path))
    python = str(tmp_path / "made" / "bin" / "python")
    installed = alone.run("pip", "install", "--python", python, "helper==1.0")
    assert installed.code == 0, installed.reason
    seen = subprocess.run(
        [python, "-c", "import helper; print(helper.of)"], check=True, capture_output=True, text=True
    )
    assert seen.stdout.strip() == "the folder"
    assert alone.run("pip", "install", "--python", python, "toy==1.0").code == 1


def test_moves_are_listed_with_both_versions():
    one, two = Pinned("a", "1", ("sha256:x",)), Pinned("b", "1", ())
    before = Lock((one, two), "fixed", "3.11", "linux")
    after = Lock(
        (Pinned("a", "2", ("sha256:y",)), Pinned("c", "1", ()), Pinned("toy", "1", ())),
        "fixed",
        "3.11",
        "linux",
    )
    assert moves(before, after, besides="toy") == ["a 1 -> 2", "b 1 -> absent", "c absent -> 1"]
    other_files = Lock((Pinned("a", "1", ("sha256:z",)), two), "fixed", "3.11", "linux")
    assert moves(before, other_files, besides="toy") == ["a 1: other files"]


def make(environments, resolver, version):
    reference = resolver.reference()
    lock = resolver.lock(version, reference)
    return environments.sharing([reference, lock]).ensure(lock)


def run(environment, code):
    done = subprocess.run([environment.python, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_person_can_step_into_an_environment(environments, resolver):
    one, other = make(environments, resolver, "1.0"), make(environments, resolver, "3.0")
    ask = "import importlib.metadata as m, toy, helper; print(m.version('toy'), m.version('helper'), helper.__file__)"
    assert run(one, ask).startswith("1.0 1.0 ")
    assert run(other, ask).startswith("3.0 1.0 ")
    assert one.base == other.base
    assert run(one, ask).split()[2] == run(other, ask).split()[2], "the base is shared, not copied"
    assert size(one.folder) < 25e6


def test_a_finished_environment_is_taken_as_it_is(environments, resolver):
    first = make(environments, resolver, "1.0")
    started = time.monotonic()
    assert make(environments, resolver, "1.0") == first
    assert time.monotonic() - started < 2


def test_environments_that_were_moved_stand_on_the_base_beside_them(environments, resolver, tmp_path):
    made = make(environments, resolver, "1.0")
    (tmp_path / "moved").mkdir()
    for folder in (made.folder, made.base):
        shutil.copytree(folder, tmp_path / "moved" / folder.name, symlinks=True)
    moved = find(tmp_path / "moved" / made.folder.name)
    assert run(moved, "import helper; print(helper.__file__)").startswith(str(tmp_path / "moved"))


def test_what_cannot_be_built_leaves_nothing_that_looks_finished(environments, resolver):
    answer = make(environments, resolver, "1.3")
    assert isinstance(answer, NotInstallable)
    assert "there-is-no-such-backend" in answer.reason
    lock = resolver.lock("1.3", resolver.reference())
    assert find(environments.state.environments / lock.digest[:20]) is None
    assert not list(environments.state.environments.glob(".*.tmp"))


def test_two_at_once_do_not_collide(environments, resolver, tmp_path):
    elsewhere = Environments(
        "toy", resolver.interpreter, resolver.torch, resolver.uv, State(tmp_path / "other-home")
    )
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(make(elsewhere, resolver, "1.0"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({str(environment.folder) for environment in found}) == 1
    assert run(found[0], "import toy, helper; print('fine')") == "fine"
    assert not list(elsewhere.state.environments.glob(".*.tmp"))


def test_an_interrupted_creation_is_made_anew(environments, resolver, tmp_path):
    state = State(tmp_path / "other-home")
    again = Environments("toy", resolver.interpreter, resolver.torch, resolver.uv, state)
    environment = make(again, resolver, "1.0")
    (environment.base / MARKER).unlink()
    assert find(environment.folder) is None, "a layer without its base is no environment"


def test_the_oldest_go_first_and_what_is_in_use_stays(environments, resolver, tmp_path):
    state = State(tmp_path / "other-home")
    several = Environments("toy", resolver.interpreter, resolver.torch, resolver.uv, state)
    made = [make(several, resolver, version) for version in ("1.0", "2.0", "3.0")]
    for age, environment in enumerate(reversed(made), start=2):
        os.utime(environment.folder / MARKER, (time.time() - age * RECENT,) * 2)
    os.utime(made[0].base / MARKER, (time.time() - 9 * RECENT,) * 2)
    assert evict(state.environments, cap=10**12) == []
    assert evict(state.environments, cap=0, keep=[made[0].folder]) == [made[1].folder, made[2].folder]
    assert run(made[0], "import toy, helper; print('fine')") == "fine"
    assert set(evict(state.environments, cap=0)) == {made[0].folder, made[0].base}
    assert not list(state.environments.glob(f"*/{MARKER}"))


def test_the_users_own_source_of_torch_wins(tmp_path):
    state, own = State(tmp_path), IndexSettings(find_links=("/links",))
    assert choose_torch("auto", own, state).options == ()
    plain = choose_torch("auto", IndexSettings(), state)
    assert plain.options[0] == "--torch-backend"
    assert plain.fallback, "an index for torch that cannot be reached is a normal case"
    assert choose_torch("cu128", own, state).options == ("--torch-backend", "cu128")
    assert choose_torch("index", IndexSettings(), state).options == ()
    with pytest.raises(UsageError, match="cuXXX"):
        choose_torch("cuda", own, state)


def test_the_hosts_torch_is_reused_and_nothing_else_of_the_host(resolver, toy_index, tmp_path, monkeypatch):
    """The host has a vendor's torch that no index serves, and another helper than the lock's."""
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "host"))
    links = tmp_path / "links"
    links.mkdir()
    for file in (
        wheel(
            "torch", "2.5.0a0+vendor", "who = 'host'", requires=("helper", "nvidia-toy; python_version > '3'")
        ),
        wheel("nvidia_toy", "1.0", ""),
        wheel("onlyhost", "1.0", ""),
    ):
        (links / file.name).write_bytes(file.content)
    uv = Uv({**resolver.uv.variables, "UV_FIND_LINKS": str(links)})
    uv.run("venv", str(tmp_path / "host"), "--python", str(resolver.interpreter.path))
    python = str(tmp_path / "host" / "bin" / "python")
    installed = uv.run(
        "pip", "install", "--python", python, "torch==2.5.0a0+vendor", "onlyhost", "helper==2.0"
    )
    assert installed.code == 0, installed.reason

    source = choose_torch("host", resolver.settings, resolver.state)
    assert source.host.version == "2.5.0a0+vendor"
    pins = ["helper==1.0", "torch==9.9"]
    ours = Resolver(
        "toy", pins, source.host.interpreter, source, resolver.settings, resolver.uv, resolver.state
    )
    assert ours.requirements() == ["helper==1.0", "torch==2.5.0a0+vendor"]
    environments = Environments("toy", source.host.interpreter, source, resolver.uv, resolver.state)
    reference = ours.reference()
    environment = environments.sharing([reference]).ensure(reference)
    seen = run(
        environment,
        "import torch, helper, nvidia_toy, importlib.metadata as m; print(torch.who, m.version('helper'))",
    )
    assert seen == "host 1.0"
    assert run(environment, "import importlib.util as u; print(u.find_spec('onlyhost'))") == "None"


def test_no_torch_on_the_host_is_told(resolver, monkeypatch, tmp_path):
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match="no Python on PATH has torch"):
        choose_torch("host", resolver.settings, resolver.state)


def test_the_interpreter_is_asked_for_by_specifier():
    own = find_interpreter(">=3.8", Uv())
    assert own.version == ".".join(map(str, sys.version_info[:3]))
    assert own.path.exists()


@pytest.mark.parametrize(
    ("said", "runs", "code"),
    [
        ("Failed to query Python interpreter: failed to rename file a to b: No such file (os error 2)", 2, 0),
        ("Failed to build `toy==1.3`", 2, 0),
        ("No solution found when resolving dependencies", 1, 1),
    ],
)
def test_what_may_be_no_property_of_a_release_is_asked_again(tmp_path, said, runs, code):
    program, count = tmp_path / "uv", tmp_path / "count"
    program.write_text(
        f"#!/bin/sh\necho x >> {count}\ntest $(wc -l < {count}) = 2 && exit 0\necho 'error: {said}' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    uv = Uv()
    uv.program = str(program)
    assert uv.run("pip", "install").code == code
    assert len(count.read_text().splitlines()) == runs
