"""Mixtures of two locks, and what executions of one show."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cause.dependencies import likeness
from harness.locks.interpreter import Interpreter
from harness.locks.lock import Lock, Pinned
from harness.locks.mixture import contradicted, mixed
from harness.sessions.finding import Finding
from harness.verdicts.verdict import Effect, Fingerprint, Judgement, Verdict

PYTHON = Interpreter(Path("python"), "3.11.7", "linux-x86_64")


def lock(**versions):
    packages = [Pinned(name, version, (f"sha256:{name}{version}",)) for name, version in versions.items()]
    return Lock(tuple(sorted(packages)), "fixed", "3.11", "linux-x86_64")


def test_a_mixture_takes_versions_hashes_additions_and_removals():
    old, new = lock(toy="1", helper="1", gone="1", same="1"), lock(toy="2", helper="2", more="1", same="1")
    assert mixed(old, new, {"helper", "gone", "more"}) == lock(toy="1", helper="2", more="1", same="1")
    assert mixed(old, new, {"helper"}) == lock(toy="1", helper="2", gone="1", same="1")
    assert mixed(old, new, set()) == old


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("helper<2", "toy 1 requires helper<2"),
        ("Helper >= 2.1, <3", "toy 1 requires helper>=2.1,<3"),
        ("absent", "toy 1 requires absent"),
        ("helper>=2", None),
        ("helper<2; python_version < '3.8'", None),
        ("helper<2; extra == 'all'", None),
        ("helper<2; python_version >= '3.8'", "toy 1 requires helper<2"),
        ("no requirement at all <", None),
    ],
)
def test_the_requirements_in_the_way(requirement, said):
    found = contradicted(lock(toy="1", helper="2.0"), {("toy", "1"): (requirement,)}, PYTHON)
    assert [str(one) for one in found] == ([said] if said else [])


def finding(verdict, reason="", fingerprint=None, **facts):
    effect = facts.pop("effect", None)
    return Finding(Judgement(verdict, reason, fingerprint, effect), **facts)


GOOD = finding(Verdict.GOOD, "fell")
RAISED = finding(Verdict.BAD, "ValueError: one", Fingerprint("exception", exception="ValueError"))
NAN = finding(Verdict.BAD, "non-finite loss at step 3", Fingerprint("non-finite loss", 3, "forward"))
LATER = finding(Verdict.BAD, "non-finite loss at step 5", Fingerprint("non-finite loss", 5, "forward"))
OTHER_WORDS = finding(Verdict.BAD, "ValueError: two", Fingerprint("exception", exception="ValueError"))
OTHER = finding(Verdict.BAD, "TypeError: one", Fingerprint("exception", exception="TypeError"))
SKIP = finding(Verdict.SKIP, "cannot be imported")
WORSE = finding(Verdict.BAD, "loss is 2.0", Fingerprint("loss not below 1"), effect=Effect("loss", 2.0, 1.0))
WORST = finding(Verdict.BAD, "loss is 3.0", Fingerprint("loss not below 1"), effect=Effect("loss", 3.0, 1.0))


@pytest.mark.parametrize(
    ("found", "after", "forced", "expected"),
    [
        ([GOOD, GOOD], RAISED, False, "as before"),
        ([RAISED, RAISED], RAISED, False, "as after"),
        ([OTHER_WORDS, OTHER_WORDS], RAISED, False, "as after"),
        ([OTHER_WORDS, OTHER_WORDS], RAISED, True, "no evidence"),  # what was left out raises such things too
        ([RAISED, RAISED], RAISED, True, "as after"),
        ([OTHER, OTHER], RAISED, False, "no evidence"),
        ([SKIP, SKIP], RAISED, False, "no evidence"),
        ([GOOD, RAISED], RAISED, False, "no evidence"),
        ([RAISED, SKIP], RAISED, False, "no evidence"),
        ([], RAISED, False, "no evidence"),
        ([LATER, LATER], NAN, False, "as after"),  # the step moves with rounding
        ([LATER, LATER], NAN, True, "as after"),
        ([WORST, WORST], WORSE, True, "as after"),
    ],
)
def test_only_the_same_failure_is_evidence(found, after, forced, expected):
    assert likeness(found, [GOOD, GOOD], [after, after], forced=forced) == expected


def test_a_training_from_other_start_values_is_no_evidence():
    mine, theirs = (finding(Verdict.GOOD, identity=name) for name in ("one", "two"))
    assert likeness([mine], [theirs], [RAISED], forced=False) == "no evidence"
    assert likeness([mine], [mine], [RAISED], forced=False) == "as before"


def test_between_two_failures_each_is_evidence_for_its_own_side():
    assert likeness([OTHER], [OTHER], [RAISED], forced=False) == "as before"
    assert likeness([RAISED], [OTHER], [RAISED], forced=False) == "as after"
    assert likeness([GOOD], [OTHER], [RAISED], forced=False) == "no evidence"
