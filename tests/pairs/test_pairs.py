"""Two packages at once, end to end on a toy index: which of them decides, which pair, and what cannot be told."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toyindex import ToyIndex
from toypairs import plant_pair

SCENARIO = """
description = "Two toy packages whose loss is planted"
package = "left"
python = ">=3.8"
timeout = 20
{also}
[arms.plain]
[arms.calm]
calm = true
default = false
[oracle]
kind = "training"
"""
JOB = """
import judge
from harness_recorder import Recorder, settings
config = settings({"calm": False, "seed": 0, "device": "cpu", "threads": 1})
with Recorder(settings=vars(config)) as recorder:
    recorder.begin()
    for step in range(1, 6):
        recorder.step(loss=1.0 / step if config.calm else judge.loss(step))
        if recorder.stopped:
            break
"""
SCRIPT = 'import judge\nassert judge.loss(3) == judge.loss(3), "the loss is NaN"\n'
BOTH = ("--package", "left", "--package", "right")
PAIR = ["gggg", "ggbb", "ggbb"]
"""Bad from left 3.0 with right 2.0 on: both are needed."""
REPAIRED = ["gggg", "gggg", "bbgg"]
"""right 3.0 breaks it, left 3.0 repairs that."""


@pytest.fixture
def ask(tmp_path, monkeypatch, harness):
    """Bisect both packages of a table; returns the process and what pair.json says of the only arm."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repro.py").write_text(SCRIPT, encoding="utf-8")

    def run(table, *words, command=("--", "python", "repro.py"), also=""):
        folder = tmp_path / "scenarios" / "both"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.toml").write_text(SCENARIO.format(also=also), encoding="utf-8")
        (folder / "job.py").write_text(JOB, encoding="utf-8")
        with ToyIndex() as index:
            plant_pair(index, table)
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
            done = harness("bisect", *words, *command)
        assert "Traceback" not in done.stderr, done.stderr
        path = Path("reports/latest/pair.json")
        return done, json.loads(path.read_text(encoding="utf-8"))["arms"][0] if path.exists() else None

    return run


def changes(arm):
    assert all(one["confirmed"] for one in arm["changes"])
    return [
        (one["package"], one["before"], one["after"], one["kind"], one["version"]) for one in arm["changes"]
    ]


def test_both_are_needed(ask, harness):
    done, arm = ask(PAIR, *BOTH)
    assert done.returncode == 0, done.stderr
    assert (arm["conclusion"], arm["depends"]) == ("regressed", "both"), arm
    assert arm["pair"] == {"left": "3.0", "right": "2.0"}
    assert changes(arm) == [
        ("left", "2.0", "3.0", "regressed", "2.0"),
        ("right", "1.0", "2.0", "regressed", "3.0"),
    ]
    assert arm["answer"] == (
        "The answer depends on both: left 3.0 with right 2.0 is bad; left 2.0 with right 2.0 is good; "
        "left 3.0 with right 1.0 is good; each confirmed. Only both newer releases together make it bad."
    )
    assert arm["answer"] in done.stdout
    again = arm["changes"][0]["commands"][1]
    assert "--with right==2.0" in again
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
    assert arm["pair"] == {"left": "2.0", "right": "3.0"}
    assert arm["answer"] == (
        "The answer depends on both: right 3.0 with left 2.0 is bad; right 2.0 with left 2.0 is good; "
        "right 3.0 with left 3.0 is good; each confirmed. left 3.0 repairs it."
    )


def test_without_a_bound_all_pairs_are_compared_with_the_oldest_one(ask, harness):
    """Along the newest row all are as bad as its own oldest pair: a reference of each row would see nothing."""
    script = 'import judge\nprint(f"loss={judge.loss(3)!r}")\n'
    Path("repro.py").write_text(script, encoding="utf-8")
    done, arm = ask(["ggg", "www"], *BOTH, "--metric", "loss")
    assert done.returncode == 0, done.stderr
    assert (arm["conclusion"], arm["decides"]) == ("regressed", "right")
    part = json.loads(Path("reports/latest/pair.json").read_text(encoding="utf-8"))["parts"][0]["folder"]
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
    report = json.loads(Path("reports/latest/pair.json").read_text(encoding="utf-8"))
    assert [(arm["name"], arm["conclusion"]) for arm in report["arms"]] == [
        ("plain", "regressed"),
        ("calm", "always-good"),
    ]
    assert {tuple(part["answers"]) for part in report["parts"]} == {("plain",)}


def test_a_stored_answer_is_drawn_again_and_its_runs_are_named(ask, harness):
    ask(PAIR, *BOTH)
    page = Path("reports/latest/index.html")
    before = page.read_bytes()
    page.unlink()
    done = harness("report")
    assert done.returncode == 0, done.stderr
    assert "The answer depends on both" in done.stdout
    assert page.read_bytes() == before
    done = harness("judge")
    assert done.returncode == 2
    (name, *_) = [path for path in done.stderr.split(": ")[-1].strip().split(", ") if path]
    assert harness("judge", name).returncode == 0


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
    assert arm["decides"] == "left"
    assert "left 4.0 with right 1.0 cannot be tested (cannot be resolved: " in arm["notes"][0]
    assert arm["notes"][0].endswith("left 4.0 with right 2.0 stands for that corner")
    assert {
        one["verdict"] for one in arm["cells"] if one["versions"] in (["3.0", "1.0"], ["4.0", "1.0"])
    } == {"skip"}


def test_a_corner_without_anything_near_it_is_inconclusive(ask):
    done, arm = ask(["ug", "gb"], *BOTH)
    assert done.returncode == 3, done.stderr
    assert arm["depends"] == "untestable"
    assert arm["answer"].startswith(
        "Inconclusive: left 1.0 with right 1.0 cannot be tested (cannot be resolved: "
    )


def test_ranges_belong_to_the_package_before_them(ask):
    words = ("--package", "left", "--from", "2.0", "--to", "3.0", "--package=right", "--to", "2.0")
    done, arm = ask(PAIR, *words)
    assert done.returncode == 0, done.stderr
    assert arm["pair"] == {"left": "3.0", "right": "2.0"}
    report = json.loads(Path("reports/latest/pair.json").read_text(encoding="utf-8"))
    assert [one["versions"] for one in report["packages"]] == [["2.0", "3.0"], ["1.0", "2.0"]]
    part = json.loads((Path("reports/latest") / report["parts"][0]["folder"] / "report.json").read_text())
    assert part["command"].endswith(
        "bisect --package left --from 2.0 --to 3.0 --with right==2.0 -- python repro.py"
    )


def test_the_same_question_again_executes_nothing(ask):
    ask(PAIR, *BOTH)
    probes = set(Path("state directory/probes").glob("*/*"))
    ask(PAIR, *BOTH)
    assert set(Path("state directory/probes").glob("*/*")) == probes


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
        while (
            len(list(Path("state directory/probes").glob("*/0/probe.json"))) < 4
            and time.monotonic() < deadline
        ):
            time.sleep(0.1)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Inconclusive: the searches between the corners came to no end" in out
    report = json.loads(Path("reports/latest/pair.json").read_text(encoding="utf-8"))
    assert len(report["arms"][0]["cells"]) >= 4
    assert any("interrupted" in one for one in report["warnings"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--package", "left", "--package", "left"), "--package left is given twice"),
        ((*BOTH, "--package", "judge"), "3 packages (left, right, judge): two at most"),
        (("--from", "1.0", *BOTH), "--from 1.0 stands before any --package"),
        ((*BOTH, "--to", "1.0", "--to", "2.0"), "--to is given twice for right"),
        (("--package", "left", "--from", "1.0", "--from", "2.0"), "--from is given twice for left"),
        ((*BOTH, "--assume", "1.0=good"), "--assume and two packages (left and right)"),
        ((*BOTH, "--locks", "x"), "--locks and two packages"),
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
    assert arm is None
    report = json.loads(Path("reports/latest/report.json").read_text(encoding="utf-8"))
    assert [row["verdict"] for row in report["arms"][0]["releases"]] == ["good", "good", "bad", "bad"]
    assert report["environment"]["packages"]["right"] == "3.0"


def test_other_commands_take_one_package(ask, harness):
    done = harness("probe", *BOTH, "--release", "1.0", "--", "python", "repro.py")
    assert done.returncode == 2
    assert "two packages are a question for `bisect`; name one of them" in done.stderr


def test_a_site_shows_pairs_with_the_runs_beneath_them(ask, harness):
    ask(PAIR, *BOTH)
    for _ in range(2):
        done = harness("publish", "--to", "site")
        assert (done.returncode, done.stderr) == (0, "")
    assert "1 of two packages" in done.stdout
    page = Path("site/index.html").read_text(encoding="utf-8")
    assert "The answer depends on both" in page
    pages = list(Path("site").rglob("index.html"))
    assert len(pages) > 3
    for path in pages:
        for link in re.findall(r'href="([^"#:]+)["#]', path.read_text(encoding="utf-8")):
            assert (path.parent / html.unescape(link)).exists(), (path, link)
