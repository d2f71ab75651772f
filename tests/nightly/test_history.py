"""The history's file: migrations, what must not be opened, exports, drifts of its rows."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.history.history import History
from harness.history.overview import drifts, to_csv
from harness.history.schema import MIGRATIONS, connect
from harness.releases.release import Release
from harness.state import State

FIRST = Path(__file__).parent / "history-1.sql"
NEXT = (
    *MIGRATIONS,
    ("ALTER TABLE probes ADD COLUMN joules REAL", "CREATE INDEX by_night ON probes (night)"),
)


@pytest.fixture
def first(tmp_path):
    """A file of schema version 1, as a night left it."""
    path = tmp_path / "history.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.executescript(FIRST.read_text(encoding="utf-8"))
    return path


def rows(path, table="baselines"):
    with closing(sqlite3.connect(path)) as history:
        return history.execute(f"SELECT * FROM {table}").fetchall()


def test_a_file_of_version_1_opens_in_this_version(first):
    before = rows(first), rows(first, "probes")
    with closing(connect(first)) as history:
        assert history.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        assert history.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert history.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        columns = {
            table: {row[1] for row in history.execute(f"PRAGMA table_info({table})")}
            for (table,) in history.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }
    with closing(connect(first.parent / "new.sqlite")) as history:
        for table, names in columns.items():
            assert {row[1] for row in history.execute(f"PRAGMA table_info({table})")} == names
    assert (rows(first), rows(first, "probes")) == before


def test_a_file_of_version_1_opens_in_a_later_version(first):
    before = rows(first, "probes")
    with closing(connect(first, NEXT)) as history:
        assert history.execute("PRAGMA user_version").fetchone()[0] == len(NEXT)
    assert [row[:-1] for row in rows(first, "probes")] == before
    assert {row[-1] for row in rows(first, "probes")} == {None}
    with closing(connect(first, NEXT)):
        pass


def test_a_migration_that_fails_leaves_the_file_as_it_was(first):
    before = rows(first, "probes")
    with pytest.raises(HarnessError, match="not a usable history"):
        connect(first, (*MIGRATIONS, (*NEXT[-1], "ALTER TABLE nowhere ADD COLUMN x")))
    assert rows(first, "probes") == before
    with closing(connect(first)):
        pass


def test_a_file_of_a_newer_harness_is_left_alone(first):
    with closing(connect(first, NEXT)):
        pass
    with pytest.raises(HarnessError, match="a newer harness wrote it"):
        connect(first)


def test_what_is_no_history_is_told(tmp_path):
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(HarnessError, match="move it away"):
        connect(path)
    assert path.read_bytes() == b"no database at all" * 100


def test_history_lists_and_exports(toy, harness, monkeypatch):
    monkeypatch.setenv("HARNESS_HOME", str(toy / "home"))
    assert harness("bisect", "toy", "--from", "1.0", "--to", "2.1", "--no-cause").returncode == 0
    done = harness("history", "--csv", "all.csv")
    assert done.returncode == 0, done.stderr
    with (toy / "all.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert {(row["version"], row["verdict"]) for row in found} >= {("1.0", "good"), ("2.0", "bad")}
    good = next(row for row in found if row["version"] == "1.0")
    assert float(good["final_loss"]) == pytest.approx(0.2)
    assert good["steps"] == "5"
    assert next(row for row in found if row["version"] == "2.0")["final_loss"] == "NaN"
    data = json.loads(harness("history", "--json", "--arm", "plain").stdout)
    assert len(data["probes"]) == len(found)
    assert json.loads(harness("history", "--json", "--arm", "other").stdout)["probes"] == []
    lines = harness("history", "--scenario", "toy", "--package", "toy").stdout
    assert f"0 nights, {len(found)} executions" in lines
    assert "drift     toy in toy, plain (cpu, warm): final loss" not in lines


def probe(version, moment, **measured):
    line = {"scenario": "s", "package": "toy", "arm": "fp16", "device": "cpu", "start": "warm"}
    nothing = dict.fromkeys(("training_seconds", "steps", "memory_peak", "device_memory_peak", "final_loss"))
    return {**line, "version": version, "moment": moment, **nothing, **measured}


def test_a_change_of_level_over_releases_and_over_time_is_a_drift():
    slower = [
        probe(f"1.{minor}", f"2026-01-{day:02}", training_seconds=seconds, steps=100)
        for minor, seconds in ((9, 1.0), (11, 1.5), (8, 1.0), (7, 1.0), (10, 1.5), (12, 1.5))
        for day in (1, 2)
    ]
    assert [drift.text for drift in drifts(slower)] == ["step time from 1.10 on: 10 ms -> 15 ms (+50.0%)"]
    larger = [
        probe(
            "1.0",
            f"2026-01-{day:02}",
            memory_peak=2**20 * (100 if day < 4 else 80),
            final_loss=0.0 if day < 4 else 0.5,
        )
        for day in (3, 4, 1, 2, 5)
    ]
    assert [(drift.over, drift.text) for drift in drifts(larger)] == [
        ("time", "memory of 1.0 since 2026-01-04: 100 MiB -> 80 MiB (-20.0%)"),
        ("time", "final loss of 1.0 since 2026-01-04: 0 -> 0.5"),
    ]
    (other,) = drifts([{**row, "device": "cuda", "start": "clean"} for row in slower])
    assert (other.scenario, other.package, other.arm, other.device, other.start, other.release, other.at) == (
        *("s", "toy", "fp16", "cuda", "clean"),
        "",
        "1.10",
    )


def test_what_has_no_order_or_no_number_drifts_nowhere():
    rows = [
        probe(version, "2026-01-01", final_loss=loss)
        for version, loss in (("good", 1.0), ("bad", 2.0), ("1.0", "NaN"), ("1.1", None), ("1.2", 3.0))
    ]
    assert drifts(rows) == []
    assert to_csv([]) == ""


@pytest.fixture
def history(tmp_path):
    with closing(History.open(State(tmp_path / "home"))) as opened:
        yield opened


def test_a_release_that_vanishes_and_comes_back(history):
    toy, other = ("s", "toy"), ("s", "other")
    for subject in (toy, other):
        history.keep_listed(subject, Release("1.0"), 1)
    history.keep_gone(toy, ["1.0", "9.9"])
    assert {name: one.gone for name, one in history.listed(toy).items()} == {"1.0": True}
    assert not history.listed(other)["1.0"].gone
    history.keep_listed(toy, Release("1.0", yanked=True), 2)
    assert (history.listed(toy)["1.0"].gone, history.listed(toy)["1.0"].yanked) == (False, True)


def test_a_transaction_that_fails_writes_nothing(history):
    def interrupted():
        with history.transaction():
            history.keep_listed(("s", "toy"), Release("1.0"), 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert history.listed(("s", "toy")) == {}


def test_a_night_that_was_interrupted_goes_on_with_what_it_has_walked(history):
    first, second, third = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))
    night, started = history.begin(second, "host")
    history.keep_walked(night, "a watch")
    assert history.begin(third, "host") == (night, second)
    assert history.walked(night) == {"a watch"}
    # A night that is dated after this one was begun by a clock that was wrong.
    assert history.begin(first, "host") == (night, first)
    assert history.begin(third, "host") == (night, first)
    history.walk_again(night)
    assert history.walked(night) == set()
    history.end(night, third, 0, "nothing")
    assert history.begin(third, "host") == (night + 1, third)
    assert started == second
