"""Two environments with many changes: the culprits are named exactly, and no innocent is."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from toyindex import wheel
from worlds import COUNT, freeze, job, names, read, serve

from harness.locks.interpreter import installed

PLAIN = {"1.0": "X = 1\n", "2.0": "X = 2\n"}


def two(*packages):
    return dict.fromkeys(packages, "1.0"), dict.fromkeys(packages, "2.0")


def test_one_culprit_among_many_and_its_release(world, harness):
    job("import guilty", "assert guilty.X < 3, 'planted'")
    history = {f"1.{minor}": f"X = {1 if minor < 3 else 3}\n" for minor in range(6)}
    asked = world(good={"guilty": "1.0"}, bad={"guilty": "1.5"}, packages={"guilty": history}, code=0)
    assert asked.sets == [[["guilty"]]]
    assert asked.headline == (
        f"guilty 1.0 -> 1.5 did it, alone; the {COUNT} other changed packages are innocent; its first bad release is 1.3."
    )
    assert asked.blame["executions"] <= 16
    for name in ("summary.md", "issue.md", "index.html", "junit.xml"):
        text = (Path("reports/latest") / name).read_text(encoding="utf-8")
        assert "its first bad release is 1.3" in text, name
        assert "pad03" in text or name == "junit.xml"
    assert '<failure type="regressed"' in Path("reports/latest/junit.xml").read_text(encoding="utf-8")
    assert asked.done.stdout.splitlines()[0] == f"job regressed: {asked.headline}"
    judged_again_it_is_the_same(asked, harness)
    asked_again_it_executes_nothing(asked, world, harness)


def judged_again_it_is_the_same(asked, harness):
    done = harness("judge")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == asked.done.stdout.splitlines()[0]
    blame = read(done).blame
    assert {name: blame[name] for name in blame if name != "steps"} == {
        name: asked.blame[name] for name in blame if name != "steps"
    }
    assert [step["outcome"] for step in blame["steps"]] == [step["outcome"] for step in asked.blame["steps"]]


def asked_again_it_executes_nothing(asked, world, harness):
    home = Path(os.environ["HARNESS_HOME"])
    probes = sorted(home.glob("probes/*/*/probe.json"))
    assert world(code=0).headline == asked.headline
    assert sorted(home.glob("probes/*/*/probe.json")) == probes
    done = harness("report")
    assert done.returncode == 0, done.stderr
    assert asked.headline in done.stdout


def test_a_pair_is_a_conjunction(world):
    job("import pairone, pairtwo", "assert not (pairone.X == 2 and pairtwo.X == 2), 'planted'")
    good, bad = two("pairone", "pairtwo")
    asked = world("--no-cause", good=good, bad=bad, packages={"pairone": PLAIN, "pairtwo": PLAIN}, code=0)
    assert asked.sets == [[["pairone"], ["pairtwo"]]]
    assert asked.headline.startswith(
        "pairone 1.0 -> 2.0 and pairtwo 1.0 -> 2.0 did it together; without either of them the job is good; "
        f"the {COUNT} other changed packages are innocent."
    )
    assert asked.blame["executions"] <= 32


def test_a_triple(world):
    job("import tria, trib, tric", "assert tria.X + trib.X + tric.X < 6, 'planted'")
    good, bad = two("tria", "trib", "tric")
    asked = world(good=good, bad=bad, packages=dict.fromkeys(("tria", "trib", "tric"), PLAIN), code=0)
    assert asked.sets == [[["tria"], ["trib"], ["tric"]]]
    assert len(asked.standing("innocent")) == COUNT


def test_two_independent_culprits(world):
    job("import inda, indb", "assert inda.X == 1 and indb.X == 1, 'planted'")
    good, bad = two("inda", "indb")
    asked = world(good=good, bad=bad, packages={"inda": PLAIN, "indb": PLAIN}, code=0)
    assert asked.sets == [[["inda"]], [["indb"]]]
    assert "inda 1.0 -> 2.0 did it; by itself too, indb 1.0 -> 2.0 did it" in asked.headline


def test_ties_are_no_culprits_and_mixtures_that_do_not_resolve_are_no_evidence(world):
    """As jaxlib and jax: a new jax needs a new jaxlib, whose fault it is."""
    job("import tielib, tiefront", "assert tielib.X == 1, 'planted'")
    front = {"1.0": ("X = 1\n", ("tielib",)), "2.0": ("X = 2\n", ("tielib>=2",))}
    good, bad = two("tielib", "tiefront")
    asked = world(good=good, bad=bad, packages={"tielib": PLAIN, "tiefront": front}, code=0)
    assert asked.sets == [[["tielib"]]]
    assert "tiefront" not in asked.headline.partition(";")[0]


def unit(first, second):
    """Return two packages that bind each other as pydantic and pydantic-core: each wants just one of the other."""
    versions = ("1.0", "2.0")
    return {
        name: {version: (f"X = {version[0]}\n", (f"{other}=={version}",)) for version in versions}
        for name, other in ((first, second), (second, first))
    }


def test_what_nothing_separates_is_one_unit(world):
    job("import unitcore, unitfront", "assert unitcore.X == 1 or unitfront.X == 1, 'planted'")
    good, bad = two("unitcore", "unitfront")
    asked = world(good=good, bad=bad, packages=unit("unitcore", "unitfront"), code=0)
    assert asked.sets == [[["unitcore", "unitfront"]]]
    assert "as one unit that nothing that was tried separates" in asked.headline
    assert "unitfront 2.0 requires unitcore==2.0" in asked.headline


def test_a_unit_is_told_apart_against_its_requirements_and_that_is_said(world):
    job("import splitcore, splitfront", "assert splitcore.X == 1, 'planted'")
    good, bad = two("splitcore", "splitfront")
    asked = world(good=good, bad=bad, packages=unit("splitcore", "splitfront"), code=0)
    assert asked.sets == [[["splitcore"]]]
    assert asked.headline.startswith(
        f"splitcore 1.0 -> 2.0 did it, alone; the {COUNT + 1} other changed packages are innocent"
    )
    assert "This is shown by mixtures that were installed against what packages require: " in asked.headline
    assert any(step["forced"] for step in asked.blame["steps"])


def test_a_unit_is_told_apart_by_a_release_between_both_lists(world):
    """As transformers and tokenizers: a release between both lists goes with the other package of the newer list."""
    job("import betweencore, betweenfront", "assert betweenfront.X != 2, 'planted'")
    front = {
        "1.0": ("X = 1\n", ("betweencore<2",)),
        "1.5": ("X = 1\n", ("betweencore>=2",)),
        "2.0": ("X = 2\n", ("betweencore>=2",)),
    }
    good, bad = two("betweencore", "betweenfront")
    packages = {"betweencore": PLAIN, "betweenfront": front}
    asked = world("--no-cause", good=good, bad=bad, packages=packages, code=0, count=2)
    assert asked.sets == [[["betweenfront"]]]
    assert asked.headline == (
        "betweenfront 1.0 -> 2.0 did it; the 3 other changed packages are innocent; its first bad release is 2.0, with "
        "betweencore 2.0 on both sides of it."
    )
    (core,) = [one for one in asked.blame["changes"] if one["name"] == "betweencore"]
    assert core["ways"] == ["same-at-boundary"]
    assert not any(step["forced"] for step in asked.blame["steps"])


def test_a_unit_is_told_apart_by_a_release_of_the_other_package(world):
    """A release between both lists goes with either version of the package that did it."""
    job("import spanfront, spancore", "assert spanfront.X != 2, 'planted'")
    front = {"1.0": ("X = 1\n", ("spancore<2",)), "2.0": ("X = 2\n", ("spancore>1",))}
    core = {"1.0": "X = 1\n", "1.5": "X = 1\n", "2.0": "X = 2\n"}
    good, bad = two("spancore", "spanfront")
    asked = world(
        "--no-cause", good=good, bad=bad, packages={"spancore": core, "spanfront": front}, code=0, count=2
    )
    assert asked.sets == [[["spanfront"]]]
    assert not any(step["forced"] for step in asked.blame["steps"])


def test_a_failure_of_another_kind_is_no_evidence(world):
    """A culprit without what it needs fails too, but otherwise, and no metadata tell that it needs anything."""
    job("import other, needed", "other.run(needed.X)")
    code = (
        "def run(x):\n    if x == 1: raise TypeError('planted: x is old')\n    raise ValueError('planted')\n"
    )
    packages = {"other": {"1.0": "def run(x): return x\n", "2.0": code}, "needed": PLAIN}
    good, bad = two("other", "needed")
    asked = world(good=good, bad=bad, packages=packages, code=0)
    assert asked.sets == [[["other"]]]
    assert asked.standing("tied") == ["needed"]
    assert (
        "other 1.0 -> 2.0 did it (with needed 1.0 -> 2.0, without which no mixture shows it)"
        in asked.headline
    )
    assert "whether needed adds to the failure is not known" in asked.headline


def test_added_and_removed_packages_are_changes(world):
    job(
        "import importlib.util as u",
        "assert not (u.find_spec('added') and not u.find_spec('removed')), 'planted'",
    )
    packages = {"added": {"1.0": ""}, "removed": {"1.0": ""}}
    asked = world(good={"removed": "1.0"}, bad={"added": "1.0"}, packages=packages, code=0)
    assert asked.sets == [[["added"], ["removed"]]]
    assert "added 1.0 (added) and removed 1.0 (removed) did it together" in asked.headline


def test_a_downgrade_and_a_release_that_vanished(world):
    job("import downward", "assert downward.X == 3, 'planted'")
    history = {f"{major}.0": f"X = {max(2, major)}\n" for major in (1, 2, 3)}
    good, bad = {"downward": "3.0", "vanished": "1.5"}, {"downward": "1.0", "vanished": "2.0"}
    packages = {"downward": history, "vanished": PLAIN}
    asked = world(good=good, bad=bad, packages=packages, code=0)
    assert asked.sets == [[["downward"]]]
    assert "downward 2.0 is bad, and the next release, 3.0, is good" in asked.headline
    (stood_in,) = asked.blame["good"]["stood_in"]
    assert (stood_in["name"], stood_in["version"], stood_in["stand_in"]) == ("vanished", "1.5", "1.0")
    assert "vanished 1.0 stands in for 1.5" in asked.done.stdout


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


def two_pythons(package):
    """Write two environments that differ in Python, in a package and in some that do nothing."""
    for side, python, version in (("good", "3.10", "1.0"), ("bad", "3.12", "2.0")):
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


def test_python_and_a_package_together(world):
    if len({one.minor for one in installed()} & {"3.10", "3.12"}) < 2:
        pytest.skip("needs Python 3.10 and 3.12")
    job("import sys, pyboth", "assert sys.version_info < (3, 12) or pyboth.X == 1, 'planted'")
    two_pythons("pyboth")
    asked = world("--good", "good.yml", "--bad", "bad.yml", packages={"pyboth": PLAIN}, code=0)
    assert asked.blame["python"]["role"] == "together"
    assert asked.sets == [[["pyboth"]]]
    assert "together with Python 3.10" in asked.headline


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
