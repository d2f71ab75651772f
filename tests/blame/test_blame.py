"""Two environments with many changes: the culprits are named exactly, and no innocent is."""

from __future__ import annotations

import os
from pathlib import Path

from git_histories import Repository
from worlds import COUNT, PLAIN, job, read


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


def test_a_triple_judged_by_a_metric(world, harness):
    """Mixtures are compared with the good environment."""
    job("import tria, trib, tric", "print(f'accuracy={int(tria.X + trib.X + tric.X < 6)}')")
    good, bad = two("tria", "trib", "tric")
    packages = dict.fromkeys(("tria", "trib", "tric"), PLAIN)
    asked = world("--metric", "accuracy", "--no-cause", good=good, bad=bad, packages=packages, code=0)
    assert asked.sets == [[["tria"], ["trib"], ["tric"]]]
    assert len(asked.standing("innocent")) == COUNT
    judged_again_it_is_the_same(asked, harness)


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


def test_what_nothing_separates_is_one_unit(world, harness):
    job("import unitcore, unitfront", "assert unitcore.X == 1 or unitfront.X == 1, 'planted'")
    good, bad = two("unitcore", "unitfront")
    asked = world(good=good, bad=bad, packages=unit("unitcore", "unitfront"), code=0)
    assert asked.sets == [[["unitcore", "unitfront"]]]
    assert "as one unit that nothing that was tried separates" in asked.headline
    assert "unitfront 2.0 requires unitcore==2.0" in asked.headline
    judged_again_it_is_the_same(asked, harness)


def test_a_unit_is_told_apart_against_its_requirements_and_that_is_said(world, harness):
    job("import splitcore, splitfront", "assert splitcore.X == 1, 'planted'")
    good, bad = two("splitcore", "splitfront")
    asked = world(good=good, bad=bad, packages=unit("splitcore", "splitfront"), code=0)
    assert asked.sets == [[["splitcore"]]]
    assert asked.headline.startswith(
        f"splitcore 1.0 -> 2.0 did it, alone; the {COUNT + 1} other changed packages are innocent"
    )
    assert "This is shown by mixtures that were installed against what packages require: " in asked.headline
    assert any(step["forced"] for step in asked.blame["steps"])
    judged_again_it_is_the_same(asked, harness)


def test_a_unit_is_told_apart_by_a_release_between_both_lists(world, harness):
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
    judged_again_it_is_the_same(asked, harness)


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


def test_a_failure_of_another_kind_is_no_evidence(world, harness):
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
    judged_again_it_is_the_same(asked, harness)


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


def test_a_culprit_is_opened_to_its_commit(world, tmp_path):
    job("import opened", "assert opened.scale() == 2, 'planted'")
    good = "def scale():\n    return 2\n"
    bad = good.replace("2", "3")
    repository = Repository(tmp_path / "repository")
    repository.commit("Begin", {"opened/__init__.py": good})
    repository.tag("v1.0")
    repository.commit("Words", {"README": "more"})
    wanted = repository.commit("Scale by three (#7)", {"opened/__init__.py": bad})
    repository.commit("A comment", {"opened/__init__.py": bad + "# more\n"})
    repository.tag("v1.1")
    asked = world(
        f"--commits={repository.folder}",
        good={"opened": "1.0"},
        bad={"opened": "1.1"},
        packages={"opened": {"1.0": good, "1.1": bad + "# more\n"}},
        code=0,
    )
    (inside,) = asked.blame["inside"]
    assert inside["commits"]["culprit"]["commit"] == wanted
    assert "Scale by three (#7), does it (confirmed)" in asked.done.stdout
    for name in ("summary.md", "issue.md", "index.html"):
        text = (Path("reports/latest") / name).read_text(encoding="utf-8")
        assert wanted[:10] in text, name
        assert "+    return 3" in text, name
    assert "--commits" in asked.report["command"]
