"""Which lines the search for hunks begins at: what a run knows of a boundary's cause."""

from __future__ import annotations

from types import SimpleNamespace

from harness.descent.descent import CALLER, LIKELIEST, Descent
from harness.report.attribution import CauseResult, CodeLine, LineResult
from harness.report.profiled import FunctionResult, FunctionSide, ProfileResult


def test_lines_that_set_the_property_or_raised_come_before_those_that_led_there():
    inner, outer = CodeLine("p/a.py", 5, "x = 1"), CodeLine("p/a.py", 2, "run()")
    lines = [
        LineResult(side, release, "dtype", "w", ["w"], 1, None, "float16", last, code, stack)
        for side, release, last, code, stack in (
            ("before", "1.0", False, CodeLine("p/a.py", 7, "y = 1"), []),
            ("after", "1.1", True, inner, [outer, inner]),
            ("after", "1.1", True, None, []),
        )
    ]
    functions = [
        FunctionResult("p/b.py", "slow", FunctionSide(3, 1.0), FunctionSide(3, 9.0, top=4), 0.9),
        FunctionResult("p/b.py", "new", None, FunctionSide(20, 1.0), 0.1),
        FunctionResult("p/b.py", "less", FunctionSide(30, 2.0), FunctionSide(30, 1.0), -0.1),
    ]
    profile = ProfileResult("seconds", "time", [1.0, 9.0], [1.0, 9.0], functions)
    words = ("repro", "1.0", "1.1", "regressed", "verdict", "shown", "", [], [], [])
    causes = [
        CauseResult(*words, lines=lines, profile=profile),
        CauseResult("other", *words[1:], lines=[LineResult("before", *_other())]),
    ]
    releases = [
        SimpleNamespace(version=version, raised_at=raised_at)
        for version, raised_at in (
            ("0.9", CodeLine("p/c.py", 1, "")),
            ("1.0", None),
            ("1.1", CodeLine("p/c.py", 8, "")),
        )
    ]
    descent = Descent(
        session=None,
        watcher=None,
        arm=None,
        result=SimpleNamespace(name="repro", releases=releases),
        boundary=SimpleNamespace(before="1.0", after="1.1", kind="regressed"),
        report=SimpleNamespace(cause=causes),
    )
    before, after = descent._suspicions()
    assert before == {("p/b.py", 3): LIKELIEST}
    assert after == {
        ("p/a.py", 2): CALLER,
        ("p/a.py", 5): LIKELIEST,
        ("p/b.py", 4): LIKELIEST,
        ("p/b.py", 20): LIKELIEST,
        ("p/c.py", 8): LIKELIEST,
    }
    assert not descent.fixed


def _other():
    return "1.0", "dtype", "w", ["w"], 1, None, "float16", True, CodeLine("p/z.py", 1, "")
