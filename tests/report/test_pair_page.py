"""The page of two packages in a real browser, with a grid as large as PEFT's and transformers' and hostile texts."""

from __future__ import annotations

import pytest
from browser import PHONE, violations
from harness.pairs.model import CellResult, PackageRange, PairArm, PairChange, PairReport, PartResult
from harness.pairs.write import load_pair, write_pair
from test_report_hostile import EVIL

PEFT = [f"0.{minor}.{patch}" for minor in range(3, 14) for patch in range(3)]
TRANSFORMERS = [f"4.{minor}.{patch}" for minor in range(30, 48) for patch in range(3)]
PLACE, HELD = 20, 40


def arm(name, reason, *, pair=True):
    """A row and a column were searched; where they cross is the pair."""
    row = [
        CellResult([one, TRANSFORMERS[HELD]], "bad" if place <= PLACE else "good", reason)
        for place, one in enumerate(PEFT)
    ]
    column = [
        CellResult([PEFT[PLACE], one], ("good", "bad")[place >= HELD], reason)
        for place, one in enumerate(TRANSFORMERS)
        if place != HELD
    ]
    column[3] = CellResult([PEFT[PLACE], TRANSFORMERS[3]], "skip", f"cannot be resolved: {reason}")
    changes = [
        PairChange(
            "peft", *PEFT[PLACE : PLACE + 2], "transformers", TRANSFORMERS[HELD], "fixed", confirmed=True
        ),
        PairChange("transformers", *TRANSFORMERS[HELD - 1 : HELD + 1], "peft", PEFT[PLACE], "regressed"),
    ]
    return PairArm(
        name=name,
        parameters={},
        conclusion="regressed" if pair else "always-good",
        depends="both" if pair else "alike",
        decides=None,
        answer=f"The answer depends on both: {reason}",
        pair={"peft": PEFT[PLACE], "transformers": TRANSFORMERS[HELD]} if pair else {},
        changes=changes if pair else [],
        corners=[None] * 4,
        cells=[*row, *column] if pair else row[-1:],
        notes=[reason],
    )


def report(reason="the loss is 4.3023"):
    return PairReport(
        run="20261125T000000Z-t5-pair",
        scenario="t5",
        description=reason,
        packages=[PackageRange("peft", PEFT), PackageRange("transformers", TRANSFORMERS)],
        started="2026-11-25T00:00:00+00:00",
        command="python -m harness bisect t5",
        arms=[arm("check", reason), arm("calm", reason, pair=False)],
        parts=[
            PartResult(
                "peft",
                PEFT[0],
                PEFT[-1],
                "transformers",
                TRANSFORMERS[HELD],
                "runs/one",
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
    write_pair(made, report())
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
    write_pair(tmp_path, report(EVIL))
    page = visit(tmp_path)
    assert page.evaluate("window.hacked") is None
    assert "<script>window" not in (tmp_path / "issue.md").read_text(encoding="utf-8").split("```python")[0]


def test_what_is_stored_is_read_again(folder):
    assert load_pair(folder).to_dict() == report().to_dict()
