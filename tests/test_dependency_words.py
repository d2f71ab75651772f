"""The decision of a boundary where dependencies change, as a truth table; and the words, for every outcome."""

from __future__ import annotations

import json

import pytest

from harness.report.dependencies import proof, reservation, rows, subject
from harness.report.model import BoundaryResult, Report
from harness.report.opened import CulpritResult, DependencyAnswer, Likeness, MixtureResult, Outcome, Tie
from harness.search.dependencies import Culprits, SpentError, culprits
from harness.search.exchange import decide

HELPER = {"name": "helper", "before": "1.0", "after": "2.0"}
EXTRA = {"name": "extra", "before": None, "after": "2.0"}
OLD, NEW = Tie("toy", "1.1", "helper", "helper<2"), Tie("toy", "1.2", "helper", "helper>=2")


@pytest.mark.parametrize(
    ("good_package", "bad_package", "outcome"),
    [
        (True, True, "either"),
        (True, False, "dependencies"),
        (True, None, "dependencies"),
        (False, True, "package"),
        (False, False, "together"),
        (False, None, "package"),
        (None, True, "package"),
        (None, False, "dependencies"),
        (None, None, "undecided"),
    ],
)
def test_two_mixtures_decide(good_package, bad_package, outcome):
    assert decide(good_package, bad_package) == outcome


@pytest.mark.parametrize(
    ("faulty", "refused", "expected"),
    [
        ([{"b"}], [], [Culprits(("b",))]),
        ([{"a", "c"}], [], [Culprits(("a", "c"), together=True)]),
        ([{"a"}, {"d"}], [], [Culprits(("a",)), Culprits(("d",))]),
        ([{"a"}], [{"a"}, {"b"}, {"b", "c", "d"}, {"a", "c", "d"}], [Culprits(("a", "b"))]),
    ],
)
def test_the_smallest_sets_do_it_and_what_was_not_seen_apart_is_not_said_together(faulty, refused, expected):
    def fails(chosen, _times):
        return None if set(chosen) in refused else any(one <= chosen for one in faulty)

    assert list(culprits("abcd", fails)[0]) == expected


def test_without_executions_or_with_ones_that_disagree_all_are_named_as_one():
    def spent(_chosen, _times):
        raise SpentError

    assert culprits("ab", spent) == ((Culprits(("a", "b")),), ())
    assert culprits("ab", lambda chosen, times: times == 1 and "a" in chosen) == ((Culprits(("a", "b")),), ())


def trial(release, did, *, forced=False, refused="", ties=(), names=("helper",)):
    executed = did != Likeness.REFUSED
    verdict = "untested" if not executed else "good" if did == Likeness.BEFORE else "bad"
    executions = [{"probe": "p", "repeat": repeat, "seed": 0, "verdict": verdict} for repeat in (1, 2)]
    return MixtureResult(
        release,
        list(names),
        did,
        verdict,
        "planted" if executed else "not executed",
        executions=executions if executed else [],
        refused=refused or ("no solution" if ties else ""),
        ties=list(ties),
        forced=forced,
    )


def place(outcome, trials=(), *, found=None, changes=(HELPER,), kind="regressed", **facts):
    sets = found if found is not None else [CulpritResult([one["name"] for one in changes])]
    some = outcome not in {Outcome.PACKAGE, Outcome.UNDECIDED}
    answer = DependencyAnswer(outcome, list(changes), sets if some else [], trials=list(trials))
    return BoundaryResult(kind, "verdict", "1.1", "1.2", confirmed=True, dependencies=answer, **facts)


REFUSED = [trial("1.1", Likeness.REFUSED, ties=[OLD]), trial("1.2", Likeness.REFUSED, ties=[NEW])]


@pytest.mark.parametrize(
    ("kind", "outcome", "said"),
    [
        ("regressed", "package", ""),
        ("regressed", "dependencies", "helper 2.0"),
        ("regressed", "either", "toy 1.2 and helper 2.0, each by itself,"),
        ("regressed", "together", "toy 1.2 together with helper 2.0"),
        ("regressed", "undecided", "toy 1.2, helper 2.0, or several of them"),
        # What fails for either's sake is repaired by both alone, and the reverse.
        ("fixed", "either", "toy 1.2 together with helper 2.0"),
        ("fixed", "together", "toy 1.2 and helper 2.0, each by itself,"),
    ],
)
def test_who_did_it(kind, outcome, said):
    assert subject(place(Outcome(outcome), kind=kind), "toy") == said


def test_the_requirement_of_the_newer_release_is_told_before_others():
    assert subject(place(Outcome.DEPENDENCIES, REFUSED), "toy") == "helper 2.0 (toy 1.2 requires helper>=2)"
    assert (
        subject(place(Outcome.DEPENDENCIES, REFUSED[:1]), "toy") == "helper 2.0 (toy 1.1 requires helper<2)"
    )


def test_several_dependencies():
    both = (HELPER, EXTRA)
    pair = [CulpritResult(["helper", "extra"], together=True)]
    each = [CulpritResult(["helper"]), CulpritResult(["extra"])]
    of = Outcome.DEPENDENCIES
    assert subject(place(of, changes=both, found=pair), "toy") == "helper 2.0 and extra 2.0 together"
    assert subject(place(of, changes=both, found=each), "toy") == "helper 2.0 and extra 2.0, each by itself"
    assert subject(place(of, changes=both), "toy") == "helper 2.0 or extra 2.0 (not told apart)"
    gone = {"name": "gone", "before": "1.0", "after": None}
    assert subject(place(of, changes=(gone,)), "toy") == "no gone"


def test_a_release_is_not_named_where_others_were_skipped():
    assert subject(place(Outcome.TOGETHER, skipped=["1.1.1"]), "toy") == "toy together with helper 2.0"


def test_what_was_not_asked_is_not_said():
    known = BoundaryResult(
        "regressed", "verdict", "1.1", "1.2", moves=[{"name": "toy", "before": "1.1", "after": "1.2"}, HELPER]
    )
    assert subject(known, "toy") == "toy 1.2, helper 2.0, or several of them"
    assert reservation(known, "toy") == "; which of these changes did it was not tested"
    alone = BoundaryResult("regressed", "verdict", "1.1", "1.2", moves=known.moves[:1])
    assert (subject(alone, "toy"), reservation(alone, "toy"), proof(alone, "toy"), rows(alone, "toy")) == (
        "",
        "",
        "",
        [],
    )


def test_undecided_says_what_binds_them_or_what_else_was_seen():
    ties = "; these changes cannot be told apart: toy 1.1 requires helper<2 and toy 1.2 requires helper>=2"
    assert reservation(place(Outcome.UNDECIDED, REFUSED), "toy") == ties
    otherwise = [trial("1.1", Likeness.NEITHER), trial("1.2", Likeness.REFUSED, refused="uv was killed")]
    said = reservation(place(Outcome.UNDECIDED, otherwise), "toy")
    assert "toy 1.1 with helper 2.0 is no evidence: planted" in said
    assert "toy 1.2 with helper 1.0 was not executed: uv was killed" in said


def test_force_is_told_where_the_answer_rests_on_it_and_only_there():
    forced = trial("1.1", Likeness.AFTER, forced=True, ties=[OLD])
    told = "; shown by installing toy 1.1 with helper 2.0 although toy 1.1 requires helper<2"
    assert reservation(place(Outcome.DEPENDENCIES, [forced, REFUSED[1]]), "toy") == told
    allowed = trial("1.2", Likeness.BEFORE)
    assert reservation(place(Outcome.DEPENDENCIES, [forced, allowed]), "toy") == ""
    assert "(installed although toy 1.1 requires helper<2) fails as toy 1.2 does" in proof(
        place(Outcome.DEPENDENCIES, [forced, allowed]), "toy"
    )


def test_facts_keep_their_types_through_json():
    found = place(Outcome.DEPENDENCIES, REFUSED)
    data = json.loads(json.dumps(Report("r", "s", "d", "toy", "now", "c", {}, {}, [], []).to_dict()))
    data["arms"] = [
        {
            "name": "a",
            "parameters": {},
            "conclusion": "regressed",
            "answer": "",
            "releases": [],
            "boundaries": [item],
        }
        for item in json.loads(json.dumps([_plain(found)]))
    ]
    again = Report.from_dict(data).arms[0].boundaries[0]
    assert again == found
    assert isinstance(again.dependencies.outcome, Outcome)
    assert isinstance(again.dependencies.trials[0].ties[0], Tie)


def _plain(boundary):
    arm = {"name": "a", "parameters": {}, "conclusion": "", "answer": "", "releases": []}
    from harness.report.model import ArmResult

    report = Report("r", "s", "d", "toy", "now", "c", {}, {}, [ArmResult(**arm, boundaries=[boundary])], [])
    return report.to_dict()["arms"][0]["boundaries"][0]
