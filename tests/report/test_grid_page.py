"""The page of two packages in a real browser, with a grid as large as PEFT's and transformers' and hostile texts."""

from __future__ import annotations

import pytest
from browser import PHONE, violations
from test_report_hostile import EVIL

from harness.cli import main
from harness.files import to_json, write_atomic
from harness.report import ArmResult, BoundaryResult, ReleaseResult, Report, write_report
from harness.report.axes import AxisChange, AxisResult, GridResult, PartResult, Point, pair_name
from harness.runs.stored import load_report

PEFT = [f"0.{minor}.{patch}" for minor in range(3, 14) for patch in range(3)]
TRANSFORMERS = [f"4.{minor}.{patch}" for minor in range(30, 48) for patch in range(3)]
PLACE, HELD = 20, 40


AXES = [AxisResult("peft", PEFT), AxisResult("transformers", TRANSFORMERS)]


def name(peft, transformers):
    return pair_name(AXES, (peft, transformers))


def row(peft, transformers, verdict, reason):
    point = Point("peft", peft, "transformers", transformers)
    return ReleaseResult(name(peft, transformers), None, verdict, reason, point=point)


def arm(arm_name, reason, *, pair=True):
    """A row and a column were searched; where they cross is the pair."""
    line = [
        row(one, TRANSFORMERS[HELD], "bad" if place <= PLACE else "good", reason)
        for place, one in enumerate(PEFT)
    ]
    column = [
        row(PEFT[PLACE], one, ("good", "bad")[place >= HELD], reason)
        for place, one in enumerate(TRANSFORMERS)
        if place != HELD
    ]
    column[3] = row(PEFT[PLACE], TRANSFORMERS[3], "skip", f"cannot be resolved: {reason}")
    boundaries = [
        BoundaryResult(
            "fixed",
            "verdict",
            *(name(one, TRANSFORMERS[HELD]) for one in PEFT[PLACE : PLACE + 2]),
            confirmed=True,
            axis=AxisChange("peft", *PEFT[PLACE : PLACE + 2], "transformers", TRANSFORMERS[HELD]),
        ),
        BoundaryResult(
            "regressed",
            "verdict",
            *(name(PEFT[PLACE], one) for one in TRANSFORMERS[HELD - 1 : HELD + 1]),
            moves=[{"name": "tokenizers", "before": "0.20.3", "after": "0.21.0"}],
            axis=AxisChange("transformers", *TRANSFORMERS[HELD - 1 : HELD + 1], "peft", PEFT[PLACE]),
        ),
    ]
    return ArmResult(
        name=arm_name,
        parameters={},
        conclusion="regressed" if pair else "always-good",
        answer=f"The answer depends on both: {reason}",
        boundaries=boundaries if pair else [],
        releases=[*line, *column] if pair else line[-1:],
        notes=[reason],
        grid=GridResult(
            "both" if pair else "alike",
            None,
            {"peft": PEFT[PLACE], "transformers": TRANSFORMERS[HELD]} if pair else {},
            [None] * 4,
        ),
    )


def report(reason="the loss is 4.3023"):
    return Report(
        run="20261125T000000Z-t5",
        scenario="t5",
        description=reason,
        package="peft and transformers",
        started="2026-11-25T00:00:00+00:00",
        command="python -m harness bisect t5",
        host={"device": "cpu", "cpu": reason},
        environment={"policy": "fixed"},
        arms=[arm("check", reason), arm("calm", reason, pair=False)],
        axes=AXES,
        parts=[
            PartResult(
                *("peft", PEFT[0], PEFT[-1], "transformers", TRANSFORMERS[HELD], "runs/one"),
                {"check": ["fixed", reason]},
            ),
            PartResult(
                *("transformers", TRANSFORMERS[0], TRANSFORMERS[-1], "peft", PEFT[PLACE], "runs/two"),
                {"check": ["regressed", reason]},
            ),
        ],
        warnings=[reason],
        script=reason,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pair")
    write_report(made, report(), {})
    return made


def test_the_sentence_is_on_top_and_the_pair_is_marked(folder, visit):
    page = visit(folder)
    assert page.title().startswith("The answer depends on both")
    assert page.locator("h1").bounding_box()["y"] < 200
    (pair,) = page.locator(".place-cell.pair").all()
    assert (
        pair.get_attribute("title")
        == f"peft {PEFT[PLACE]} with transformers {TRANSFORMERS[HELD]}: bad, the loss is 4.3023"
    )
    assert page.locator(".place-cell.side").count() == 2
    assert page.locator(".grid-of").first.locator(".place-cell").count() == len(PEFT) * len(TRANSFORMERS)
    folded = page.locator(".grid-of").last.locator("tbody tr")
    assert [row.locator("th").inner_text() for row in folded.all()] == [
        "4.30.0 to 4.43.0",
        "4.43.1",
        "4.43.2 to 4.47.2",
    ]
    link = pair.locator("a").get_attribute("href")
    assert link == f"runs/two/index.html#probe-check-{TRANSFORMERS[HELD]}"


def test_the_issue_is_shown_and_both_packages_are_in_it(folder, visit):
    page = visit(folder)
    page.click("#show-issue")
    text = page.locator("#issue-text").input_value()
    assert text == (folder / "issue.md").read_text(encoding="utf-8")
    assert (
        f"| transformers `{TRANSFORMERS[HELD]}` | peft `{PEFT[PLACE + 1]}` | peft `{PEFT[PLACE]}` | yes |"
        in text
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, PHONE])
def test_it_is_accessible_and_no_wider_than_the_screen(folder, visit, scheme, size):
    page = visit(folder, viewport=size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_hostile_texts_do_nothing(tmp_path, visit):
    write_report(tmp_path, report(EVIL), {})
    page = visit(tmp_path)
    assert page.evaluate("window.hacked") is None
    assert "<script>window" not in (tmp_path / "issue.md").read_text(encoding="utf-8").split("```python")[0]


def test_what_is_stored_is_read_again(folder):
    assert load_report(folder).to_dict() == report().to_dict()


def test_every_change_leads_to_the_run_that_found_it(folder, visit):
    page = visit(folder)
    links = [link.get_attribute("href") for link in page.locator("#changes article p > a").all()]
    assert links == [
        f"runs/two/index.html#at-{TRANSFORMERS[HELD - 1]}-{TRANSFORMERS[HELD]}",
        f"runs/one/index.html#at-{PEFT[PLACE]}-{PEFT[PLACE + 1]}",
    ]
    text = page.locator("#changes").inner_text()
    assert f"peft {PEFT[PLACE]} → {PEFT[PLACE + 1]} with transformers {TRANSFORMERS[HELD]}" in text
    assert "Besides transformers, the two locks differ in tokenizers 0.20.3 → 0.21.0" in text


def test_what_an_older_harness_wrote_of_two_packages_is_drawn_and_published(tmp_path, monkeypatch, capsys):
    """A pair.json becomes an ordinary report; its sentence is made from its facts as they are now."""
    folder = tmp_path / "reports" / "old"
    write_atomic(folder / "pair.json", to_json(OLD))
    monkeypatch.chdir(tmp_path)
    assert main(["report", "old"]) == 0
    assert OLD["arms"][0]["answer"] in capsys.readouterr().out
    found = load_report(folder)
    assert [axis.package for axis in found.axes] == ["left", "right"]
    assert [one.axis.package for one in found.arms[0].boundaries] == ["left", "right"]
    assert {path.name for path in folder.iterdir()} >= {"pair.json", "report.json", "junit.xml", "index.html"}
    assert main(["publish", "--to", "site"]) == 0
    assert OLD["arms"][0]["answer"] in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


OLD = {
    "schema": 1,
    "run": "old",
    "scenario": "both",
    "description": "Two toy packages",
    "packages": [
        {"package": "left", "versions": ["1.0", "2.0"]},
        {"package": "right", "versions": ["1.0", "2.0"]},
    ],
    "started": "2026-10-01T00:00:00+00:00",
    "command": "python -m harness bisect both",
    "arms": [
        {
            "name": "plain",
            "parameters": {},
            "conclusion": "regressed",
            "depends": "both",
            "decides": None,
            "answer": (
                "The answer depends on both: left 2.0 with right 2.0 is bad; left 1.0 with right 2.0 is good; "
                "left 2.0 with right 1.0 is good; each confirmed. Only both newer releases together make it bad."
            ),
            "pair": {"left": "2.0", "right": "2.0"},
            "changes": [
                {
                    "package": "left",
                    "before": "1.0",
                    "after": "2.0",
                    "held": "right",
                    "version": "2.0",
                    "kind": "regressed",
                    "skipped": [],
                    "confirmed": True,
                    "moves": [],
                    "commands": [],
                },
                {
                    "package": "right",
                    "before": "1.0",
                    "after": "2.0",
                    "held": "left",
                    "version": "2.0",
                    "kind": "regressed",
                    "skipped": [],
                    "confirmed": True,
                    "moves": [],
                    "commands": [],
                },
            ],
            "corners": [["1.0", "1.0"], ["2.0", "1.0"], ["1.0", "2.0"], ["2.0", "2.0"]],
            "cells": [
                {"versions": ["1.0", "1.0"], "verdict": "good", "reason": "5 finite steps"},
                {"versions": ["1.0", "2.0"], "verdict": "good", "reason": "5 finite steps"},
                {"versions": ["2.0", "1.0"], "verdict": "good", "reason": "5 finite steps"},
                {"versions": ["2.0", "2.0"], "verdict": "bad", "reason": "the loss is NaN"},
            ],
            "notes": [],
        }
    ],
    "parts": [],
    "warnings": [],
    "harness": "0.1.0",
    "script": "",
}
