"""What sentences claim of flaky executions and of dependencies that move, over every such history; see test_answer.py."""

import itertools
import re
from dataclasses import replace

import pytest
from test_answer import VERDICTS, found, row, versions

from harness.report.opened import CulpritResult, DependencyAnswer, Outcome
from harness.report.sentences import sentence
from harness.search.boundaries import Conclusion, conclude, verdict_changes
from harness.verdicts.verdict import Verdict

FLAKY = {"n": ("g", ["bad", "good"]), "w": ("b", ["good", "bad"])}
"""n: good although one of three executions is bad, w: bad although one of three is good."""

HELPER = {"name": "helper", "before": "1.0", "after": "2.0"}


def rows(history):
    """The releases of a history, each executed three times where it has a verdict."""
    made = []
    for name, letter in zip(versions(history), history, strict=True):
        plain, repeats = FLAKY.get(letter, (letter, [str(VERDICTS[letter])] * 2 if letter in "gb" else []))
        made.append(row(name, plain, repeats=repeats))
    return made


def plainly(history):
    return "".join(FLAKY.get(letter, letter)[0] for letter in history)


@pytest.mark.parametrize("confirmed", [True, False])
def test_what_is_said_of_executions_that_disagree(confirmed):
    for length in range(1, 5):
        for history in map("".join, itertools.product("gbnwsu", repeat=length)):
            plain = plainly(history)
            verdicts = [VERDICTS[letter] for letter in plain]
            settled = confirmed or not set(history) & set("nw")
            concluded = conclude(verdicts) if settled else Conclusion.INCONCLUSIVE
            boundaries = found(plain, confirmed=confirmed)
            text = sentence("toy", {}, concluded, boundaries, rows(history))
            check_disagreement(text, history, concluded, f"{history}: {text}")
            if not confirmed:
                assert not re.search(r"(?<!not )confirmed", text), f"{history}: {text}"


def check_disagreement(text, history, concluded, complaint):
    """Executions disagree where they do; their number is told; and where nothing is sure, nobody is named."""
    flaky = [place for place, letter in enumerate(history) if letter in "nw"]
    if not flaky:
        assert "disagree" not in text, complaint
        assert "flaky" not in text, complaint
        return
    if concluded == Conclusion.INCONCLUSIVE:
        doubt = text.partition("Located so far")[0]  # what follows is confirmed
        assert not re.search(r"\bfirst\b|Nothing broke|No break|broke it|broke the job", doubt), complaint
        return
    assert "disagree" in text, complaint
    for place, bad, total in re.findall(r"1\.(\d+) is bad in (\d+) of (\d+)", text):
        assert (bad, total) == {"n": ("1", "3"), "w": ("2", "3")}[history[int(place)]], complaint
    for count, bad, total in re.findall(r"of (\d+) releases disagree: (\d+) of their (\d+)", text):
        failures = sum({"n": 1, "w": 2}[history[place]] for place in flaky)
        assert (int(count), int(bad), int(total)) == (len(flaky), failures, 3 * len(flaky)), complaint


def moved(boundary, outcome):
    """The boundary with a helper that moves from 1.0 to 2.0 beside the release; None: nobody asked who did it."""
    if outcome is None:
        return replace(boundary, moves=[{"name": "toy"}, HELPER])
    named = outcome not in (Outcome.PACKAGE, Outcome.UNDECIDED)
    return replace(
        boundary,
        dependencies=DependencyAnswer(outcome, [HELPER], [CulpritResult(["helper"])] if named else []),
    )


@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_who_did_it_is_said_only_as_far_as_it_is_known(outcome):
    for length in range(2, 6):
        for history in map("".join, itertools.product("gbsu", repeat=length)):
            verdicts = [VERDICTS[letter] for letter in history]
            if conclude(verdicts) == Conclusion.INCONCLUSIVE or not verdict_changes(verdicts):
                continue
            boundaries = [moved(one, outcome) for one in found(history)]
            text = sentence("toy", {}, conclude(verdicts), boundaries, rows(history))
            check_who(text, history, outcome, f"{history}, {outcome}: {text}")


def check_who(text, history, outcome, complaint):
    """The helper is named where it did it or may have; a release only where it did it, and its neighbour was executed."""
    clauses = [re.match(r"(.*?) (?:broke|repaired)", clause) for clause in re.split(r"[.:;] ", text)]
    for subject in (clause[1] for clause in clauses if clause):
        toy, helper = re.search(r"toy|1\.\d|a release", subject), "helper 2.0" in subject
        assert bool(toy) == (outcome != Outcome.DEPENDENCIES), complaint
        assert helper == (outcome != Outcome.PACKAGE), complaint
        unsure = outcome in (Outcome.UNDECIDED, None)
        assert ("or several of them" in subject) == unsure, complaint
        for place in map(int, re.findall(r"1\.(\d)", subject)):
            assert {VERDICTS[letter] for letter in history[place - 1 : place + 1]} == {
                Verdict.GOOD,
                Verdict.BAD,
            }, complaint
    assert ("was not tested" in text) == (outcome is None), complaint
    assert ("cannot be told apart" in text) == (outcome == Outcome.UNDECIDED), complaint
