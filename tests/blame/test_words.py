"""What is said of two environments follows from the facts, whatever they are; names of packages do nothing on a page."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from harness.report.blame import sentence
from harness.report.blame_picture import path_picture
from harness.report.blame_rows import held, rebuilding, replaced, rows, support
from harness.report.blamed import (
    BlameResult,
    BoundaryInside,
    ChangeResult,
    CulpritSetResult,
    EnvironmentResult,
    PythonResult,
    PythonRole,
    Standing,
    StepResult,
    TieResult,
)
from harness.report.model import ArmResult, ReleaseResult, Report
from harness.report.write import write_report
from harness.search.culprits import Conclusion, Innocence
from harness.search.mixtures import Outcome, Purpose

BOTH = [Innocence.REVERTED_IN_BAD, Innocence.APPLIED_IN_GOOD]
GOOD = EnvironmentResult("good.txt", "requirements.txt or pip freeze", "a" * 64, 3)
BAD = EnvironmentResult("bad.txt", "requirements.txt or pip freeze", "b" * 64, 3)


def change(name, standing=Standing.INNOCENT, before="1.0", after="2.0"):
    return ChangeResult(name, before, after, standing, True, BOTH if standing == Standing.INNOCENT else [])


def release(version, verdict, reason="exit status 0", **facts):
    return ReleaseResult(version, None, verdict, reason, **facts)


def arm(good="good", bad="bad"):
    rows = [release("good", good), release("bad", bad, "ValueError: planted")]
    return ArmResult("job", {}, "inconclusive", "", [], rows)


def blame(conclusion=Conclusion.FOUND, **facts):
    changes = [change("alpha", Standing.CULPRIT), change("beta"), change("gamma")]
    step = StepResult([0, 2], 0, Purpose.NARROW, Outcome.BAD, "bad", "ValueError: planted")
    found = conclusion in (Conclusion.FOUND, Conclusion.FOUND_NOT_REVERSED)
    made = BlameResult(
        conclusion,
        GOOD,
        BAD,
        changes,
        sets=[CulpritSetResult([[0]], reversed=[conclusion == Conclusion.FOUND])] if found else [],
        steps=[step, replace(step, applied=[], outcome=Outcome.UNRESOLVED, refused="no")],
        executions=1,
        refusals=1,
    )
    return replace(made, **facts)


def inside(**facts):
    return replace(
        BoundaryInside(
            "alpha", "regressed", "1.4", "1.5", True, first=True, confirmed=True, held="bad", run="runs/x"
        ),
        **facts,
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "alpha 1.0 -> 2.0 did it, alone; the 2 other changed packages are innocent."),
        (
            {"inside": [inside()]},
            "alpha 1.0 -> 2.0 did it, alone; the 2 other changed packages are innocent; its first bad release is 1.5.",
        ),
        ({"inside": [inside(confirmed=False)]}, "its first bad release is 1.5, not confirmed."),
        (
            {"inside": [inside(first=False)]},
            "alpha 1.4 is good and 1.5 is bad, and releases between them have no verdict.",
        ),
        (
            {"inside": [inside(conclusion="non-monotone")]},
            "alpha 1.4 is good, and the next release, 1.5, is bad.",
        ),
        ({"inside": [inside(good="", bad="")]}, "the 2 other changed packages are innocent."),
        (
            {"conclusion": Conclusion.FOUND_NOT_REVERSED},
            "nothing without it could be executed, so that its reversal is not shown to help",
        ),
        (
            {"sets": [CulpritSetResult([[0], [1]], reversed=[True, True])]},
            "alpha 1.0 -> 2.0 and beta 1.0 -> 2.0 did it together; without either of them the job is good",
        ),
        (
            {
                "sets": [CulpritSetResult([[0, 1]], reversed=[True])],
                "ties": [TieResult([0], [1], "alpha 2.0 requires beta>=2")],
            },
            (
                "alpha 1.0 -> 2.0 and beta 1.0 -> 2.0, as one unit that nothing that was tried separates: "
                "alpha 2.0 requires beta>=2, did it;"
            ),
        ),
        (
            {
                "changes": [
                    change("alpha", Standing.CULPRIT),
                    change("beta", Standing.UNDECIDED),
                    change("gamma"),
                ]
            },
            "the other changed package is innocent; nothing is known of beta 1.0 -> 2.0",
        ),
    ],
)
def test_what_is_found(facts, said):
    conclusion = facts.pop("conclusion", Conclusion.FOUND)
    assert said in sentence(blame(conclusion, **facts), arm())


@pytest.mark.parametrize("conclusion", list(Conclusion))
def test_a_culprit_is_named_only_where_one_was_found(conclusion):
    said = sentence(blame(conclusion), arm())
    assert said.endswith(".")
    found = conclusion in (Conclusion.FOUND, Conclusion.FOUND_NOT_REVERSED)
    assert ("did it, alone" in said) == found
    assert ("innocent" in said) == found
    assert ("alpha" in said) == found


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("skip", "bad", "The good environment has no verdict"),
        ("bad", "bad", "The good environment fails too, in another way"),
        ("good", "skip", "The bad environment has no verdict: ValueError: planted"),
        ("skip", "skip", "Neither environment has a verdict"),
    ],
)
def test_an_end_without_a_verdict(good, bad, said):
    assert sentence(blame(Conclusion.END_UNTESTABLE), arm(good, bad)).startswith(said)


def test_an_environment_that_cannot_be_rebuilt():
    broken = replace(BAD, lock=None, unresolvable="toy has no version 9.")
    said = sentence(blame(Conclusion.END_UNTESTABLE, bad=broken), arm())
    assert said == "The bad environment cannot be rebuilt here: toy has no version 9."


def test_two_good_environments_with_different_pythons_say_that_python_is_no_difference():
    python = PythonResult("3.10.1", "3.12.1", "3.12.1", PythonRole.NOT_ASKED)
    said = sentence(blame(Conclusion.BOTH_GOOD, sets=[], changes=[], python=python), arm("good", "good"))
    assert said.startswith("The difference is neither in the packages nor in Python: bad.txt, rebuilt here")


def commands(**facts):
    host = {"python": "3.11.7"}
    made = Report("run", "job", "", "environment", "", "", host, {}, [], blame=blame(**facts))
    return rebuilding(made)


def test_environments_are_made_by_hand_with_the_python_that_their_locks_are_for():
    more = "uv pip install --python {0} --no-deps --require-hashes -r run/locks/{0}.txt"
    good, bad = more.format("good"), more.format("bad")
    assert commands() == [f"uv venv --python 3.11 good && {good}", f"uv venv --python 3.11 bad && {bad}"]
    for role, first in ((PythonRole.ALONE, "3.10"), (PythonRole.TOGETHER, "3.12")):
        found = commands(python=PythonResult("3.10.1", "3.12.1", "3.12.1", role))
        assert found == [f"uv venv --python {first} good && {good}", f"uv venv --python 3.12 bad && {bad}"]
    assert commands(bad=replace(BAD, lock=None)) == [f"uv venv --python 3.11 good && {good}"]


def test_what_was_executed_is_counted():
    counted = [held(one) for one in (GOOD, replace(GOOD, packages=1), replace(GOOD, lock=None, packages=0))]
    assert counted == ["3 packages", "1 package", "not rebuilt here"]
    assert support(blame()).startswith(
        "3 packages changed; 1 execution (1 bad); 1 mixture cannot be resolved; "
    )
    assert support(blame(changes=[change("alpha")])).startswith("1 package changed; ")


@pytest.mark.parametrize("role", list(PythonRole))
def test_python_is_blamed_only_where_its_exchange_shows_it(role):
    python = PythonResult("3.10.1", "3.12.1", "3.12.1", role)
    alone = blame(Conclusion.FOUND, sets=[], changes=[], python=python)
    beside = sentence(blame(Conclusion.FOUND, python=python), arm())
    if role == PythonRole.ALONE:
        assert sentence(alone, arm()) == "Python 3.10.1 -> 3.12.1 did it, alone."
    assert ("does it too" in beside) == (role == PythonRole.EITHER)
    assert ("together with Python" in beside) == (role == PythonRole.TOGETHER)
    needed_or_not_known = (PythonRole.TOGETHER, PythonRole.EITHER, PythonRole.HELD)
    assert ("did it, alone" in beside) == (role not in needed_or_not_known)


def report(facts):
    return Report(
        run="run",
        scenario="job",
        description="",
        package="environment",
        started="2026-01-01T00:00:00+00:00",
        command="python -m harness blame",
        host={},
        environment={},
        arms=[replace(arm(), answer=sentence(facts, arm()))],
        blame=facts,
    )


def test_a_report_comes_back_from_json():
    whole = report(
        blame(python=PythonResult("3.10.1", "3.12.1", "3.12.1", PythonRole.HELD), inside=[inside()])
    )
    assert Report.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_hostile_names_do_nothing(tmp_path):
    hostile = "<script>alert(1)</script>"
    facts = blame(
        changes=[change(hostile, Standing.CULPRIT, before=hostile), change("beta"), change("gamma")],
        good=replace(GOOD, given=hostile, left_out=[{"name": hostile, "reason": hostile, "version": None}]),
    )
    write_report(tmp_path, report(facts), {})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert hostile not in page
    assert "&lt;script&gt;alert(1)" in page
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "<script>" not in re.sub("`[^`]*`", "", summary)  # in a span of code it is a text


def test_the_table_names_every_change_once_culprits_first():
    found = rows(blame())
    assert [row.name for row in found] == ["alpha", "beta", "gamma"]
    assert found[0].shown == "the good environment with it fails; the bad environment without it is good"
    assert found[1].shown == "a mixture without its change fails; a mixture with its change is good"


def test_the_picture_has_a_column_for_every_step_and_a_bar_where_changes_are_applied():
    picture = path_picture(blame())
    assert len(re.findall("<g class=", picture.svg)) == 2
    assert len(re.findall("<rect (?!class)", picture.svg)) == 2  # alpha and gamma of the first step are apart
    assert "; 1 execution (1 bad)" in support(blame())
    assert replaced(blame()) == []
