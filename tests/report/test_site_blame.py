"""A question about two environments on the site and in its feed: who did it, and between which environments."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from harness.report.blamed import BlameResult, ChangeResult, CulpritSetResult, EnvironmentResult, Standing
from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report
from harness.search.culprits import Conclusion
from harness.site.publish import publish


def stored(folder, run, bad, changes):
    sides = [EnvironmentResult(given, "pip freeze", "a" * 64, 2) for given in ("old.txt", bad)]
    blame = BlameResult(
        Conclusion.FOUND, *sides, changes, sets=[CulpritSetResult([[place] for place in range(len(changes))])]
    )
    moves = [{"name": one.name, "before": one.before, "after": one.after} for one in changes]
    boundary = BoundaryResult("regressed", "verdict", "good", "bad", confirmed=True, moves=moves)
    rows = [ReleaseResult(side, None, side, "planted") for side in ("good", "bad")]
    arm = ArmResult("job", {}, "regressed", f"{run} did it.", [boundary], rows)
    report = Report(
        run, "repro", "", "environment", "2026-11-25T10:00:00+00:00", "", {}, {}, [arm], blame=blame
    )
    (folder / run).mkdir(parents=True)
    (folder / run / "report.json").write_text(json.dumps(report.to_dict()), encoding="utf-8")
    (folder / run / "index.html").write_text("", encoding="utf-8")


def test_culprits_are_named_and_two_questions_about_one_job_are_two(tmp_path):
    def change(name):
        return ChangeResult(name, "1.0", "2.0", Standing.CULPRIT)

    stored(tmp_path / "reports", "first", "new.txt", [change("alpha")])
    stored(tmp_path / "reports", "second", "newer.txt", [change("beta"), change("gamma")])
    done = publish(tmp_path / "reports", tmp_path / "site", title="T", url="")
    assert (done.runs, done.boundaries, done.faults) == (2, 2, [])
    feed = ET.parse(tmp_path / "site" / "feed.xml").getroot()
    titles = [node.text for node in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert sorted(titles[1:]) == [
        "alpha 1.0 -> 2.0 broke job in repro",
        "beta 1.0 -> 2.0 and gamma 1.0 -> 2.0 together broke job in repro",
    ]
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "newer.txt after old.txt" in page
