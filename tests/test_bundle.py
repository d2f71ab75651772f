"""Bundles: made on the toy index, used in a fresh state directory where every index refuses."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from printed_commands import check, report
from toyindex import ToyIndex, wheel
from toypairs import JOB, PAIR, SCENARIO, plant_pair

from harness.bundles.bundle import open_bundle
from harness.bundles.solid import plain_wheel
from harness.errors import HarnessError, UsageError
from harness.locks.interpreter import ask
from harness.locks.lock import Lock, Pinned
from harness.locks.torch import HostTorch, choose_torch, with_host_torch, without_torch
from harness.packing.host import brought_by_torch, left_out, read_freeze
from harness.packing.wheels import Fetched, Target
from harness.releases.settings import IndexSettings
from harness.state import State

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9/simple"
"""The port that discards; nobody listens."""


@pytest.fixture(scope="session")
def made():
    """The one bundle that most tests use, as bytes, once it is made."""
    return []


@pytest.fixture
def bundle(toy, harness, made):
    if made:
        (toy / "toy.bundle").write_bytes(made[0])
        return toy / "toy.bundle"
    done = harness("bundle", "toy", "--to", "toy.bundle")
    assert done.returncode == 0, done.stderr
    assert re.search(r"toy.bundle: [\d.]+ MB, 10 releases, for Python", done.stdout)
    assert "the harness itself: python toy.bundle bisect" in done.stdout
    assert "1.2 will be skipped, it cannot be resolved" in done.stdout
    assert "toy==1.3 has no wheel that fits" in done.stdout
    made.append((toy / "toy.bundle").read_bytes())
    return toy / "toy.bundle"


@pytest.fixture
def away(bundle, monkeypatch):
    """Another machine: a state directory and a cache of its own, no scenario, every index setting at a refusing port."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", NOWHERE)
    monkeypatch.setenv("UV_INDEX", NOWHERE)
    monkeypatch.setenv("PIP_INDEX_URL", NOWHERE)
    for name in ("HARNESS_HOME", "UV_CACHE_DIR"):
        monkeypatch.setenv(name, str(bundle.parent / f"away-{name}"))
    elsewhere = bundle.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return elsewhere


def facts(folder):
    """Return what a run found: of each arm the boundaries, and of each release verdict, reason, lock and probe."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    keys = ("version", "uploaded", "yanked", "verdict", "fingerprint", "lock", "probe")
    return [
        (arm["conclusion"], arm["boundaries"], [[row.get(key) for key in keys] for row in arm["releases"]])
        for arm in report["arms"]
    ]


def test_a_bundle_gives_the_same_boundaries_and_probes_without_an_index(toy, harness, bundle, away):
    far = harness("bisect", "--bundle", str(bundle), "--out", "out", "--search", "sweep")
    assert far.returncode == 0, far.stderr
    refused = harness("bisect", "toy", "--out", "refused", cwd=toy)  # there is indeed no index
    assert refused.returncode == 4
    assert "cannot list the releases of toy" in refused.stderr
    assert facts(away / "out" / "latest")[0][0] == "non-monotone"
    rows = facts(away / "out" / "latest")[0][2]
    assert [row[3] for row in rows] == [
        *("good", "good", "skip", "skip", "skip"),
        *("bad", "bad", "skip", "good", "good"),
    ]


def test_probes_have_the_digests_of_home(toy, harness, bundle, request):
    at_home = harness("bisect", "toy", "--out", "out", "--search", "sweep")
    assert at_home.returncode == 0, at_home.stderr
    away = request.getfixturevalue("away")
    far = harness("bisect", "--bundle", str(bundle), "--out", "out", "--search", "sweep")
    assert far.returncode == 0, far.stderr
    assert facts(away / "out" / "latest") == facts(toy / "out" / "latest")


def test_a_range_and_one_probe_of_a_bundle(harness, bundle, away):
    done = harness("bisect", "--bundle", str(bundle), "--from", "1.1", "--to", "2.0", "--no-cause")
    assert done.returncode == 0, done.stderr
    assert "broke the job after 1.1 (good) and by 2.0 (bad), confirmed" in done.stdout
    report = json.loads((away / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))
    assert f"--bundle {bundle}" in report["command"]
    by_hand = harness("probe", "--bundle", str(bundle), "--release", "2.0")
    assert by_hand.returncode == 1, by_hand.stderr
    outside = harness("bisect", "--bundle", str(bundle), "--to", "9.9")
    assert outside.returncode == 2
    assert "--to 9.9" in outside.stderr


def test_the_same_question_gives_the_same_bytes(harness, bundle):
    before = bundle.read_bytes()
    assert harness("bundle", "toy", "--to", "again.bundle").returncode == 0
    assert (bundle.parent / "again.bundle").read_bytes() == before


@pytest.fixture
def bare(away, monkeypatch):
    """Run a bundle by a Python that has the standard library alone, with no uv on the path."""
    folder = away / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)

    def run(bundle, *words):
        return subprocess.run(
            [folder / "bin" / "python", bundle, *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


def test_a_bundle_is_started_where_there_is_nothing_but_python(bundle, away, bare):
    done = bare(bundle, "bisect", "--from", "1.1", "--to", "2.0", "--no-cause", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "broke the job after 1.1 (good) and by 2.0 (bad), confirmed" in done.stdout
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert [line for line in warnings if "toy 1.1 (planted) is a yanked release" not in line] == []
    assert (away / "out" / "latest" / "index.html").exists()
    (itself,) = Path(os.environ["HARNESS_HOME"]).glob("bundles/harness-*")
    assert (itself / "bin" / "uv").exists()
    assert bare(bundle, "probe", "--release", "2.0").returncode == 1
    assert "COMMAND" in bare(bundle).stdout
    # `python gpu.bundle --out DIR` took the folder for a command.
    probing = rewritten(bundle, manifest_with(without_arguments=["probe"]))
    assert bare(probing, "--release", "2.0").returncode == 1
    assert "COMMAND" in bare(probing, "--help").stdout
    asks = bare(bundle, "releases", "toy")
    assert asks.returncode == 4
    assert "do it where the harness is installed" in asks.stderr
    assert "Traceback" not in asks.stderr


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda n, c: c[:-9] if n == "requirements.tar.xz" else c, 4, "damaged, the harness in it"),
        (
            lambda n, c: c + b"#" if n == "itself/harness/cli/bundle.py" else c,
            4,
            "damaged, the harness in it",
        ),
        (lambda n, c: None if n == "itself/harness/cli/bundle.py" else c, 4, "damaged, the harness in it"),
        (
            lambda n, c: c.replace(b'"for": "3.', b'"for": "4.') if n == "manifest.json" else c,
            2,
            "the bundle is for Python 4.",
        ),
    ],
)
def test_a_harness_in_a_bundle_that_cannot_be_started_is_told(bundle, bare, change, code, said):
    done = bare(rewritten(bundle, change), "bisect")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(Path(os.environ["HARNESS_HOME"]).glob("bundles/*"))


def test_a_pressed_wheel_has_the_content_of_the_indexs(toy_index, tmp_path):
    (file,) = [one for one in toy_index.packages["toy"] if one.name.startswith("toy-3.1-")]
    (tmp_path / file.name).write_bytes(file.content)
    first = plain_wheel(tmp_path / file.name, tmp_path / "first.whl")
    assert plain_wheel(tmp_path / "first.whl", tmp_path / "second.whl") == first

    def members(path):
        with zipfile.ZipFile(path) as archive:
            return {
                one.filename: (archive.read(one), one.external_attr >> 16, one.compress_type == 0)
                for one in archive.infolist()
            }

    old, new = members(tmp_path / file.name), members(tmp_path / "first.whl")
    assert {name: facts[:2] for name, facts in old.items()} == {
        name: facts[:2] for name, facts in new.items()
    }
    assert all(plain for _, _, plain in new.values())


def rewritten(bundle, change):
    """Write a bundle again, each member through `change(name, content)`; None leaves it out."""
    target = bundle.with_name("changed.bundle")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def manifest_with(**facts):
    def change(name, content):
        return json.dumps({**json.loads(content), **facts}) if name == "manifest.json" else content

    return change


def other_wheel(name, content):
    """Let the manifest name another wheel than the one that is pressed with the rest."""
    if name != "manifest.json":
        return content
    facts = json.loads(content)
    facts["files"]["wheels/toy-1.0-py3-none-any.whl"]["sha256"] = "0" * 64
    return json.dumps(facts)


def further_wheel(name, content):
    """Let the manifest name a wheel that is not there."""
    if name != "manifest.json":
        return content
    facts = json.loads(content)
    facts["files"]["wheels/toy-9.9-py3-none-any.whl"] = {"sha256": "0" * 64, "solid": True}
    return json.dumps(facts)


@pytest.mark.parametrize(
    "case",
    [
        (lambda n, c: c + b"!" if n == "locks/2.0.txt" else c, 4, "locks/2.0.txt is not the file"),
        (lambda n, c: c[:-40] if n == "wheels.tar.xz" else c, 4, "wheels.tar.xz cannot be read"),
        (lambda n, c: None if n == "wheels.tar.xz" else c, 4, "wheels.tar.xz is missing"),
        (other_wheel, 4, "toy-1.0-py3-none-any.whl is not the file"),
        (further_wheel, 4, "toy-9.9-py3-none-any.whl is missing"),
        (lambda n, c: None if n == "locks/2.0.txt" else c, 4, "locks/2.0.txt is missing"),
        (lambda n, c: b"{" if n == "manifest.json" else c, 4, "manifest.json cannot be read"),
        (lambda n, c: None if n == "manifest.json" else c, 4, "it has no manifest.json"),
        (lambda n, c: c if n.startswith("wheels/") else None, 2, "not a bundle, it has no manifest.json"),
        (manifest_with(schema=99), 2, "schema 99"),
        (manifest_with(axes=[]), 4, "lacks something"),
        (manifest_with(files={"../outside": {"sha256": ""}}), 4, "outside the bundle"),
        (manifest_with(scenario="../../toy"), 4, "outside the bundle"),
        (manifest_with(python="3.2"), 4, "no Python ==3.2.*"),
        (manifest_with(torch="host"), 4, "no Python on PATH has torch installed"),
    ],
)
def test_a_changed_bundle_is_told_in_one_sentence(harness, bundle, away, monkeypatch, case):
    change, code, said = case
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    done = harness("bisect", "--bundle", str(rewritten(bundle, change)))
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert done.stderr.count("error:") == 1
    assert not (away.parent / "outside").exists()
    leftover = list(Path(os.environ["HARNESS_HOME"]).glob("bundles/.*"))
    assert leftover == []


def test_a_bundle_of_another_recorder_is_told(harness, bundle, away):
    other = rewritten(bundle, manifest_with(recorder="another"))
    done = harness("bisect", "--bundle", str(other), "--from", "3.0", "--no-cause")
    assert done.returncode == 0, done.stderr
    assert "warning: the bundle was made by another version of the harness" in done.stderr


@pytest.mark.parametrize("length", [2, 100, 0.5, 0.9])
def test_a_truncated_bundle_is_told(bundle, tmp_path, length):
    whole = bundle.read_bytes()
    cut = tmp_path / "cut.bundle"
    cut.write_bytes(whole[: int(length * len(whole)) if length < 1 else length])
    with pytest.raises(HarnessError, match="cut short or changed"):
        open_bundle(cut, State(tmp_path / "cut-home"))


def test_what_is_no_bundle_is_told(tmp_path):
    text = tmp_path / "text"
    text.write_text("not a bundle")
    with pytest.raises(UsageError, match="not a bundle"):
        open_bundle(text, State(tmp_path / "h"))
    with pytest.raises(UsageError, match="cannot be read"):
        open_bundle(tmp_path / "absent", State(tmp_path / "h"))


def test_a_bundle_for_another_platform_says_how_to_make_the_right_one(harness, bundle, away):
    def change(name, content):
        if name.startswith("locks/"):
            _, _, lock = content.partition(b"\n")  # without its sum, as those of older harnesses
            return lock.replace(b", linux-", b", plan9-").replace(b", macosx-", b", plan9-")
        if name == "manifest.json":
            return json.dumps({**json.loads(content), "files": files})
        return content

    files = json.loads(zipfile.ZipFile(bundle).read("manifest.json"))["files"]
    for name, facts in files.items():
        if name.startswith("locks/"):
            text = change(name, zipfile.ZipFile(bundle).read(name))
            facts["sha256"] = hashlib.sha256(text).hexdigest()
    done = harness("bisect", "--bundle", str(rewritten(bundle, change)))
    assert done.returncode == 2
    assert "plan9-" in done.stderr
    assert "--python-version" in done.stderr


@pytest.mark.parametrize(
    "words",
    [["toy"], ["--package", "toy"], ["--with", "helper==2.0"], ["--torch", "cpu"], ["--locks", "x"]],
)
def test_what_the_bundle_decides_is_not_asked_besides(harness, bundle, words):
    done = harness("bisect", "--bundle", str(bundle), *words)
    assert done.returncode == 2
    assert "the bundle decides that" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "."], "expected the name of a file"),
        (["--to", "nowhere/x"], "expected the name of a file"),
        (["--to", "x", "--python-version", "three"], "expected a version as 3.11"),
        (["--to", "x", "--platform", "solaris"], "expected linux-x86_64 or linux-aarch64"),
        (["--to", "x", "--host-packages", "f"], "--torch host"),
        (["--to", "x", "--torch", "host", "--host-packages", "f"], "cannot be read"),
    ],
)
def test_a_wrong_option_of_bundle_is_told(toy, harness, words, said):
    done = harness("bundle", "toy", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_a_bundle_for_another_python_is_locked_for_it(toy, harness):
    other = "3.9" if sys.version_info[:2] != (3, 9) else "3.10"
    done = harness(
        "bundle", "toy", "--to", "o.bundle", "--python-version", other, "--platform", "linux-aarch64"
    )
    assert done.returncode == 0, done.stderr
    assert f"for Python {other} on linux-aarch64" in done.stdout
    assert "without the harness: install it on the target (it needs Python >=" in done.stdout
    text = zipfile.ZipFile("o.bundle").read("locks/reference.txt").decode()
    assert f"Python {other}, linux-aarch64" in text


def test_the_ranks_of_this_machine_are_those_of_packaging():
    here = Target(f"3.{sys.version_info[1]}", "here").ranks()
    own = [str(tag) for tag in sys_tags()]
    assert [tag for tag in here if tag in own] == [tag for tag in own if tag in here]
    assert set(own) == set(here)


def test_another_machine_takes_its_own_wheels_and_no_newer_c_library():
    ranks = Target.other("3.10", "linux-aarch64").ranks()
    assert ranks["cp310-cp310-manylinux_2_28_aarch64"] < ranks["cp310-cp310-manylinux2014_aarch64"]
    assert ranks["cp310-cp310-manylinux2014_aarch64"] < ranks["cp39-abi3-manylinux_2_17_aarch64"]
    assert "py3-none-any" in ranks
    assert not any(word in tag for tag in ranks for word in ("x86_64", "_2_29_", "cp311"))


def test_the_hosts_torch_takes_the_place_of_the_locks(tmp_path):
    def pinned(name, version="1"):
        return Pinned(name, version, ("sha256:0",))

    lock = Lock(
        tuple(map(pinned, ("nvidia-cublas", "peft", "sympy", "torch", "triton"))),
        "fixed",
        "3.11",
        "linux-x86_64",
    )
    assert list(without_torch(lock).versions()) == ["peft", "sympy"]
    (tmp_path / "torch.whl").write_bytes(b"stand-in")
    host = HostTorch(None, "2.13.0+cu128", tmp_path, tmp_path)
    swapped = with_host_torch(lock, host)
    assert swapped.versions() == {"peft": "1", "sympy": "1", "torch": "2.13.0+cu128"}
    assert with_host_torch(swapped, host) == swapped


def test_a_torch_that_was_never_compiled_is_told_with_what_compiles_it(tmp_path):
    """Many images forbid Python to write what it compiles, and a probe may not write there either."""
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    host = HostTorch(ask(Path(sys.executable)), "2.13.0", tmp_path, tmp_path)
    said = host.slow_start()
    command = shlex.split(said.rpartition(": ")[2])
    subprocess.run(command, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, timeout=120)
    assert host.slow_start() == ""


def fetched(folder, name, version, *requires):
    """Return a wheel as the bundle has fetched it."""
    made = wheel(name, version, "", requires=requires)
    (folder / made.name).write_bytes(made.content)
    return Fetched(Pinned(name, version, ()), folder / made.name, "", fits=True)


def test_what_nothing_but_torch_needs_comes_with_torch(tmp_path):
    files = [
        fetched(tmp_path, "peft", "1.0", "numpy", "torch"),
        fetched(tmp_path, "peft", "2.0", "torch", 'templates; extra == "chat"'),
        fetched(tmp_path, "numpy", "1.0"),
        fetched(tmp_path, "templates", "1.0"),
        fetched(tmp_path, "sympy", "1.14", "mpmath"),
        fetched(tmp_path, "mpmath", "1.3"),
        fetched(tmp_path, "moving", "1.0"),
        fetched(tmp_path, "moving", "2.0"),
    ]
    assert brought_by_torch(files, ["peft", "torch"]) == {"mpmath": "1.3", "sympy": "1.14"}
    assert brought_by_torch(files, ["peft", "torch", "sympy"]) == {}
    unbuilt = replace(files[2], fits=False)
    assert brought_by_torch([*files[:2], unbuilt, *files[3:]], ["peft"]) == {}


def test_what_torch_brings_is_taken_as_the_target_has_it(tmp_path, monkeypatch):
    host = tmp_path / "host"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", host], check=True, timeout=120)
    (site,) = (host / "lib").glob("python*/site-packages")
    for name, version in (("torch", "2.13.0"), ("sympy", "1.13.3"), ("mpmath", "1.3.0")):
        made = wheel(name, version, "")
        (tmp_path / made.name).write_bytes(made.content)
        with zipfile.ZipFile(tmp_path / made.name) as archive:
            archive.extractall(site)
    monkeypatch.setenv("VIRTUAL_ENV", str(host))
    state = State(tmp_path / "home")
    brought = {"sympy": "1.14.0", "mpmath": "1.3.0"}
    torch = choose_torch("host", IndexSettings(), state, {}, brought).host
    pins = [Pinned(name, version, ("sha256:0",)) for name, version in (*brought.items(), ("torch", "2.12.0"))]
    swapped = with_host_torch(Lock(tuple(sorted(pins)), "fixed", "3.11", "linux-x86_64"), torch)
    assert swapped.versions() == {"mpmath": "1.3.0", "sympy": "1.13.3", "torch": "2.13.0"}
    assert [one.hashes for one in swapped.packages[:2]] == [("sha256:0",), ()]
    with pytest.raises(UsageError, match=r"has no networkx.*: install networkx==3.6.1 there"):
        choose_torch("host", IndexSettings(), state, {}, {**brought, "networkx": "3.6.1"})


def test_what_the_target_has_in_the_very_version_stays_at_home(tmp_path):
    freeze = tmp_path / "freeze.txt"
    freeze.write_text(
        "Typing_Extensions==4.15.0\nnumpy==2.3.5\n# a comment\n-e .\nx @ file:///x\npeft==0.7.0\n"
    )
    there = read_freeze(freeze)
    assert there == {"typing-extensions": "4.15.0", "numpy": "2.3.5", "peft": "0.7.0"}
    locked = [("numpy", "2.3.5"), ("numpy", "1.26.4"), ("typing-extensions", "4.15.0"), ("peft", "0.7.0")]
    needed = [Pinned(name, version, ()) for name, version in locked]
    assert left_out(needed, there, {"peft"}) == {
        "typing-extensions": "4.15.0"
    }  # numpy moves between releases
    freeze.write_text("nothing here\n")
    with pytest.raises(UsageError, match="no line as name==version"):
        read_freeze(freeze)


def test_a_wheel_that_the_index_swapped_is_refused(toy, harness, toy_index, monkeypatch):
    pressed = Path(os.environ["HARNESS_HOME"]) / "harness-itself"
    (toy / "fresh").mkdir()
    (toy / "fresh" / "harness-itself").symlink_to(pressed)  # made once, for all tests
    monkeypatch.setenv("HARNESS_HOME", str(toy / "fresh"))
    (file,) = [one for one in toy_index.packages["toy"] if one.name.startswith("toy-3.1-")]
    right = file.entry()
    content = file.content
    monkeypatch.setattr(file, "entry", lambda **_: right, raising=False)
    assert harness("bundle", "toy", "--to", "right.bundle").returncode == 0
    for path in (toy / "fresh" / "wheels").rglob("toy-3.1-*"):
        path.unlink()
    file.content = content + b"swapped"
    try:
        done = harness("bundle", "toy", "--to", "wrong.bundle")
    finally:
        file.content = content
    assert done.returncode == 4, done.stdout
    assert "is not the file that its index lists" in done.stderr
    assert not (toy / "wrong.bundle").exists()
    assert not list(toy.glob(".*.tmp"))


def test_the_commands_of_a_bundles_run_find_what_is_stored(harness, bundle, away):
    words = (
        "--from",
        "1.1",
        "--to",
        "2.0",
        "--seeds",
        "2",
        "--set",
        "steps=7",
        "--device",
        "cpu",
        "--env",
        "A=b",
    )
    done = harness("bisect", "--bundle", str(bundle), *words)
    assert done.returncode == 0, done.stderr
    check(report(), harness)


@pytest.fixture
def two(toy, harness, monkeypatch):
    """A bundle of two packages that were bisected at home, where there is no index any more; and what home said.

    The state directory is that of all tests on the toy index, which has the harness pressed already.
    """
    folder = toy / "scenarios" / "both"
    folder.mkdir()
    (folder / "job.py").write_text(JOB, encoding="utf-8")
    also = 'also = { package = "right" }'
    (folder / "scenario.toml").write_text(SCENARIO.format(also=also), encoding="utf-8")
    with ToyIndex() as index:
        plant_pair(index, PAIR)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        assert harness("bisect", "both").returncode == 0
        done = harness("bundle", "both", "--to", "both.bundle")
    assert done.returncode == 0, done.stderr
    assert ", 4 releases of left and 3 releases of right, for Python" in done.stdout
    home = facts(toy / "reports" / "latest")
    monkeypatch.setenv("UV_DEFAULT_INDEX", NOWHERE)
    for name in ("HARNESS_HOME", "UV_CACHE_DIR"):
        monkeypatch.setenv(name, str(toy / f"away-{name}"))
    (toy / "elsewhere").mkdir()
    monkeypatch.chdir(toy / "elsewhere")
    return toy / "both.bundle", home


def test_two_packages_in_a_bundle_give_the_answer_of_home(two, harness):
    """Every pair has the lock that it has at home, and every printed command finds what is stored."""
    bundle, home = two
    done = harness("bisect", "--bundle", str(bundle))
    assert done.returncode == 0, done.stderr
    assert facts(Path("reports/latest")) == home
    found = report()
    assert found["arms"][0]["grid"]["pair"] == {"left": "3.0", "right": "2.0"}
    for one in (found, *(report(f"reports/{found['run']}/{part['folder']}") for part in found["parts"])):
        check(one, harness)
    words = ("--package", "left", "--from", "2.0", "--to", "3.0", "--package", "right", "--from", "2.0")
    narrow = harness("bisect", "--bundle", str(bundle), *words)
    assert narrow.returncode == 0, narrow.stderr
    assert report()["arms"][0]["grid"]["decides"] == "left"
    alone = harness("bisect", "--bundle", str(bundle), "--package", "left", "--with", "right==1.0")
    assert alone.returncode == 0, alone.stderr
    assert [arm["conclusion"] for arm in report()["arms"]] == ["always-good"]
    for wrong, said in (
        (("--package", "left"), "vary both, or hold one of them at one of its releases"),
        (("--package", "judge"), "it has releases of left and right"),
        (("--package", "left", "--with", "right==9.0"), "--bundle and --with: the bundle decides that"),
        (("--from", "2.0"), "name one of them by --package"),
    ):
        done = harness("bisect", "--bundle", str(bundle), *wrong)
        assert done.returncode == 2
        assert said in done.stderr
