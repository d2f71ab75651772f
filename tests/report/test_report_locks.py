"""What the locks of both sides say of a boundary."""

from __future__ import annotations

import synthetic_report

from harness.files import write_atomic
from harness.locks.lock import Lock, Move, Pinned, differences
from harness.runs.locked import read_locks, sides, with_moves


def lock(**versions):
    packages = tuple(
        Pinned(name, version, (f"sha256:{name}{version}",)) for name, version in versions.items()
    )
    return Lock(packages, "fixed", "3.11", "linux-x86_64")


def test_every_difference_is_found_and_said():
    before, after = lock(both="1", gone="1", moved="1"), lock(both="1", moved="2", new="3")
    found = differences(before, after)
    assert found == [Move("gone", "1", None), Move("moved", "1", "2"), Move("new", None, "3")]
    assert [str(move) for move in found] == ["gone 1 -> absent", "moved 1 -> 2", "new absent -> 3"]
    other = Lock((Pinned("both", "1", ("sha256:other",)),), "fixed", "3.11", "linux-x86_64")
    assert [str(move) for move in differences(lock(both="1"), other)] == ["both 1: other files"]


def test_boundaries_get_the_difference_of_both_sides_and_the_package_comes_first():
    report, _ = synthetic_report.report()
    locks = {"0.6.2": lock(numpy="1", peft="0.6.2"), "0.7.0": lock(numpy="2", peft="0.7.0")}
    arm = with_moves(report, locks).arms[0]
    (found,) = [one for one in arm.boundaries if one.signal == "verdict" and one.after == "0.7.0"]
    assert found.moves == [
        {"name": "peft", "before": "0.6.2", "after": "0.7.0"},
        {"name": "numpy", "before": "1", "after": "2"},
    ]
    untouched = [one for one in arm.boundaries if one.after != "0.7.0"]
    assert untouched == [one for one in report.arms[0].boundaries if one.after != "0.7.0"]


def test_locks_of_a_folder_are_read_as_far_as_they_are_locks(tmp_path):
    write_atomic(tmp_path / "locks" / "1.txt", lock(peft="1").text())
    write_atomic(tmp_path / "locks" / "2.txt", "# cannot be resolved\n")
    found = read_locks(tmp_path, ["1", "2", "3"])
    assert {version: one.versions() for version, one in found.items()} == {"1": {"peft": "1"}}


def test_the_sides_of_a_report():
    report, _ = synthetic_report.report()
    assert sides(report) == {"0.5.0", "0.6.0", "0.6.2", "0.7.0", "0.11.1", "0.12.0"}
