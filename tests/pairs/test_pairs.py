"""Two packages at once, end to end on a toy index: which of them decides, which pair, and what cannot be told."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from toyindex import DAYS, ToyIndex, wheel
from toypairs import BOTH, PAIR, REPAIRED, SCRIPT, plant_pair, stored

import harness as harness_package
from harness import Axis, Question, Subject


def changes(arm):
    """Return the boundaries; their sides are rows of the arm, and all are confirmed."""
    versions = [row["version"] for row in arm["releases"]]
    for one in arm["boundaries"]:
        assert one["confirmed"]
        assert {one["before"], one["after"]} <= set(versions)
    along = [(one["axis"], one["kind"]) for one in arm["boundaries"]]
    return [
        (axis["package"], axis["before"], axis["after"], kind, axis["held_version"]) for axis, kind in along
    ]


def test_both_are_needed(answered, harness):
    done, arm = answered(*BOTH)
    assert done.returncode == 0, done.stderr
    assert (arm["conclusion"], arm["grid"]["depends"]) == ("regressed", "both"), arm
    assert arm["grid"]["pair"] == {"left": "3.0", "right": "2.0"}
    assert changes(arm) == [
        ("left", "2.0", "3.0", "regressed", "2.0"),
        ("right", "1.0", "2.0", "regressed", "3.0"),
    ]
    assert arm["answer"] == (
        "The answer depends on both: left 3.0 with right 2.0 is bad; left 2.0 with right 2.0 is good; "
        "left 3.0 with right 1.0 is good; each confirmed. Only both newer releases together make it bad."
    )
    assert arm["answer"] in done.stdout
    commands = {row["version"]: row["command"] for row in arm["releases"]}
    assert "--release left==3.0,right==2.0 " in commands["left 3.0 with right 2.0"]
    _check_files(arm)


def _check_files(arm):
    """Every link of the page leads to a file and a place in it; the issue names both packages and the script."""
    folder = Path("reports/latest")
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert arm["answer"] in page
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    reports = [link for link in links if link.startswith("runs/")]
    assert reports
    for link in reports:
        path, _, place = link.partition("#")
        target = (folder / path).read_text(encoding="utf-8")
        assert not place or f'id="{place}"' in target, link
    assert "http" not in page.split("<main>")[1].split("<script")[0]
    issue = (folder / "issue.md").read_text(encoding="utf-8")
    assert "left `1.0` to `4.0` and right `1.0` to `3.0`" in issue
    assert f"```python\n{SCRIPT}```" in issue
    assert "| right `2.0` | left `2.0` | left `3.0` | yes |" in issue
    assert "- left `2.0` → `3.0` moves nothing else, to the hash" in issue
    assert "| right `2.0` | left `2.0` | left `3.0` | yes |" in (folder / "summary.md").read_text(
        encoding="utf-8"
    )


def test_a_newer_release_repairs_what_the_other_one_broke(ask):
    """In a scenario, whose own file names both packages."""
    done, arm = ask(
        REPAIRED, "both", "--exit-code", "--search", "binary", command=(), also='also = { package = "right" }'
    )
    assert done.returncode == 1, done.stderr
    assert arm["grid"]["pair"] == {"left": "2.0", "right": "3.0"}
    assert arm["answer"] == (
        "The answer depends on both: right 3.0 with left 2.0 is bad; right 2.0 with left 2.0 is good; "
        "right 3.0 with left 3.0 is good; each confirmed. left 3.0 repairs it."
    )


def test_the_answer_has_every_file_that_one_package_has(answered, harness):
    """JUnit, badges, the site's feed: whatever is made of one package is made of two."""
    done, arm = answered("both", command=(), also='also = { package = "right" }')
    assert done.returncode == 0, done.stderr
    folder = Path("reports/latest")
    suite = ET.parse(folder / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("message") == arm["answer"]
    assert "left 2.0 with right 2.0 is good, left 3.0 with right 2.0 is bad (confirmed)." in failure.text
    badge = json.loads((folder / "badges" / "plain.json").read_text(encoding="utf-8"))
    assert (badge["label"], badge["message"], badge["color"]) == (
        "left and right plain",
        "left 3.0 with right 2.0 is bad",
        "red",
    )
    assert harness("publish", "--to", "site").returncode == 0
    feed = Path("site/feed.xml").read_text(encoding="utf-8")
    assert "left 3.0 breaks plain in both, with right 2.0" in feed
    assert "right 2.0 breaks plain in both, with left 3.0" in feed
    (published,) = Path("site/badges").iterdir()
    assert json.loads(published.read_text(encoding="utf-8")) == badge
    done = harness("accept", "latest")
    assert done.returncode == 2
    assert "a baseline is a release of one package" in done.stderr


def test_the_pairs_are_judged_again_from_what_is_stored(answered, harness):
    """By the run's oracle the answer is as it was; by another one it is that one's. Nothing is executed."""
    _, arm = answered("both", command=(), also='also = { package = "right" }')
    probes = set(Path("home/probes").glob("*/*"))
    assert probes
    done = harness("judge", "--oracle", "run")
    assert done.returncode == 0, done.stderr
    assert stored()["arms"][0] == arm
    path = Path("scenarios/both/scenario.toml")
    bound = 'kind = "metric"\nsignal = "loss"\nexpect = "<0.5"'
    path.write_text(path.read_text(encoding="utf-8").replace('kind = "training"', bound), encoding="utf-8")
    done = harness("judge")
    assert done.returncode == 0, done.stderr
    assert "judged by the scenario's present oracle" in done.stderr
    again = stored()
    assert again["oracle"]["kind"] == "metric"
    assert again["arms"][0]["grid"] == arm["grid"]
    assert set(Path("home/probes").glob("*/*")) == probes


def test_frames_have_every_pair_and_every_boundary(answered):
    answered("both", command=(), also='also = { package = "right" }')
    run = harness_package.load_run("reports/latest", state="home")
    pairs = run.releases.set_index("version")
    assert pairs.loc["left 3.0 with right 2.0", ["release.left", "release.right", "verdict"]].tolist() == [
        "3.0",
        "2.0",
        "bad",
    ]
    assert run.boundaries[
        ["package", "kind", "axis.before", "axis.after", "axis.held_version"]
    ].to_numpy().tolist() == [
        ["left", "regressed", "2.0", "3.0", "2.0"],
        ["right", "regressed", "1.0", "2.0", "3.0"],
    ]
    assert {"moves", "devices", "direct", "dependencies", "agreement"} <= set(run.boundaries.columns)
    assert set(run.boundaries["before"]) | set(run.boundaries["after"]) <= set(pairs.index)
    bad = run.traces[run.traces["release"] == "left 3.0 with right 2.0"]
    assert bad["loss"].isna().any()
    assert (
        list(run.causes.columns[:3]) == list(run.remedies.columns[:3]) == ["package", "held", "held_version"]
    )


def test_the_locks_of_an_earlier_answer_repeat_it(answered, tmp_path, monkeypatch, harness):
    """A newer release of a dependency is not taken; a part that the earlier run did not ask has no locks."""
    _, arm = answered(*BOTH)
    first = Path("reports/latest").resolve()
    probes = set(Path("home/probes").glob("*/*"))
    with ToyIndex() as index:
        plant_pair(index, PAIR)
        index.add("judge", wheel("judge", "2.0", "raise ImportError", uploaded=DAYS[0]))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        command = ("--", "python", "repro.py")
        done = harness("bisect", *BOTH, "--locks", str(first), *command)
        assert done.returncode == 0, done.stderr
        again = stored()["arms"][0]
        assert (again["answer"], again["grid"]) == (arm["answer"], arm["grid"])
        assert {row["lock"] for row in again["releases"]} == {row["lock"] for row in arm["releases"]}
        assert set(Path("home/probes").glob("*/*")) == probes
        done = harness("bisect", *BOTH, "--to", "2.0", "--locks", str(first), *command)
    assert done.returncode == 2
    assert f"--locks {first}: that run has no locks of " in done.stderr


def test_what_is_assumed_of_a_release_or_of_a_pair_is_not_executed(ask):
    """left 4.0 hangs: assumed to be as bad as 3.0, with right 2.0 and 3.0; with right 1.0 the assumption is another."""
    words = ("--assume", "left==4.0=bad", "--assume", "left==4.0,right==1.0=good")
    done, arm = ask(["gggh", "ggbh", "ggbh"], *BOTH, *words)
    assert done.returncode == 0, done.stderr
    assert arm["grid"]["pair"] == {"left": "3.0", "right": "2.0"}
    rows = {row["version"]: row for row in arm["releases"]}
    assert rows["left 4.0 with right 3.0"]["verdict"] == "bad"
    assert rows["left 4.0 with right 3.0"]["reason"] == "assumed, not executed"
    assert rows["left 4.0 with right 1.0"]["verdict"] == "good"


def test_a_release_that_is_left_out_is_no_part_of_its_packages_range(ask):
    """With it, positions of one package were taken for those of another range."""
    done, arm = ask(PAIR, *BOTH, "--leave-out", "left==1.0", "--leave-out", "right==1.0")
    assert done.returncode == 0, done.stderr
    assert [axis["versions"] for axis in stored()["axes"]] == [["2.0", "3.0", "4.0"], ["2.0", "3.0"]]
    assert arm["grid"]["decides"] == "left"
    assert [one[1:3] for one in changes(arm)] == [("2.0", "3.0")] * 2


def test_from_python_two_axes_give_an_ordinary_report(ask, monkeypatch):
    ask(PAIR, "--package", "left", "--package", "left")  # writes the scenario and the script alone
    with ToyIndex() as index:
        plant_pair(index, PAIR)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        report = harness_package.bisect(
            Question(
                subject=Subject(command=("python", "repro.py")),
                axes=(Axis(package="left"), Axis(package="right", last="2.0")),
            )
        )
    assert [axis.package for axis in report.axes] == ["left", "right"]
    (arm,) = report.arms
    assert arm.grid.pair == {"left": "3.0", "right": "2.0"}


def test_without_a_bound_all_pairs_are_compared_with_the_oldest_one(ask, harness):
    """Along the newest row all are as bad as its own oldest pair: a reference of each row would see nothing."""
    script = 'import judge\nprint(f"loss={judge.loss(3)!r}")\n'
    Path("repro.py").write_text(script, encoding="utf-8")
    done, arm = ask(["ggg", "www"], *BOTH, "--metric", "loss")
    assert done.returncode == 0, done.stderr
    assert (arm["conclusion"], arm["grid"]["decides"]) == ("changed", "right")
    assert arm["answer"] == (
        "right decides alone: right 2.0 changed the job (last as the reference 1.0), confirmed; "
        "so with left 1.0 and with left 3.0."
    )
    part = stored()["parts"][0]["folder"]
    path = Path("reports/latest") / part / "report.json"
    (of_part,) = json.loads(path.read_text(encoding="utf-8"))["arms"]
    assert of_part["calibration"]["reference"] == "left 1.0 with right 1.0"
    assert harness("judge", str(path.parent)).returncode == 0
    (again,) = json.loads(path.read_text(encoding="utf-8"))["arms"]
    assert again["boundaries"] == of_part["boundaries"]


def test_every_arm_has_its_own_answer(ask):
    done, _ = ask(
        PAIR, "both", "--arm", "plain", "--arm", "calm", command=(), also='also = { package = "right" }'
    )
    assert done.returncode == 0, done.stderr
    report = stored()
    assert [(arm["name"], arm["conclusion"]) for arm in report["arms"]] == [
        ("plain", "regressed"),
        ("calm", "always-good"),
    ]
    assert {tuple(part["answers"]) for part in report["parts"]} == {("plain",)}


def test_a_stored_answer_is_drawn_again_and_its_runs_are_named(answered, harness):
    answered(*BOTH)
    page = Path("reports/latest/index.html")
    before = page.read_bytes()
    page.unlink()
    done = harness("report")
    assert done.returncode == 0, done.stderr
    assert "The answer depends on both" in done.stdout
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("table", "said", "found"),
    [
        (
            ["ggbb", "ggbb"],
            "left decides alone: left 3.0 broke the job (last good 2.0), confirmed; so with right 1.0 and with right 2.0.",
            [("left", "2.0", "3.0", "regressed", "1.0"), ("left", "2.0", "3.0", "regressed", "2.0")],
        ),
        (
            ["ggg", "bbb", "bbb"],
            "right decides alone: right 2.0 broke the job (last good 1.0), confirmed; so with left 1.0 and with left 3.0.",
            [("right", "1.0", "2.0", "regressed", "1.0"), ("right", "1.0", "2.0", "regressed", "3.0")],
        ),
        (
            ["ggb", "bbb"],
            (
                "Either package alone breaks the job: with right 1.0, left 3.0 broke it (last good 2.0), confirmed; "
                "with left 1.0, right 2.0 broke it (last good 1.0), confirmed; with the newest of both it is bad."
            ),
            [("left", "2.0", "3.0", "regressed", "1.0"), ("right", "1.0", "2.0", "regressed", "1.0")],
        ),
        (
            ["gbg", "ggg"],
            (
                "No change between the corners: the job is good with left 1.0 and 3.0 and with right 1.0 and 2.0, in "
                "every combination. What lies between them was not searched; a bisection of one package looks there."
            ),
            [],
        ),
        (
            ["bbb", "bgg"],
            (
                "The answer depends on both: left 2.0 with right 2.0 is good; left 1.0 with right 2.0 is bad; left 2.0 "
                "with right 1.0 is bad; each confirmed. Only both newer releases together make it good."
            ),
            [("left", "1.0", "2.0", "fixed", "2.0"), ("right", "1.0", "2.0", "fixed", "2.0")],
        ),
        (
            ["gbg", "gbg", "bbg"],
            (
                "The answer depends on both packages, and not in one direction, so no single pair that shows it was found: "
                "with right 3.0, left 3.0 repaired the job (last bad 2.0), confirmed; with left 1.0, right 3.0 broke the "
                "job (last good 2.0), confirmed."
            ),
            [("left", "2.0", "3.0", "fixed", "3.0"), ("right", "2.0", "3.0", "regressed", "1.0")],
        ),
    ],
    ids=["left", "right", "each", "alike", "only together", "no pair"],
)
def test_what_the_corners_depend_on(ask, table, said, found):
    done, arm = ask(table, *BOTH)
    assert done.returncode == 0, done.stderr
    assert arm["answer"] == said
    assert changes(arm) == found


def test_a_pair_that_no_lock_has_is_a_gap(ask):
    """The corner is moved, the pair is found, and what cannot be resolved is never a side of it."""
    done, arm = ask(["gguu", "ggbb", "ggbb"], *BOTH)
    assert done.returncode == 0, done.stderr
    assert arm["conclusion"] == "regressed"
    assert arm["grid"]["decides"] == "left"
    assert "left 4.0 with right 1.0 cannot be tested (cannot be resolved: " in arm["notes"][0]
    assert arm["notes"][0].endswith("left 4.0 with right 2.0 stands for that corner")
    names = ("left 3.0 with right 1.0", "left 4.0 with right 1.0")
    assert {row["verdict"] for row in arm["releases"] if row["version"] in names} == {"skip"}


def test_a_corner_without_anything_near_it_is_inconclusive(ask):
    done, arm = ask(["ug", "gb"], *BOTH)
    assert done.returncode == 3, done.stderr
    assert arm["grid"]["depends"] == "untestable"
    assert arm["answer"].startswith(
        "Inconclusive: left 1.0 with right 1.0 cannot be tested (cannot be resolved: "
    )


def test_ranges_belong_to_the_package_before_them(ask):
    words = ("--package", "left", "--from", "2.0", "--to", "3.0", "--package=right", "--to", "2.0")
    done, arm = ask(PAIR, *words)
    assert done.returncode == 0, done.stderr
    assert arm["grid"]["pair"] == {"left": "3.0", "right": "2.0"}
    report = stored()
    assert [one["versions"] for one in report["axes"]] == [["2.0", "3.0"], ["1.0", "2.0"]]
    part = json.loads((Path("reports/latest") / report["parts"][0]["folder"] / "report.json").read_text())
    assert part["command"] == report["command"], "a part is asked as what it is a part of"
    assert part["whole"]["held"] == "right"


def test_the_same_question_again_executes_nothing(ask, answered):
    answered(*BOTH)
    probes = set(Path("home/probes").glob("*/*"))
    ask(PAIR, *BOTH)
    assert set(Path("home/probes").glob("*/*")) == probes


def test_ctrl_c_leaves_an_answer_that_goes_on(ask, tmp_path, monkeypatch):
    """The row in which it hangs is asked after the corners: what they say stands in the report."""
    done, _ = ask(PAIR, "--package", "left", "--package", "left")  # writes the scenario and the script alone
    assert done.returncode == 2
    with ToyIndex() as index:
        plant_pair(index, ["gggg", "ggbb", "ghbb"])
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "bisect", *BOTH, "--jobs", "1", "--", "python", "repro.py"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs yet
        )
        deadline = time.monotonic() + 60
        while len(list(Path("home/probes").glob("*/0/probe.json"))) < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Inconclusive: the searches between the corners came to no end" in out
    report = stored()
    assert len(report["arms"][0]["releases"]) >= 4
    assert any("interrupted" in one for one in report["warnings"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--package", "left", "--package", "left"), "--package left is given twice"),
        ((*BOTH, "--package", "judge"), "3 packages (left, right, judge): two at most"),
        (("--from", "1.0", *BOTH), "--from 1.0 stands before any --package"),
        ((*BOTH, "--to", "1.0", "--to", "2.0"), "--to is given twice for right"),
        (("--package", "left", "--from", "1.0", "--from", "2.0"), "--from is given twice for left"),
        (
            (*BOTH, "--assume", "1.0=good"),
            "--assume 1.0=good with two packages: expected left==RELEASE=good or right==RELEASE=good",
        ),
        (
            (*BOTH, "--locks", "x"),
            "--locks x: expected the folder of an earlier run about left and right, with its locks",
        ),
        (
            (*BOTH, "--from", "3.0"),
            "the range of right holds 3.0 alone: widen it, or hold the package by --with right==3.0",
        ),
        (
            ("--package", "left", "--to", "9.0", "--package", "right"),
            "--to 9.0: the index lists no such release of left",
        ),
    ],
)
def test_a_wrong_combination_is_told_in_one_line(ask, words, said):
    done, _ = ask(PAIR, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_ends_without_a_package_where_the_scenario_has_two(ask):
    done, _ = ask(PAIR, "both", "--from", "2.0", command=(), also='also = { package = "right" }')
    assert done.returncode == 2
    assert "both varies left and right; put --package before them" in done.stderr


def test_one_package_of_two_is_varied_with_the_newest_of_the_other(ask):
    done, arm = ask(PAIR, "both", "--package", "left", command=(), also='also = { package = "right" }')
    assert done.returncode == 0, done.stderr
    assert arm["grid"] is None
    report = stored()
    assert [row["verdict"] for row in report["arms"][0]["releases"]] == ["good", "good", "bad", "bad"]
    assert report["environment"]["packages"]["right"] == "3.0"


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("1.0", "expected left==RELEASE or right==RELEASE"),
        ("left==1.0", "name both, as left==RELEASE,right==RELEASE"),
    ],
)
def test_a_probe_of_two_packages_names_a_pair(harness, tmp_path, release, said):
    (tmp_path / "repro.py").write_text("", encoding="utf-8")
    done = harness("probe", *BOTH, "--release", release, "--", "python", "repro.py", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_site_shows_pairs_with_the_runs_beneath_them(answered, harness):
    answered(*BOTH)
    for _ in range(2):
        done = harness("publish", "--to", "site")
        assert (done.returncode, done.stderr) == (0, "")
    page = Path("site/index.html").read_text(encoding="utf-8")
    assert "The answer depends on both" in page
    pages = list(Path("site").rglob("index.html"))
    assert len(pages) > 3
    for path in pages:
        for link in re.findall(r'href="([^"#:]+)["#]', path.read_text(encoding="utf-8")):
            assert (path.parent / html.unescape(link)).exists(), (path, link)
