"""Both ends of a comparison: what they do without any search, how they are given, and Python as a change."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from toyindex import wheel
from worlds import PLAIN, freeze, job, names, serve

from harness.locks.interpreter import installed


def test_a_flaky_job_has_no_culprit(world, monkeypatch):
    job(
        "import os, flakydep",
        "assert os.environ['PYTHONHASHSEED'] in ('0', '2', '5', '6', '9', '11', '12'), 'planted'",
    )
    asked = world(
        good={"flakydep": "1.0"}, bad={"flakydep": "2.0"}, packages={"flakydep": PLAIN}, count=1, code=3
    )
    assert asked.sets == []
    assert asked.headline.startswith("No culprit is named: executions of the good environment disagree")


def test_nothing_is_wrong(world):
    job("import calm")
    asked = world(good={"calm": "1.0"}, bad={"calm": "2.0"}, packages={"calm": PLAIN}, count=1, code=0)
    assert asked.report["arms"][0]["conclusion"] == "always-good"
    assert f"compare them where it fails with what is here, Python {sys.version_info[0]}." in asked.headline
    assert asked.headline.startswith(
        "The difference is not in the packages: bad.txt, rebuilt here from what it lists, is good as good.txt is."
    )


def test_a_lock_for_another_platform(world):
    """It is rebuilt for this one, which is said; that both are good then leaves the platform as what differs."""
    job("import foreign")
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for side, platform, version in (("good", "linux-64", "1.0"), ("bad", "win-amd64", "2.0")):
        header = f"# lock: policy fixed, Python {minor}, {platform}\n"
        Path(f"{side}.lock").write_text(f"{header}foreign=={version}\n", encoding="utf-8")
    asked = world("--good", "good.lock", "--bad", "bad.lock", packages={"foreign": PLAIN}, code=0)
    assert "Not compared: platform linux-x86_64 -> win-amd64." in asked.headline
    assert "bad: it was listed on win-amd64, and its packages were rebuilt for " in asked.done.stdout


def test_both_fail_in_the_same_way(world):
    job("import sorry", "raise ValueError('planted')")
    asked = world(good={"sorry": "1.0"}, bad={"sorry": "2.0"}, packages={"sorry": PLAIN}, count=1, code=0)
    assert asked.report["arms"][0]["conclusion"] == "never-good"
    assert "Both environments fail in the same way, so no change between them did it" in asked.headline


def test_the_environments_are_exchanged(world):
    job("import swapped", "assert swapped.X == 2, 'planted'")
    asked = world(
        good={"swapped": "1.0"}, bad={"swapped": "2.0"}, packages={"swapped": PLAIN}, count=1, code=3
    )
    assert "The environments are exchanged: good.txt fails (AssertionError: planted)" in asked.headline


def test_good_fails_in_another_way(world):
    job("import twoways", "raise ValueError('old') if twoways.X == 1 else TypeError('new')")
    asked = world(
        good={"twoways": "1.0"}, bad={"twoways": "2.0"}, packages={"twoways": PLAIN}, count=1, code=3
    )
    assert "The good environment fails too, in another way: ValueError: old" in asked.headline


def two_pythons(package, newer="2.0"):
    """Write two environments that differ in Python, and, if `newer` is not 1.0, in a package and in some that do nothing."""
    for side, python, version in (("good", "3.10", "1.0"), ("bad", "3.12", newer)):
        lines = [f"      - {name}=={version}" for name in (package, *names(1))]
        text = f"dependencies:\n  - python={python}\n  - pip:\n" + "\n".join(lines) + "\n"
        Path(f"{side}.yml").write_text(text, encoding="utf-8")


def test_only_python_differs(world):
    if len({one.minor for one in installed()} & {"3.10", "3.12"}) < 2:
        pytest.skip("needs Python 3.10 and 3.12")
    job("import sys, pytied", "assert sys.version_info < (3, 12), 'planted'")
    two_pythons("pytied")
    asked = world("--good", "good.yml", "--bad", "bad.yml", packages={"pytied": PLAIN}, code=0)
    assert asked.blame["python"]["role"] == "alone"
    assert re.match(r"Python 3\.10\.\d+ -> 3\.12\.\d+ did it, alone\.", asked.headline), asked.headline
    assert asked.sets == []


def test_the_packages_are_equal_and_python_differs(world):
    if len({one.minor for one in installed()} & {"3.10", "3.12"}) < 2:
        pytest.skip("needs Python 3.10 and 3.12")
    job("import sys, pyonly", "assert sys.version_info < (3, 12), 'planted'")
    two_pythons("pyonly", newer="1.0")
    asked = world("--good", "good.yml", "--bad", "bad.yml", packages={"pyonly": PLAIN}, code=0)
    assert asked.blame["python"]["role"] == "alone"
    assert asked.blame["changes"] == []
    assert re.match(r"Python 3\.10\.\d+ -> 3\.12\.\d+ did it, alone\.", asked.headline), asked.headline


def test_python_and_a_package_together(world):
    if len({one.minor for one in installed()} & {"3.10", "3.12"}) < 2:
        pytest.skip("needs Python 3.10 and 3.12")
    job("import sys, pyboth", "assert sys.version_info < (3, 12) or pyboth.X == 1, 'planted'")
    two_pythons("pyboth")
    asked = world("--good", "good.yml", "--bad", "bad.yml", packages={"pyboth": PLAIN}, code=0)
    assert asked.blame["python"]["role"] == "together"
    assert asked.sets == [[["pyboth"]]]
    assert "together with Python 3.10" in asked.headline


def test_each_environment_is_rebuilt_with_its_own_python(world, harness):
    """The packages of the good one fit its Python alone, those of the bad one fit no Python here."""
    if len({one.minor for one in installed()} & {"3.10", "3.12"}) < 2:
        pytest.skip("needs Python 3.10 and 3.12")
    job("import pyold", "assert pyold.X == 1, 'planted'")
    for version, requires in (("1.0", ">=3.12"), ("2.0", ">=3.99")):
        made = wheel("pyold", version, f"X = {version}\n", requires_python=requires)
        world.index.add("pyold", made)
    two_pythons("pyold")
    for side, old, new in (("good", "3.10", "3.12"), ("bad", "3.12", "3.10")):
        path = Path(f"{side}.yml")
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    asked = world("--good", "good.yml", "--bad", "bad.yml", code=3)
    said = r"The bad environment cannot be rebuilt here: .*Python version \(3\.10\.\d+\).*[^.]\.( |$)"
    assert re.match(said, asked.headline), asked.headline
    assert "good environment cannot" not in asked.headline
    summary = Path("reports/latest/summary.md").read_text(encoding="utf-8")
    assert "uv venv --python 3.12 good" in summary
    assert "locks/bad.txt" not in summary
    assert "nothing to judge" in harness("judge").stderr


def test_two_dates(world):
    job("import dated", "assert dated.X < 3, 'planted'")
    history = {f"{major}.0": f"X = {major}\n" for major in (1, 2, 3, 4)}
    asked = world(
        *("--good", "2024-01-01T18:00", "--bad", "2024-01-20", "--with", "dated", "--with", "pad00"),
        *("--with", "pad01"),
        packages={"dated": history},
        code=0,
    )
    assert asked.sets == [[["dated"]]]
    assert asked.headline == (
        "dated 1.0 -> 4.0 did it, alone; the 2 other changed packages are innocent; its first bad release is 3.0."
    )
    assert asked.blame["good"]["kind"] == "the index as it stood at a date"


def test_an_environment_that_contradicts_itself_and_a_package_that_no_index_has(world):
    """As pip makes them: `wants` of the good list requires another version of `loose` than is listed."""
    job("import loose, wants", "assert wants.X == 1, 'planted'")
    wants = {"1.0": ("X = 1\n", ("loose>=2",)), "2.0": ("X = 2\n", ("loose",))}
    good = {"loose": "1.0", "wants": "1.0", "our-own": "3"}
    bad = {"loose": "2.0", "wants": "2.0", "our-own": "4"}
    asked = world(good=good, bad=bad, packages={"loose": PLAIN, "wants": wants}, code=0)
    assert asked.sets == [[["wants"]]]
    assert asked.blame["good"]["contradictions"] == ["wants 1.0 requires loose>=2"]
    assert [one["name"] for one in asked.blame["bad"]["left_out"]] == ["our-own"]
    assert "bad: our-own 4 is left out of both environments" in asked.done.stdout


def test_a_bisect_that_is_never_good_offers_the_blame(world, harness):
    job("import offered", "raise ValueError('planted')")
    freeze("works.txt", {"offered": "1.0"})
    serve(world.index, {"offered": PLAIN})
    done = harness("bisect", "--package", "offered", "--", "python", "job.py")
    assert "never-good" in done.stdout
    (offer,) = [line for line in done.stdout.splitlines() if "what changed is found by: " in line]
    words = shlex.split(offer.partition("found by: ")[2].replace("ENV", "works.txt"))[3:]
    again = harness(*words)
    assert again.returncode == 0, again.stderr
    assert "Both environments fail in the same way" in again.stdout


def test_builds_of_a_folder_of_wheels(world, toy, monkeypatch):
    """As torch for the CPU: the list has a local version, and the file lies in a folder, whose files have no hashes."""
    (toy / "wheels").mkdir()
    for version in ("1.0", "2.0"):
        made = wheel("linked", f"{version}+cpu", f"X = {version[0]}\n")
        (toy / "wheels" / made.name).write_bytes(made.content)
    monkeypatch.setenv("UV_FIND_LINKS", str(toy / "wheels"))
    job("import linked", "assert linked.X == 1, 'planted'")
    asked = world(good={"linked": "1.0+cpu"}, bad={"linked": "2.0+cpu"}, count=4, code=0)
    assert asked.sets == [[["linked"]]]
    assert asked.headline.startswith(
        "linked 1.0+cpu -> 2.0+cpu did it, alone; the 4 other changed packages are"
    )
    assert [one["stand_in"] for one in asked.blame["good"]["stood_in"]] == ["1.0"]
