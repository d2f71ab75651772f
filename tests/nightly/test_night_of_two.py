"""A scenario with two packages: both are watched, each beside the newest release of the other."""

from __future__ import annotations

import pytest
from printed_commands import check, report
from simulated import story
from toypairs import CODE, JOB, SCENARIO

from harness.errors import UsageError
from harness.nightly.config import load_config

TABLE = ["gggg", "ggbb", "ggbb"]
"""Bad from left 3.0 with right 2.0 on: both are needed."""


@pytest.fixture
def both(month):
    folder = month.folder / "scenarios" / "both"
    folder.mkdir()
    (folder / "job.py").write_text(JOB, encoding="utf-8")
    (folder / "scenario.toml").write_text(
        SCENARIO.format(also='also = { package = "right" }'), encoding="utf-8"
    )
    (month.folder / "nightly.toml").write_text('[[watch]]\nscenario = "both"\n', encoding="utf-8")
    month.release("1.0", CODE.format(table=TABLE), name="judge")
    return month


def test_a_break_that_needs_both_names_both(both):
    both.release("1.0", "", name="left", requires=("judge",))
    both.release("2.0", "", name="left", requires=("judge",))
    both.release("1.0", "", name="right", requires=("judge",))
    assert [(event.package, event.kind, event.release) for event in both.night(1).events] == [
        ("left", "baseline", "2.0"),
        ("right", "baseline", "1.0"),
    ]
    both.release("3.0", "", name="left", requires=("judge",), day=2)
    told = both.night(2)
    assert [event[:2] for event in story(told) if event[0] != "pins"] == [("release", "3.0")]
    both.release("2.0", "", name="right", requires=("judge",), day=3)
    told = both.night(3)
    assert told.code == 1
    assert {(event.package, event.kind, event.release) for event in told.events} >= {
        ("right", "regressed", "2.0")
    }
    assert "dependency right 1.0 -> 2.0" not in told.headline


def test_its_commands_find_what_is_stored(both, harness):
    for name in ("left", "right"):
        for version in ("1.0", "2.0"):
            both.release(version, "", name=name, requires=("judge",))
    both.night(1)
    for path in sorted((both.folder / "reports").glob("2024*")):
        check(report(path), harness)


@pytest.mark.parametrize("key", ["from", "source"])
def test_what_belongs_to_one_package_is_said_of_one(both, key):
    config = both.folder / "nightly.toml"
    config.write_text(config.read_text(encoding="utf-8") + f'{key} = "1.0"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="both has two packages, left and right; give each"):
        load_config(config)
