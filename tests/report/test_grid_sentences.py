"""The sentences about two packages: nobody is named whose neighbour was not executed, or who was not alone in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report import ArmResult, BoundaryResult, ReleaseResult, Report
from harness.report.axes import AxisChange, AxisResult, GridResult, Point, pair_name
from harness.report.badge import badge
from harness.report.boundaries import is_open, located
from harness.report.grid_sentences import grid_sentence
from harness.report.grid_tables import changes
from harness.report.opened import CulpritResult, DependencyAnswer, Outcome

AXES = [AxisResult("left", ["1.0", "2.0", "3.0"]), AxisResult("right", ["1.0", "2.0"])]
MOVES = [
    {"name": "left", "before": "1.0", "after": "3.0"},
    {"name": "helper", "before": "1.0", "after": "2.0"},
]


def row(left, right, verdict):
    return ReleaseResult(
        pair_name(AXES, (left, right)), None, verdict, "said", point=Point("left", left, "right", right)
    )


def boundary(right, kind="regressed", **facts):
    sides = (pair_name(AXES, (version, right)) for version in ("1.0", "3.0"))
    axis = AxisChange("left", "1.0", "3.0", "right", right)
    return BoundaryResult(kind, "verdict", *sides, confirmed=True, axis=axis, **facts)


def decided(*boundaries, conclusion="regressed"):
    """left decides: 1.0 is good, 3.0 is bad, with either release of right."""
    rows = [
        row(left, right, "good" if left == "1.0" else "bad")
        for left in ("1.0", "3.0")
        for right in ("1.0", "2.0")
    ]
    corners = [
        pair_name(AXES, pair) for pair in (("1.0", "1.0"), ("3.0", "1.0"), ("1.0", "2.0"), ("3.0", "2.0"))
    ]
    grid = GridResult("one", "left", {}, corners)
    return ArmResult("plain", {}, conclusion, "", list(boundaries), rows, grid=grid)


@pytest.mark.parametrize(
    ("facts", "clause"),
    [
        ({}, "left 3.0 broke the job (last good 1.0), confirmed"),
        (
            {"skipped": ["left 2.0 with right 1.0"]},
            (
                "a release of left broke the job after 1.0 (good) and by 3.0 (bad), confirmed; 1 between them "
                "could not be tested"
            ),
        ),
        (
            {"untested": ["left 2.0 with right 1.0"]},
            (
                "a release of left broke the job after 1.0 (good) and by 3.0 (bad), confirmed; 1 between them "
                "was not executed"
            ),
        ),
        (
            {"moves": MOVES},
            (
                "left 3.0, helper 2.0, or several of them broke the job (last good with left 1.0, first bad with left 3.0), "
                "confirmed; which of these changes did it was not tested"
            ),
        ),
        (
            {
                "moves": MOVES,
                "dependencies": DependencyAnswer(
                    Outcome.DEPENDENCIES, MOVES[1:], culprits=[CulpritResult(["helper"])]
                ),
            },
            "helper 2.0 broke the job (last good with left 1.0, first bad with left 3.0), confirmed",
        ),
        (
            {"moves": MOVES, "dependencies": DependencyAnswer(Outcome.PACKAGE, MOVES[1:])},
            "left 3.0 broke the job (last good 1.0), confirmed",
        ),
    ],
    ids=["neighbours", "skipped", "not executed", "another package moved", "another did it", "alone"],
)
def test_a_change_names_who_is_known_to_have_made_it(facts, clause):
    arm = decided(boundary("1.0", **facts), boundary("2.0", **facts))
    assert grid_sentence(AXES, arm) == f"left decides alone: {clause}; so with right 1.0 and with right 2.0."


def test_of_a_quantity_without_a_worse_direction_nothing_is_broken_or_repaired():
    arm = decided(boundary("1.0", "changed"), boundary("2.0", "changed"), conclusion="changed")
    said = grid_sentence(AXES, arm)
    assert "left 3.0 changed the job (last as the reference 1.0), confirmed" in said
    assert not {"broke", "bad", "repaired"} & set(said.split())
    assert located(arm) == []
    assert "| right `1.0` | left `1.0` | left `3.0` | yes |" in changes(arm)


def test_a_pair_says_that_another_package_moved_in_place_of_who_repairs_it():
    """right 2.0 breaks it, left 3.0 comes with a new helper: it is not said to repair it by itself."""
    rows = [row("1.0", "1.0", "good"), row("1.0", "2.0", "bad"), row("3.0", "1.0", "good")]
    rows.append(row("3.0", "2.0", "good"))
    along_right = BoundaryResult(
        "regressed",
        "verdict",
        *(pair_name(AXES, ("1.0", version)) for version in ("1.0", "2.0")),
        confirmed=True,
        axis=AxisChange("right", "1.0", "2.0", "left", "1.0"),
    )
    arm = ArmResult(
        "plain",
        {},
        "regressed",
        "",
        [boundary("2.0", "fixed"), along_right],
        rows,
        grid=GridResult("both", None, {"left": "1.0", "right": "2.0"}, [one.version for one in rows]),
    )
    start = (
        "The answer depends on both: right 2.0 with left 1.0 is bad; right 1.0 with left 1.0 is good; "
        "right 2.0 with left 3.0 is good; each confirmed. "
    )
    assert grid_sentence(AXES, arm) == f"{start}left 3.0 repairs it."
    moved = replace(arm, boundaries=[boundary("2.0", "fixed", moves=MOVES), along_right])
    assert grid_sentence(AXES, moved) == (
        f"{start}Between left 1.0 and 3.0, helper changes too; which of these changes did it was not tested."
    )
    assert not is_open(arm), "the newest of both is good"


def test_the_badge_of_a_package_that_decides():
    arm = decided(boundary("1.0"), boundary("2.0"))

    report = Report(
        *("run", "both", "", "left and right", "", ""), host={}, environment={}, arms=[arm], axes=AXES
    )
    assert badge(report, arm)["message"] == "left decides"
    assert badge(report, arm)["color"] == "red"
