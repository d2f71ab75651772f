"""Which Python two environments are rebuilt with, and what is said where one of theirs is not on this machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.blame import prepare
from harness.blame.prepare import interpreters
from harness.blame.pythons import _of_ends
from harness.errors import ToolMissingError
from harness.locks.interpreter import Interpreter
from harness.search.culprits import Conclusion
from harness.search.mixtures import Outcome
from harness.snapshots.snapshot import Kind, Snapshot

HERE = {
    wanted: Interpreter(Path(f"/usr/bin/python{version}"), version, "linux-x86_64")
    for wanted, version in (("==3.11.*", "3.11.7"), ("==3.12.*", "3.12.1"), (">=3.8", "3.11.7"))
}


@pytest.fixture
def found(monkeypatch):
    """Ask for the Pythons of two lists on a machine that has 3.11 and 3.12; returns their versions, and what is noted."""

    def find(wanted, _uv):
        if wanted not in HERE:
            raise ToolMissingError(f"no Python {wanted}")
        return HERE[wanted]

    monkeypatch.setattr(prepare, "find_interpreter", find)

    def ask(good, bad, *, named=None, scenario=">=3.8"):
        lists = tuple(Snapshot((), (), Kind.CONDA_LIST, "x", python=python) for python in (good, bad))
        question = SimpleNamespace(holds=SimpleNamespace(python=named))
        asked = SimpleNamespace(question=question, scenario=SimpleNamespace(python=scenario))
        notes = []
        both = interpreters(SimpleNamespace(asked=asked, snapshots=lists), None, notes)
        return [one.version for one in both], notes

    return ask


@pytest.mark.parametrize(
    ("good", "bad", "versions"),
    [
        ("3.11", "3.12.4", ["3.11.7", "3.12.1"]),
        ("3.11.2", "3.11.9", ["3.11.7", "3.11.7"]),
        (None, "3.12", ["3.12.1", "3.12.1"]),
        (None, None, ["3.11.7", "3.11.7"]),
    ],
)
def test_each_list_has_its_own_python_where_it_names_one(found, good, bad, versions):
    assert found(good, bad) == (versions, [])


def test_a_python_that_is_named_is_the_one_of_both(found):
    assert found("3.11", "3.12", named="3.12", scenario="==3.12.*") == (["3.12.1", "3.12.1"], [])


@pytest.mark.parametrize(("good", "bad", "there"), [("3.5", "3.12", "3.12.1"), ("3.11", "3.5", "3.11.7")])
def test_a_python_that_is_not_here_is_not_compared_and_that_is_said(found, good, bad, there):
    assert found(good, bad) == (
        [there, there],
        [
            (
                "the environments have different Pythons, and Python 3.5 is not on this machine: both were rebuilt with "
                f"{there}, so that Python is not compared"
            )
        ],
    )


def test_without_either_python_nothing_is_rebuilt(found):
    with pytest.raises(ToolMissingError, match=r"no Python ==3\.6"):
        found("3.5", "3.6")


@pytest.mark.parametrize(
    ("good", "bad", "conclusion"),
    [
        (Outcome.GOOD, Outcome.GOOD, Conclusion.BOTH_GOOD),
        (Outcome.BAD, Outcome.BAD, Conclusion.BOTH_BAD),
        (Outcome.BAD, Outcome.GOOD, Conclusion.REVERSED),
        (Outcome.GOOD, None, Conclusion.END_UNTESTABLE),
        (None, Outcome.BAD, Conclusion.END_UNTESTABLE),
    ],
)
def test_ends_that_are_not_good_and_bad_are_what_the_answer_is(good, bad, conclusion):
    assert _of_ends(good, bad) == conclusion
