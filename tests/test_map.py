"""The map: every boundary in verdict, census and trace, from findings that no process was needed for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.releases.release import Release
from harness.runs.gather import arm_result
from harness.scenario import Arm
from harness.search.boundaries import conclude, verdict_changes
from harness.sessions.arm_map import arrange
from harness.sessions.finding import Finding
from harness.sessions.searched import Searched, replay
from harness.traces.census import census_differences, census_digest, renamed
from harness.traces.compare import beyond, first_difference, noise_floor
from harness.traces.trace import Trace
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict

GOOD, BAD, SKIP, UNTESTED = Verdict.GOOD, Verdict.BAD, Verdict.SKIP, Verdict.UNTESTED
LETTERS = {"g": GOOD, "b": BAD, "s": SKIP, "u": UNTESTED}


def read(history):
    return [LETTERS[letter] for letter in history]


@pytest.mark.parametrize(
    ("history", "conclusion", "boundaries"),
    [
        ("ggbb", "regressed", [(1, 2, "regressed", ())]),
        ("bbgg", "fixed", [(1, 2, "fixed", ())]),
        ("gbg", "non-monotone", [(0, 1, "regressed", ()), (1, 2, "fixed", ())]),
        ("gsb", "untestable-gap", [(0, 2, "regressed", (1,))]),
        ("gssbsg", "non-monotone", [(0, 3, "regressed", (1, 2)), (3, 5, "fixed", (4,))]),
        ("sgbs", "regressed", [(1, 2, "regressed", ())]),
        ("gsg", "always-good", []),
        ("bsb", "never-good", []),
        ("sss", "inconclusive", []),
        ("uuu", "inconclusive", []),
        ("g", "always-good", []),
    ],
)
def test_truth_table(history, conclusion, boundaries):
    assert conclude(read(history)) == conclusion
    found = [(one.before, one.after, one.kind, one.skipped) for one in verdict_changes(read(history))]
    assert found == boundaries


@given(st.lists(st.sampled_from("gbs"), min_size=1, max_size=40))
def test_a_boundary_never_rests_on_a_skip(history):
    verdicts = read(history)
    for one in verdict_changes(verdicts):
        assert {verdicts[one.before], verdicts[one.after]} == {GOOD, BAD}
        assert all(verdicts[position] == SKIP for position in range(one.before + 1, one.after))


@given(st.lists(st.sampled_from("gb"), min_size=2, max_size=40))
def test_without_skips_every_change_is_a_boundary(history):
    changed = [place for place in range(1, len(history)) if history[place] != history[place - 1]]
    assert [one.after for one in verdict_changes(read(history))] == changed


def trace(*losses, census=None):
    return Trace(
        start={},
        end={},
        training=True,
        columns=("loss",),
        steps=tuple(range(1, len(losses) + 1)),
        rows=tuple((one,) for one in losses),
        census=census,
    )


def finding(verdict=GOOD, *losses, census=None, identity="same"):
    losses = losses or (1.0, 0.5)
    held = trace(*losses, census=census)
    fingerprint = Fingerprint("non-finite loss", 1, "forward") if verdict == BAD else None
    return Finding(
        Judgement(verdict, f"it is {verdict}", fingerprint),
        lock="lock",
        trace=held,
        trace_digest=held.digest() if verdict != SKIP else None,
        census=census_digest(census),
        identity=identity,
    )


def parameters(dtype, trained=True, raw="base.{}"):
    names = [f"layers.{layer}.lora_{side}.weight" for layer in range(2) for side in "AB"]
    return {
        "parameters": [
            {"name": name, "raw": raw.format(name), "dtype": dtype, "shape": [8, 8], "trainable": trained}
            for name in names
        ],
        "optimizer": {"class": "AdamW", "eps": 1e-8},
    }


def drawn(findings):
    names = [f"{place}.0" for place in range(len(findings))]
    answer = replay(Searched("sweep"), names, findings).answer()
    found = arrange(len(names), findings, answer.judged)
    releases = [Release(name) for name in names]
    return arm_result(Arm("arm", {}), releases, found, answer, package="toy", commands=names, searched={})


def twice(*arguments, **options):
    return {repeat: finding(*arguments, **options) for repeat in range(2)}


def test_boundaries_in_census_and_trace_without_one_in_verdict():
    old, new = parameters("float32"), parameters("float16")
    result = drawn(
        {
            0: twice(GOOD, 1.0, 0.5, census=old),
            1: twice(GOOD, 1.0, 0.5, census=old),
            2: twice(GOOD, 1.0, 0.6, census=new),
        }
    )
    assert result.conclusion == "always-good"
    assert result.deterministic is True
    assert [(one.signal, one.before, one.after, one.confirmed) for one in result.boundaries] == [
        ("census", "1.0", "2.0", True),
        ("trace", "1.0", "2.0", True),
    ]
    assert result.boundaries[0].details == [
        "4 parameters: dtype float32 -> float16 (layers.*.lora_A.weight, layers.*.lora_B.weight)"
    ]
    assert result.boundaries[1].details == ["first differs at step 2: loss 0.5 -> 0.6"]
    assert "yet the census changes at 1.0 -> 2.0" in result.answer


def test_a_boundary_is_confirmed_only_by_both_sides_again():
    sides = {0: {0: finding(GOOD)}, 1: {0: finding(BAD)}}
    assert not drawn(sides).boundaries[0].confirmed
    sides[0][1] = finding(GOOD)
    assert not drawn(sides).boundaries[0].confirmed
    sides[1][1] = finding(BAD)
    assert drawn(sides).boundaries[0].confirmed
    sides[1][1] = finding(GOOD)
    assert not drawn(sides).boundaries[0].confirmed


def test_a_job_that_is_not_identical_is_no_evidence():
    result = drawn({0: twice(GOOD), 1: {0: finding(BAD, identity="other")}, 2: twice(GOOD)})
    assert [row.verdict for row in result.releases] == ["good", "skip", "good"]
    assert result.releases[1].reason.startswith("not identical")
    assert result.conclusion == "always-good"


def test_an_end_that_is_no_evidence_leaves_a_gap():
    result = drawn({0: twice(GOOD), 1: twice(GOOD), 2: {0: finding(BAD, identity="other")}})
    assert [row.verdict for row in result.releases] == ["good", "good", "skip"]
    assert result.conclusion == "untestable-gap"


def test_a_release_whose_executions_disagree_says_how_often_it_fails():
    flaky = {repeat: finding(BAD if repeat in (1, 4, 8) else GOOD) for repeat in range(10)}
    steady = {repeat: finding(GOOD) for repeat in range(10)}
    result = drawn(dict.fromkeys(range(3), steady) | dict.fromkeys(range(3, 6), flaky))
    rows = result.releases
    assert [row.verdict for row in rows] == ["good"] * 3 + ["bad"] * 3
    assert rows[3].reason == "fails in 3 of 10 executions: it is bad"
    assert [(one.before, one.after, one.kind) for one in result.boundaries if one.signal == "verdict"] == [
        ("2.0", "3.0", "regressed")
    ]
    same = drawn(dict.fromkeys(range(4), flaky))
    assert {row.verdict for row in same.releases} == {"good"}
    assert {row.reason for row in same.releases} == {"fails in 3 of 10 executions: it is good"}
    assert not [one for one in same.boundaries if one.signal == "verdict"]
    assert same.conclusion == "inconclusive"


def test_where_repeats_differ_only_what_is_beyond_their_noise_counts():
    result = drawn(
        {
            0: {0: finding(GOOD, 1.0, 0.500), 1: finding(GOOD, 1.0, 0.501)},
            1: {0: finding(GOOD, 1.0, 0.5005), 1: finding(GOOD, 1.0, 0.5002)},
            2: {0: finding(GOOD, 1.0, 0.7), 1: finding(GOOD, 1.0, 0.7001)},
        }
    )
    assert result.deterministic is False
    places = [(one.before, one.after) for one in result.boundaries if one.signal == "trace"]
    assert places == [("1.0", "2.0")]
    assert "beyond that noise" in result.notes[0]


def test_census_differences_are_grouped():
    frozen = parameters("float32", trained=False)
    fewer = {**frozen, "parameters": frozen["parameters"][:2], "optimizer": {"class": "AdamW", "eps": 1e-4}}
    assert census_differences(parameters("float32"), frozen) == [
        "4 parameters: trained -> frozen (layers.*.lora_A.weight, layers.*.lora_B.weight)"
    ]
    assert census_differences(frozen, fewer) == [
        "2 parameters: gone (layers.*.lora_A.weight, layers.*.lora_B.weight)",
        "optimizer: eps 1e-08 -> 0.0001",
    ]
    other_names = parameters("float32", raw="base.{}.new")
    assert census_digest(parameters("float32")) == census_digest(other_names), (
        "what a release calls a parameter is no difference"
    )
    assert renamed(parameters("float32"), other_names)[0].startswith(
        "renamed: base.layers.*.lora_A.weight -> "
    )


def test_the_first_difference_is_told_in_order_of_happening():
    columns = ("loss", "g.weight_checksum", "g.gradient_norm")
    one = Trace(columns=columns, steps=(1, 2), rows=((1.0, 7.0, 3.0), (0.5, 8.0, 2.0)))
    two = Trace(columns=columns, steps=(1, 2), rows=((1.0, 9.0, 3.5), (0.4, 1.0, 1.0)))
    difference = first_difference(one, two)
    assert (difference.step, difference.signal, difference.others) == (1, "g.gradient_norm", 1)
    assert first_difference(one, one) is None
    nan = Trace(columns=("loss",), steps=(1,), rows=((float("nan"),),))
    assert first_difference(nan, nan) is None
    shorter = Trace(columns=columns, steps=(1,), rows=one.rows[:1])
    assert first_difference(one, shorter).signal == "number of steps"


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=20), st.floats(0, 0.01))
def test_the_noise_floor_covers_what_it_was_learnt_from(losses, noise):
    first, again = trace(*losses), trace(*(loss * (1 + noise) for loss in losses))
    floor = noise_floor([first, again])
    assert not beyond(first, again, floor)
    assert beyond(first, trace(*(loss * (1.5 + noise) for loss in losses)), floor)
