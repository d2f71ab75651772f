"""Nights on which shared packages moved: the one that did it is named, tried both ways, and told once."""

from __future__ import annotations

import json
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest
from simulated import story

from harness.history.history import History

USES = "import helper, extra\ndef loss(step):\n    return helper.times * extra.times / step\n"
FINE, NAN = "times = 1.0\n", "times = float('nan')\n"


@pytest.fixture
def moving(month):
    """Return what moves pins of the scenario from night to night; `helper`, `extra` and `other` are at 1.0."""
    month.index.packages["helper"].clear()
    scenario = month.folder / "scenarios" / "toy" / "scenario.toml"
    text = scenario.read_text(encoding="utf-8")

    def pins(**versions):
        listed = ", ".join(f'"{name}=={version}"' for name, version in versions.items())
        scenario.write_text(text.replace('"helper==1.0"', listed), encoding="utf-8")

    month.pins = pins
    return month


def start(month, **codes):
    """Let the baseline be told with everything at 1.0; `codes` are those of 2.0."""
    for name in ("helper", "extra", "other"):
        month.release("1.0", f"old = True\n{FINE}", name=name)
    for name in ("helper", "extra", "other"):
        month.release("2.0", f"old = False\n{codes.get(name, FINE)}", name=name)
    month.pins(helper="1.0", extra="1.0", other="1.0")
    month.release("1.0", USES, requires=("helper", "extra", "other"))
    assert [event.kind for event in month.night(1).events] == ["baseline"]
    month.pins(helper="2.0", extra="2.0", other="2.0")


def test_the_package_that_broke_it_is_named_in_night_report_issue_and_feed_once(moving):
    start(moving, helper=NAN)
    moving.publishes()
    told = moving.night(2)
    said = (
        "dependency helper 1.0 -> 2.0 broke plain: toy 1.0, the baseline of plain, is bad now, non-finite loss at "
        "step 1, forward; with that alone moved it is bad, with all else moved good, at least twice each"
    )
    assert (told.code, told.headline) == (1, f"New regression: {said}")
    assert [event.kind for event in told.events] == ["regressed", "pins"]
    assert told.lines[0].broken == ["helper 2.0"]
    report = moving.folder / "reports" / told.events[0].run
    data = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert data["package"] == "helper"
    (arm,) = data["arms"]
    assert arm["conclusion"] == "regressed"
    (place,) = [one for one in arm["boundaries"] if one["signal"] == "verdict"]
    assert (place["before"], place["after"], place["confirmed"]) == ("1.0", "2.0", True)
    assert "--package helper" in data["command"]
    assert "--with toy==1.0" in data["command"]
    assert "helper 2.0" in (report / "issue.md").read_text(encoding="utf-8")
    feed = ET.parse(moving.folder / "site" / "feed.xml").getroot()
    titles = [node.text for node in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert "helper 2.0 breaks plain in toy" in titles
    assert not [title for title in titles if title.startswith("toy ")]
    assert moving.night(3).headline == "Ran, nothing new."
    moving.pins(helper="2.0", extra="1.0", other="2.0")
    assert [event.kind for event in moving.night(4).events] == ["pins"]


def test_both_ways_are_two_executions_each_in_clean_processes(moving):
    start(moving, helper=NAN)
    moving.night(2)
    stored = [
        json.loads(path.read_text(encoding="utf-8")) for path in moving.state.probes.glob("*/*/probe.json")
    ]
    tried = [one for one in stored if one["repeat"] >= 2000]
    assert {one["execution"]["start"] for one in tried} == {"clean"}
    repeats = {}
    for one in tried:
        repeats.setdefault(one["lock"], set()).add(one["repeat"])
    # Last night's packages, those of now, the culprit alone, all but the culprit; what was tried besides, once.
    assert sorted(map(len, repeats.values()))[-4:] == [2, 2, 2, 2]
    with closing(History.open(moving.state)) as history:  # they are no executions of the baseline as it is
        assert not [row for row in history.rows("probes") if row["repeat"] >= 2000]


def test_two_packages_that_break_together_are_named_together(moving):
    start(moving, extra="import helper\ntimes = 1.0 if helper.old else float('nan')\n")
    (event, _) = moving.night(2).events
    assert event.kind == "regressed"
    assert event.text.startswith("dependencies extra 1.0 -> 2.0 and helper 1.0 -> 2.0 together broke plain")


def test_two_packages_that_break_by_themselves_are_both_named(moving):
    start(moving, helper=NAN, extra=NAN)
    (event, _) = moving.night(2).events
    assert event.text.startswith(
        "dependency extra 1.0 -> 2.0 broke plain, and so did dependency helper 1.0 -> 2.0, each by itself"
    )


def test_a_package_that_another_asks_for_is_told_from_it(moving):
    """`other` 2.0 goes with `helper` 2.0 alone: no lock has it without, and it is not to blame."""
    for name in ("helper", "extra", "other"):
        moving.release("1.0", f"old = True\n{FINE}", name=name)
    moving.release("2.0", NAN, name="helper")
    moving.release("2.0", FINE, name="extra")
    moving.release("2.0", FINE, name="other", requires=("helper>=2",))
    moving.pins(helper="1.0", extra="1.0", other="1.0")
    moving.release("1.0", USES, requires=("helper", "extra", "other"))
    moving.night(1)
    moving.pins(helper="2.0", extra="2.0", other="2.0")
    (event, _) = moving.night(2).events
    assert event.text.startswith("dependency helper 1.0 -> 2.0 broke plain: ")
    assert (
        "with all else but other 1.0 -> 2.0, which cannot be had apart, moved good, at least twice each"
        in event.text
    )


def test_a_package_that_changes_the_training_is_named_and_no_alarm(moving):
    start(moving, extra="times = 0.9\n")
    told = moving.night(2)
    assert told.code == 0
    assert story(told)[0] == (
        "changed",
        "1.0",
        (
            "dependency extra 1.0 -> 2.0 changed plain: toy 1.0, the baseline of plain, trains otherwise, and stays "
            "good; with that alone moved it is otherwise, with all else moved as before, at least twice each"
        ),
    )
    moving.pins(helper="1.0", extra="2.0", other="2.0")
    assert [event.kind for event in moving.night(3).events] == ["pins"]


def test_what_cannot_be_decided_blames_nobody(moving):
    start(moving, helper=NAN)
    for name in ("helper", "extra", "other"):  # the index does not have them any more
        moving.index.packages[name] = [
            file for file in moving.index.packages[name] if "-1.0-" not in file.name
        ]
    told = moving.night(2)
    assert told.code == 3
    assert [event.kind for event in told.events] == ["inconclusive", "pins"]
    assert "which of the moved packages did it cannot be told: the packages of last night" in told.headline
    assert "cannot be had any more (extra 1.0, helper 1.0, other 1.0)" in told.headline
    assert "broke" not in told.headline
    assert moving.night(3).headline == "Ran, nothing new."


def test_a_machine_that_changed_on_the_same_night_is_no_fault_of_a_package(moving, monkeypatch):
    look = "import os\ntimes = float('nan') if 'NVIDIA_TF32_OVERRIDE' in os.environ else 1.0\n"
    for version in ("1.0", "2.0"):
        moving.release(version, look, name="helper")
        moving.release(version, FINE, name="extra")
    moving.pins(helper="1.0", extra="1.0")
    moving.release("1.0", USES, requires=("helper", "extra"))
    moving.night(1)
    moving.pins(helper="1.0", extra="2.0")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    (event, _) = moving.night(2).events
    assert event.kind == "inconclusive"
    assert "no moved package did it: it is bad with the packages of last night too" in event.text


def test_with_refresh_a_release_of_a_dependency_is_found_and_named(moving):
    """Nobody touches the pins: the dependency, which is not watched itself, has a new release one night."""
    (moving.folder / "nightly.toml").write_text(
        'publish = "site"\n[[watch]]\nscenario = "toy"\nrefresh = true\n', encoding="utf-8"
    )
    for name in ("helper", "extra"):
        moving.release("1.0", FINE, name=name)
    moving.pins()
    moving.release("1.0", USES, requires=("helper", "extra"))
    assert [event.kind for event in moving.night(1).events] == ["baseline"]
    assert moving.night(2).headline == "Ran, nothing new."
    moving.release("1.1", FINE, name="helper")
    moving.release("1.2", NAN, name="helper")
    moving.release("1.1", FINE, name="extra")
    told = moving.night(3)
    assert told.code == 1
    assert told.headline.startswith("New regression: dependency helper 1.0 -> 1.2 broke plain: toy 1.0, ")
    assert told.headline.endswith("; of its releases 1.2 did it, 1.1 did not")
    moving.release("1.1", USES, requires=("helper", "extra"))
    assert story(moving.night(4)) == [
        ("release", "1.1", "toy 1.1 is bad in plain as before: broken since helper 1.2")
    ]
    moving.release("1.3", FINE, name="helper")
    assert [(event.kind, event.release) for event in moving.night(5).events] == [
        ("fixed", "1.0"),
        ("pins", ""),
    ]
    assert moving.night(6).headline == "Ran, nothing new."


def test_a_baseline_that_cannot_be_imported_with_the_moved_packages_is_told_as_a_skip(moving):
    start(moving, helper="raise ImportError('planted')\n")
    told = moving.night(2)
    assert [event.kind for event in told.events] == ["skip", "pins"]
    assert "toy 1.0, the baseline of plain, has no verdict with the moved packages: " in told.events[0].text
    assert (told.code, moving.night(3).headline) == (0, "Ran, nothing new.")
