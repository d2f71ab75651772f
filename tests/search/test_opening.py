"""The search for hunks, on simulated boundaries: the truth of every mixture is known, and so is what was executed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from opened_worlds import (
    Boundary,
    any_boundary,
    bad_with,
    faults,
    numbers,
    opened,
    parts_of,
    planted_boundary,
)

from harness.descent import opening
from harness.report.hunks import sentences
from harness.search.mixtures import Outcome
from harness.search.ties import Tie

FIVE_FILES = tuple(f"p/{name}.py" for name in "abcde" for _ in range(2))


def named(mixtures, sets):
    """Return the sets of an answer: {the parts of each}, where nothing else is needed."""
    assert not any(one.required for one in sets)
    return {frozenset(parts_of(mixtures, one)) for one in sets}


def parts(*several):
    return frozenset(frozenset({number}) for number in several)


@pytest.mark.parametrize(
    ("make", "seeds"),
    [
        (planted_boundary, range(80)),
        (any_boundary, range(120)),
        (lambda seed: planted_boundary(seed, random.Random(seed).randint(45, 60)), range(6)),
    ],
    ids=["planted", "any function", "many hunks"],
)
def test_every_claim_holds_and_was_executed(make, seeds):
    boundaries = {seed: make(seed) for seed in seeds}
    found = {seed: faults(one, *opened(one)) for seed, one in boundaries.items()}
    assert {seed: one for seed, one in found.items() if one} == {}


@pytest.mark.parametrize("fixed", [False, True], ids=["break", "repair"])
@pytest.mark.parametrize("looks", [(), ({0, 3, 7},)], ids=["all searched", "few executed"])
@pytest.mark.parametrize(
    ("culprits", "cure", "broken"),
    [
        ([{3}], {parts(3)}, {parts(3)}),
        ([{3, 7}], {parts(3), parts(7)}, {parts(3, 7)}),
        ([{3}, {7}], {parts(3, 7)}, {parts(3), parts(7)}),
        ([{0, 3, 7}], {parts(0), parts(3), parts(7)}, {parts(0, 3, 7)}),
    ],
)
def test_what_was_planted_is_found_both_ways(fixed, looks, culprits, cure, broken):
    boundary = Boundary(bad_with(*culprits), FIVE_FILES, fixed=fixed, looks=tuple(map(frozenset, looks)))
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    assert named(mixtures, answer.taken_back) == cure
    assert named(mixtures, answer.sets) == broken
    assert all(one.confirmed for one in (*answer.taken_back, *answer.sets))
    assert answer.innocent is (True if looks else None)


def test_what_cures_is_taken_out_of_the_whole_bad_side():
    """The job executes 0 and 1 of both sides; without 0 it gets to 2, which with 1 fails in the same way."""
    boundary = Boundary(bad_with({0}, {1, 2}), FIVE_FILES, looks=(frozenset({0, 1}),))
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    assert named(mixtures, answer.taken_back) == {parts(0, 1)}
    assert named(mixtures, answer.sets) == {parts(0)}


def test_where_what_was_not_executed_matters_everything_is_searched_but_what_stands_in_both_forms():
    boundary = Boundary(
        bad_with({4}), FIVE_FILES, looks=(frozenset({0}), frozenset({0, 1})), both=frozenset({8, 9})
    )
    answer, mixtures = opened(boundary)
    assert named(mixtures, answer.taken_back) == named(mixtures, answer.sets) == {parts(4)}
    assert (answer.innocent, answer.executed) == (False, 10)
    assert not any(mixture & {8, 9} for mixture, _ in mixtures.asked)
    assert sentences(answer)[0] == "10 hunks in 5 files differ; all of them were searched"


@pytest.mark.parametrize(
    ("outcome", "conclusion"),
    [(Outcome.GOOD, "both-good"), (Outcome.BAD, "both-bad"), (Outcome.OTHER, "end-untestable")],
)
def test_where_no_hunk_is_left_to_search_the_files_are_executed(outcome, conclusion):
    boundary = Boundary(lambda _: (outcome, ()), ("p/a.py",), both=frozenset({0}))
    answer, mixtures = opened(boundary)
    assert (answer.conclusion, answer.sets, answer.taken_back) == (conclusion, [], [])
    assert set(mixtures.asked) == {(frozenset(), 0)}


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    ("good", "bad", "conclusion"),
    [
        (Outcome.GOOD, Outcome.GOOD, "both-good"),
        (Outcome.BAD, Outcome.BAD, "both-bad"),
        (Outcome.BAD, Outcome.GOOD, "reversed"),
        (Outcome.OTHER, Outcome.BAD, "end-untestable"),
        (Outcome.GOOD, Outcome.UNRESOLVED, "end-untestable"),
    ],
)
def test_sides_that_do_not_end_as_they_did_claim_nothing(fixed, good, bad, conclusion):
    def does(mixture):
        return good if not mixture else bad if len(mixture) == 10 else Outcome.OTHER, ()

    answer, _ = opened(Boundary(does, FIVE_FILES, fixed=fixed))
    assert (answer.conclusion, answer.sets, answer.taken_back) == (conclusion, [], [])


def test_hunks_that_nothing_separates_are_one_part_of_what_cures_and_told_apart_in_what_breaks():
    """1 and 2 can be taken back only together; put into the good side, 1 does it alone."""

    def does(mixture):
        if (1 in mixture) != (2 in mixture) and len(mixture) > 1:
            return Outcome.OTHER, ()
        return (Outcome.BAD if 1 in mixture else Outcome.GOOD), ()

    boundary = Boundary(does, FIVE_FILES)
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    assert named(mixtures, answer.taken_back) == {frozenset({frozenset({1, 2})})}
    assert named(mixtures, answer.sets) == {parts(1)}
    assert "nothing separates them" in sentences(answer)[1]


def test_a_hunk_and_one_that_defines_a_name_for_it_are_exchanged_as_a_pair():
    """No single hunk tells: 5 uses what 3 defines, and so 7 what 6 does."""
    boundary = Boundary(
        bad_with({3, 6}, {3, 7}, {5, 6}, {5, 7}),
        FIVE_FILES,
        suspects={5: 100.0},
        lines={
            3: ("def other():", "def helper():"),
            5: ("x = other()", "x = helper()"),
            6: ("k = 1", "k = 2"),
        },
    )
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    assert named(mixtures, answer.taken_back) == {parts(3, 5), parts(6, 7)}
    asked = [mixture for mixture, _ in mixtures.asked]
    assert asked.index(boundary.every - {3, 5}) == 2 * opening.MOST_SINGLE


def refactoring(*files):
    """Return what is bad with all hunks of some files, and with all; a part of a file fails otherwise."""

    def does(mixture):
        whole = {file: len([n for n in range(100) if n // 20 == file and n in mixture]) for file in range(5)}
        if any(0 < count < 20 for count in whole.values()):
            return Outcome.OTHER, ()
        return (Outcome.BAD if all(whole[file] == 20 for file in files) else Outcome.GOOD), ()

    return Boundary(does, tuple(f"p/{name}.py" for name in "abcde" for _ in range(20)))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("near", [(), ("p/b.py", "p/d.py"), ("p/a.py",)])
def test_whole_files_are_put_in_where_no_part_of_them_can_be(fixed, near):
    boundary = replace(refactoring(1, 3), fixed=fixed, near=near)
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    (one,) = answer.sets
    assert {hunk.file for hunk in one.hunks()} == {"p/b.py", "p/d.py"}
    assert one.whole_files
    assert one.confirmed
    assert (
        "the changes of p/b.py, p/d.py (40 hunks) applied to the good release bring the failure; each of these files is "
        "needed: a refactoring, of which no smaller part was found that does it (confirmed)"
    ) in sentences(answer)


def test_files_on_the_way_to_the_line_that_does_it_are_tried_first():
    near, not_near, unknown = (
        opened(replace(refactoring(1, 3), near=files))[1].executions
        for files in (("p/b.py", "p/d.py"), ("p/a.py",), ())
    )
    assert near < not_near == unknown


def test_what_a_whole_file_needs_is_said():
    """The hunks of file 1 do it; its tie to file 3 is known."""
    tie = Tie(frozenset({20}), frozenset({60}), "it is used")
    boundary = replace(refactoring(1), fixed=True, known=(tie,))
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    (one,) = answer.sets
    assert numbers(mixtures, one.required) == frozenset(range(60, 80))
    assert "p/b.py (20 hunks), with 20 of other files that these need, applied to" in sentences(answer)[-1]


def test_a_hunk_in_a_file_that_does_it_is_told_apart():
    """More than the first search can tell: any mixture of 30 hunks of other files fails otherwise."""
    files = tuple(f"p/{name}.py" for name in "abcde" for _ in range(10))

    def does(mixture):
        per_file = [sum(n // 10 == file for n in mixture) for file in range(5)]
        if any(count % 10 for count in (*per_file[:2], *per_file[3:])):
            return Outcome.OTHER, ()
        return (Outcome.BAD if {21, 23, 25} <= mixture else Outcome.GOOD), ()

    boundary = Boundary(does, files, fixed=True)
    answer, mixtures = opened(boundary)
    assert faults(boundary, answer, mixtures) == []
    assert named(mixtures, answer.sets) == {parts(21, 23, 25)}


def test_what_has_no_stable_outcome_is_not_named():
    """Hunk 3 breaks at the first execution alone."""

    def flips(mixture, repeat):
        if 3 in mixture and len(mixture) < 10 and repeat:
            return Outcome.GOOD
        return Outcome.BAD if 3 in mixture else Outcome.GOOD

    answer, mixtures = opened(Boundary(bad_with({3}), FIVE_FILES, flips=flips))
    assert parts(3) not in named(mixtures, answer.sets)


def test_with_noise_hardly_any_answer_is_wrong():
    """5 % of all executions show the wrong one of good and bad."""
    wrong = 0
    for seed in range(40):
        boundary = planted_boundary(seed)

        def flips(mixture, repeat, boundary=boundary, seed=seed):
            outcome = boundary.outcome(mixture)
            other = {Outcome.GOOD: Outcome.BAD, Outcome.BAD: Outcome.GOOD}.get(outcome, outcome)
            return other if random.Random(f"{seed} {sorted(mixture)} {repeat}").random() < 0.05 else outcome

        answer, mixtures = opened(replace(boundary, flips=flips))
        wrong += any("does not do it" in one for one in faults(boundary, answer, mixtures))
    assert wrong <= 1
