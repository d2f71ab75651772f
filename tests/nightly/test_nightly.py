"""The commands nightly and accept; two nights at once; budgets, moved pins, first nights, the machine's drift."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
from simulated import ONCE_BAD, OTHER, Silent, story
from toyindex import BAD, GOOD

from harness.errors import UsageError
from harness.history.history import History
from harness.nightly.config import load_config
from harness.nightly.lock import only_night
from harness.nightly.nightly import nightly

SLOW = "import time\ntime.sleep(3)\n" + GOOD


def test_the_command_and_its_exit_status(month, harness):
    month.release("1.0", uploaded="2024-02-01T08:00:00Z")
    month.release("2.0", BAD, uploaded="2024-02-02T08:00:00Z")
    month.release("2.1", uploaded="2024-02-03T08:00:00Z")
    first = harness("nightly", "--as-of", "2024-02-02")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("No regression (1 baseline): toy 1.0 is the baseline of plain from now on")
    alarm = harness("nightly", "--as-of", "2024-02-03")
    assert alarm.returncode == 1
    assert alarm.stdout.splitlines()[0].startswith("New regression: toy 2.0 breaks plain")
    assert "toy in toy, plain: baseline 1.0, newest 2.0 bad, broken since 2.0" in alarm.stdout
    again = harness("nightly", "--as-of", "2024-02-03")
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "Ran, nothing new.")
    assert (month.folder / "reports" / "nightly" / "20240203T000000Z" / "nightly.json").is_file()
    assert (month.folder / "reports" / "nightly" / "20240203T000000Z-2" / "nightly.json").is_file()
    back = harness("nightly", "--as-of", "2024-02-01")
    assert back.returncode == 2
    assert "nights go forward in time" in back.stderr
    month.index.status = 503
    assert harness("nightly").returncode == 4
    month.index.status = 200
    assert harness("nightly").stdout.startswith("Fixed: toy 2.1 is good again in plain")


def test_accept_moves_a_baseline(month, harness):
    month.release("1.0")
    month.night(1)
    month.release("1.1", OTHER)
    month.night(2)
    run = "20240202T230000Z-toy"
    done = harness("accept", run, "--why", "a new schedule", "--who", "Ada")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "toy 1.1 is the baseline of plain in toy, in place of 1.0; accepted by Ada\n"
    with closing(History.open(month.state)) as history:
        now = history.baseline(("toy", "toy", "plain"))
    assert (now.version, now.who, now.why, now.run) == ("1.1", "Ada", "a new schedule", run)
    assert datetime.fromisoformat(now.moment).tzinfo is UTC
    listed = harness("history").stdout
    assert "1.1, accepted " in listed
    assert "by Ada: a new schedule" in listed
    month.release("1.2", OTHER)
    (event,) = month.night(3).events
    assert event.text == "toy 1.2 is good in plain and trains as the baseline 1.1, bit for bit"


def test_accept_refuses_what_is_no_baseline(month, harness):
    month.release("1.0")
    month.night(1)
    month.release("2.0", BAD)
    month.night(2)
    done = harness("accept", "20240202T230000Z-toy")
    assert done.returncode == 2
    assert (
        "plain: 2.0 is bad (non-finite loss at step 3, forward), and a baseline must be good" in done.stderr
    )
    assert harness("accept", "20240202T230000Z-toy", "--arm", "fp8").returncode == 2
    assert harness("accept", "nowhere").returncode == 2


def test_a_run_of_its_own_can_be_the_first_baseline(month, harness):
    for version in ("1.0", "1.1", "1.2"):
        month.release(version)
    assert harness("bisect", "toy", "--to", "1.1").returncode == 0
    assert harness("accept", "latest", "--who", "Ada").returncode == 0
    assert story(month.night(1)) == [
        ("release", "1.2", "toy 1.2 is good in plain and trains as the baseline 1.1, bit for bit")
    ]


def test_of_two_nights_the_second_says_who_is_there(month, harness):
    month.release("1.0", SLOW)
    command = [sys.executable, "-m", "harness", "nightly"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        note = month.state.root / "nightly.holder.json"
        deadline = time.monotonic() + 60
        while not note.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        second = harness("nightly")
        assert second.returncode == 4
        assert f"(process {first.pid} on " in second.stderr
        assert "--wait" in second.stderr
        waited = harness("nightly", "--wait")
        told, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    assert told.startswith("No regression (1 baseline)")
    assert (waited.returncode, waited.stdout.splitlines()[0]) == (0, "Ran, nothing new.")
    assert "waiting: another night holds" in waited.stderr


def test_a_stale_note_of_a_killed_night_hinders_nobody(month):
    (month.state.root / "nightly.holder.json").write_text("{", encoding="utf-8")
    with only_night(month.state, Silent(), wait=False):
        facts = json.loads((month.state.root / "nightly.holder.json").read_text(encoding="utf-8"))
        assert set(facts) == {"process", "host", "started"}


def test_a_first_night_on_broken_releases_tells_the_break(month):
    month.release("1.0")
    month.release("2.0", BAD)
    month.release("2.1", BAD)
    told = month.night(1)
    assert told.code == 1
    assert [(event.kind, event.release) for event in told.events] == [
        ("regressed", "2.0"),
        ("baseline", "1.0"),
        ("release", "2.1"),
    ]


def test_a_first_night_without_anything_good_is_inconclusive(month):
    month.release("1.0", BAD)
    told = month.night(1)
    assert told.code == 3
    assert told.headline == (
        "Inconclusive: the newest release of toy is not good in plain, so there is no baseline"
    )
    month.release("1.1")
    assert [event.kind for event in month.night(2).events] == ["baseline"]


def test_what_the_budget_leaves_waits_for_the_next_night(month):
    (month.folder / "nightly.toml").write_text(
        '[budget]\nprobes = 4\n[[watch]]\nscenario = "toy"\narms = ["plain", "scaled"]\n', encoding="utf-8"
    )
    month.release("1.0")
    month.night(1)
    for version in ("1.1", "1.2", "1.3"):
        month.release(version)
    told = month.night(2)
    assert [(event.kind, event.release) for event in told.events] == [
        *(("release", version) for _ in range(2) for version in ("1.1", "1.2")),
        ("left", "1.3"),
    ]
    assert told.events[-1].text == "toy 1.3 waits for the next night: the budget of 4 executions is spent"
    assert [(event.kind, event.release) for event in month.night(3).events] == [("release", "1.3")] * 2


def test_a_release_without_a_verdict_is_given_up_at_last(month):
    text = (month.folder / "nightly.toml").read_text(encoding="utf-8")
    (month.folder / "nightly.toml").write_text(f"{text}tries = 2\n", encoding="utf-8")
    month.release("1.0")
    month.night(1)
    month.release("1.1", "raise ImportError('planted')\n")
    assert [event.kind for event in month.night(2).events] == ["skip"]
    (event,) = month.night(3).events
    assert event.kind == "given up"
    assert event.text.startswith(
        "toy 1.1 has had no verdict in plain for 2 nights, and is given up: error before"
    )
    assert month.night(4).events == []


def test_moved_packages_that_break_are_told_apart_from_releases(month):
    month.release(
        "1.0", "import helper\ndef loss(step):\n    return helper.times / step\n", requires=("helper",)
    )
    helper = month.index.packages["helper"]
    helper.clear()
    month.release("1.0", "times = 1.0\n", name="helper")
    month.release("2.0", "times = float('nan')\n", name="helper")
    month.night(1)
    scenario = month.folder / "scenarios" / "toy" / "scenario.toml"
    before = scenario.read_text(encoding="utf-8")
    scenario.write_text(before.replace("helper==1.0", "helper==2.0"), encoding="utf-8")
    told = month.night(2)
    assert told.code == 1
    assert story(told)[0][2] == (
        "dependency helper 1.0 -> 2.0 broke plain: toy 1.0, the baseline of plain, is bad now, "
        "non-finite loss at step 1, forward; with that alone moved it is bad, with all else moved good, at least twice each"
    )
    assert story(told)[1] == (
        "pins",
        "",
        "the shared packages are others than last night: helper 1.0 -> 2.0",
    )
    month.release(
        "1.1", "import helper\ndef loss(step):\n    return helper.times / step\n", requires=("helper",)
    )
    told = month.night(3)
    assert (told.code, [event.text for event in told.events]) == (
        0,
        ["toy 1.1 is bad in plain as before: broken since helper 2.0"],
    )
    scenario.write_text(before, encoding="utf-8")
    told = month.night(4)
    assert [event.kind for event in told.events] == ["fixed", "pins"]


def test_a_baseline_repeated_every_night_shows_the_machine(month, monkeypatch):
    text = (month.folder / "nightly.toml").read_text(encoding="utf-8")
    (month.folder / "nightly.toml").write_text(f"{text}repeat_baseline = true\n", encoding="utf-8")
    month.release(
        "1.0",
        "import os\nfactor = 1.5 if 'NVIDIA_TF32_OVERRIDE' in os.environ else 1.0\n"
        "def loss(step):\n    return factor / step\n",
    )
    month.night(1)
    assert month.night(2).events == []
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    (event,) = month.night(3).events
    assert event.kind == "changed"
    assert "trains otherwise tonight in the same environment" in event.text
    with closing(History.open(month.state)) as history:
        assert {row["night"] for row in history.rows("probes")} == {1, 2, 3}


def test_a_flaky_release_does_not_hide_a_break_after_it(month):
    month.release("1.0")
    month.night(1)
    month.release("1.1", ONCE_BAD)
    month.release("1.2", BAD)
    told = month.night(2)
    assert [(event.kind, event.release) for event in told.events] == [("regressed", "1.2"), ("flaky", "1.1")]
    assert "the last good release is 1.0" in told.events[0].text


def test_a_release_that_gets_its_verdict_late_locates_the_break(month):
    month.release("1.0")
    month.night(1)
    month.release("1.1", "raise ImportError('planted')\n")
    month.release("1.2", BAD)
    told = month.night(2)
    assert [(event.kind, event.release) for event in told.events] == [("regressed", "1.2"), ("skip", "1.1")]
    assert "toy 1.2 is bad in plain: " in told.events[0].text
    assert "; 1.0 is good, and 1.1 between them could not be tested (" in told.events[0].text
    assert "breaks" not in told.events[0].text
    month.index.packages["toy"] = [file for file in month.index.packages["toy"] if "-1.1-" not in file.name]
    month.release("1.1", BAD)
    told = month.night(3)
    assert story(told) == [
        ("located", "1.1", "what broke between 1.0 and 1.2 is located now: between 1.0 and 1.1, in plain")
    ]
    assert told.code == 0


def test_nights_go_forward(month):
    month.release("1.0")
    month.night(2)
    with pytest.raises(UsageError, match="nights go forward in time"):
        month.night(1)


def test_a_clock_in_2099_for_one_night_refuses_no_later_one(month):
    month.release("1.0")
    config, watcher = load_config(month.folder / "nightly.toml"), Silent()
    nightly(config, month.state, watcher, datetime(2099, 1, 1, tzinfo=UTC))
    month.release("1.1", BAD)
    told = nightly(config, month.state, watcher, datetime(2024, 2, 3, 23, tzinfo=UTC))
    assert [(event.kind, event.release) for event in told.events] == [("regressed", "1.1")]
    assert [note for note in watcher.notes if "2099-01-01" in note and "in the future" in note]
    assert month.night(4).events == []
    assert (month.state.root / "history-backup.sqlite").is_file()
