"""Two snapshots side by side."""

from __future__ import annotations

from harness.snapshots.compare import Change, compare
from harness.snapshots.read import read_text


def side(text, name="list.txt"):
    return read_text(text, name)


def test_up_down_added_and_removed():
    good = side("a==1.0\nb==2.0\nc==1.0\nsame==1.0\n")
    bad = side("a==2.0\nb==1.0\nd==1.0\nsame==1.0.0\n")
    compared = compare(good, bad)
    assert compared.changes == (
        Change("a", "1.0", "2.0"),
        Change("b", "2.0", "1.0"),
        Change("c", "1.0", None),
        Change("d", None, "1.0"),
    )
    assert compared.same == {"same": "1.0"}
    assert not compared.not_compared
    assert not compared.stood_in


def test_what_stands_in_is_compared_and_named():
    compared = compare(side("torch==2.3.0+cu121\na==1\n"), side("torch==2.4.0+cpu\na==1\n"))
    assert compared.changes == (Change("torch", "2.3.0", "2.4.0"),)
    assert [(one.obstacle.version, one.good, one.version) for one in compared.stood_in] == [
        ("2.3.0+cu121", True, "2.3.0"),
        ("2.4.0+cpu", False, "2.4.0"),
    ]


def test_what_one_side_cannot_say_is_neither_added_nor_removed():
    compared = compare(side("a==1\nmine @ git+https://example.org/mine.git\n"), side("a==1\nmine==0.3\n"))
    assert compared.changes == ()
    assert compared.same == {"a": "1"}
    assert [one.name for one in compared.not_compared] == ["mine"]


def test_python_and_platform_where_both_tell_them():
    lists = [
        f"# platform: {platform}\npython={python}=0\na=1.0=pypi_0\n"
        for platform, python in (("linux-64", "3.10.4"), ("osx-arm64", "3.11.9"), ("linux-64", "3.11.2"))
    ]
    first, second, third = map(side, lists)
    assert compare(first, second).python == ("3.10", "3.11")
    assert compare(first, second).platform == ("linux-64", "osx-arm64")
    assert compare(second, third).python is None
    assert compare(first, side("a==1\n")).python is None
