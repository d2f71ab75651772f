"""From Python: a question is answered with progress, and every kind of run is loaded as frames."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import harness
from harness import Axis, Ends, Holds, Job, Place, Plan, Question, Subject
from harness.errors import UsageError
from harness.report.attribution import CauseResult
from harness.report.blamed import ChangeResult
from harness.report.model import BoundaryResult, Report

RANGE = (Axis(first="1.0", last="2.1"),)


class Progress:
    """Keeps all that it is told."""

    def __init__(self):
        self.notes, self.counts, self.begun, self.ended = [], [], [], []

    def expected(self, count):
        self.counts.append(count)

    def started(self, arm, version, repeat):
        self.begun.append((arm, version, repeat))

    def finished(self, arm, version, repeat, finding):
        self.ended.append((arm, version, repeat))

    def note(self, text):
        self.notes.append(text)


def names(kind):
    return {one.name for one in fields(kind)}


def test_a_question_gives_a_report_and_progress_is_told(toy):
    progress = Progress()
    asked = Question(subject=Subject(scenario="toy"), axes=RANGE, plan=Plan(search="sweep"))
    report = harness.bisect(asked, place=Place(out="answers"), progress=progress, state=toy / "own")
    assert isinstance(report, Report)
    (arm,) = report.arms
    assert (arm.conclusion, arm.boundaries[0].before, arm.boundaries[0].after) == (
        "untestable-gap",
        "1.1",
        "2.0",
    )
    assert {version for _, version, _ in progress.ended} >= {"1.0", "1.1", "2.0", "2.1"}
    assert set(progress.ended) == set(progress.begun)
    assert any("releases of toy" in note for note in progress.notes)
    assert max(progress.counts) > 1
    assert list((toy / "own" / "probes").glob("*/*/probe.json"))
    loaded = harness.load_run("answers/latest", state=toy / "own")
    assert loaded.report == report
    assert set(loaded.boundaries.columns) == {"arm", "package"} | names(BoundaryResult) - {"axis"}
    assert set(loaded.causes.columns) == {"package", "held", "held_version"} | names(CauseResult)
    assert loaded.boundaries["package"].unique().tolist() == ["toy"]
    assert len(loaded.changes) == 0
    assert {"good", "bad", "skip"} == set(loaded.releases["verdict"])
    assert loaded.traces.query("release == '2.0'")["loss"].isna().any()


def test_remedies_stand_in_a_frame(toy):
    path = toy / "scenarios" / "toy" / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n[fixes.gentle]\nset = { scale = 0.5 }\n", encoding="utf-8")
    asked = Question(
        subject=Subject(scenario="toy"),
        axes=(Axis(package="toy", first="1.1", last="2.0"),),
        holds=Holds(device="cpu"),
        job=Job(settings=(("steps", 4),)),
        plan=Plan(remedies=True, cause=False),
    )
    harness.bisect(asked)
    remedies = harness.load_run("reports/latest").remedies
    assert remedies[
        ["package", "held", "arm", "remedy", "release"]
    ].drop_duplicates().to_numpy().tolist() == [
        ["toy", "", "plain", "gentle", "1.1"],
        ["toy", "", "plain", "gentle", "2.0"],
    ]
    assert remedies.set_index("release").loc["2.0", "baseline"] == "bad"


def test_a_question_about_two_environments(toy):
    Path("good.txt").write_text("toy==1.1\nhelper==1.0\n", encoding="utf-8")
    Path("bad.txt").write_text("toy==2.0\nhelper==2.0\n", encoding="utf-8")
    asked = Question(subject=Subject(scenario="toy"), ends=Ends(good="good.txt", bad="bad.txt"))
    report = harness.bisect(asked)
    assert report.blame is not None
    loaded = harness.load_run("reports/latest")
    assert set(loaded.changes.columns) == names(ChangeResult)
    assert loaded.changes.set_index("name")["standing"].to_dict() == {"helper": "innocent", "toy": "culprit"}
    assert loaded.boundaries[["before", "after", "kind"]].to_numpy().tolist() == [
        ["good", "bad", "regressed"]
    ]
    assert loaded.releases["version"].tolist() == ["good", "bad"]
    inside = Path("reports/latest") / report.blame.inside[0].run
    assert harness.load_run(inside).boundaries["package"].unique().tolist() == ["toy"]


def test_more_than_two_packages_are_refused(toy):
    axes = tuple(Axis(package=name) for name in ("toy", "helper", "third"))
    with pytest.raises(
        UsageError, match=r"3 packages \(toy, helper, third\): two at most can be varied together"
    ):
        harness.bisect(Question(subject=Subject(scenario="toy"), axes=axes))


def test_what_is_not_there_is_told(toy):
    with pytest.raises(UsageError, match="no scenario 'tow'"):
        harness.bisect(Question(subject=Subject(scenario="tow")))
