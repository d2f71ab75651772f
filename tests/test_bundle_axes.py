"""What varies of a bundle's packages, by what is asked of it: nothing is unpacked here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import Axis, Holds, Question, Subject
from harness.bundles.axes import BundledAxis
from harness.bundles.bundle import Bundle
from harness.errors import UsageError
from harness.releases.release import Release

LEFT = BundledAxis("left", (Release("1.0"), Release("2.0")))
RIGHT = BundledAxis("right", (Release("1.0"), Release("3.0")))
ALL = (Axis(package="left", first="1.0", last="2.0"), Axis(package="right", first="1.0", last="3.0"))


def decided(packages, axes=(), pins=()):
    bundle = Bundle(
        folder=Path("/bundle"),
        scenario=Path("/bundle/scenario/toy"),
        axes=packages,
        pins=("helper==1.0",),
        python="3.11",
        platform="linux-x86_64",
        torch="index",
        host_packages={},
        brought={},
        recorder="",
        rehashed={},
    )
    asked = bundle.decide(Question(subject=Subject(bundle="b"), axes=axes, holds=Holds(pins=pins)))
    return asked.axes, asked.holds.pins, asked.holds.locks


def test_one_package():
    assert decided((LEFT,)) == (ALL[:1], ("helper==1.0",), "/bundle/locks")
    found, _, _ = decided((LEFT,), (Axis(first="2.0"),))
    assert found == (Axis(package="left", first="2.0", last="2.0"),)


def test_two_packages():
    assert decided((LEFT, RIGHT)) == (ALL, ("helper==1.0",), None)
    found, _, _ = decided((LEFT, RIGHT), (Axis(package="left"), Axis(package="Right", last="1.0")))
    assert found == (ALL[0], Axis(package="right", first="1.0", last="1.0"))


@pytest.mark.parametrize("axes", [(), (Axis(package="left"),)])
def test_one_of_two_with_the_other_one_held_has_the_locks_of_its_line(axes):
    found, pins, locks = decided((LEFT, RIGHT), axes, ("right==3.0",))
    assert (found, pins) == (ALL[:1], ("helper==1.0", "right==3.0"))
    assert locks == "/bundle/locks/left-1.0-to-2.0-with-right-3.0"


@pytest.mark.parametrize(
    ("packages", "axes", "pins", "said"),
    [
        ((LEFT,), (Axis(package="left"),), (), "--bundle and --package: the bundle decides that"),
        ((LEFT,), (), ("right==3.0",), "--bundle and --with: the bundle decides that"),
        ((LEFT, RIGHT), (Axis(first="2.0"),), (), "name one of them by --package"),
        ((LEFT, RIGHT), (Axis(package="left"),), (), "as in --package left --with right==3.0"),
        ((LEFT, RIGHT), (Axis(package="judge"),), (), "it has releases of left and right"),
        ((LEFT, RIGHT), (Axis(package="right"),), ("right==3.0",), "vary both, or hold one of them"),
        ((LEFT, RIGHT), (Axis(package="left"),), ("right==9.0",), "--bundle and --with"),
    ],
)
def test_what_the_bundle_cannot_answer_is_told(packages, axes, pins, said):
    with pytest.raises(UsageError) as raised:
        decided(packages, axes, pins)
    assert said in str(raised.value)
