"""Two packages: whatever the table of verdicts, what the answer names is so in the table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import BAD, GOOD, SKIP, solve
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.search.boundaries import Conclusion
from harness.search.grid import Grid, Shape
from harness.verdicts.verdict import Verdict

JUDGEMENTS = {"g": GOOD, "b": BAD, "s": SKIP}
VERDICTS = {"g": Verdict.GOOD, "b": Verdict.BAD, "s": Verdict.SKIP}
OTHER = {Verdict.GOOD: Verdict.BAD, Verdict.BAD: Verdict.GOOD}


def at(table, cell):
    """A table is a list of rows, one for each release of the second package, oldest first."""
    return table[cell[1]][cell[0]]


def ask(table, strategy="binary"):
    """Answer all that a grid wants from a table; each edge by an ordinary search. Returns grid and edges asked."""
    grid, edges = Grid((len(table[0]), len(table))), []
    while True:
        if cells := grid.wanted_cells():
            for cell in cells:
                grid.tell(cell, VERDICTS[at(table, cell)])
        elif wanted := grid.wanted_edges():
            for edge in wanted:
                assert edge not in edges, "an edge was asked twice"
                edges.append(edge)
                answer_edge(grid, table, edge, strategy)
        else:
            return grid, edges


def answer_edge(grid, table, edge, strategy):
    def truth(position, _repeat):
        return JUDGEMENTS[at(table, edge.cell(edge.first + position))]

    found = solve(strategy, truth, edge.last - edge.first + 1).answer
    for position, verdict in enumerate(found.verdicts):
        grid.tell(edge.cell(edge.first + position), verdict)
    boundaries = [
        replace(
            one,
            before=one.before + edge.first,
            after=one.after + edge.first,
            skipped=tuple(position + edge.first for position in one.skipped),
        )
        for one in found.boundaries
    ]
    grid.answered(edge, boundaries, conclusive=found.conclusion != Conclusion.INCONCLUSIVE)


def true_in(table, change):
    """Both sides of a change have their verdicts, and all between them are skips."""
    first, last = (change.boundary.before, change.boundary.after)
    cells = [(p, change.at) if change.axis == 0 else (change.at, p) for p in range(first, last + 1)]
    letters = [at(table, cell) for cell in cells]
    kind = {"gb": "regressed", "bg": "fixed"}[letters[0] + letters[-1]]
    return kind == change.boundary.kind and set(letters[1:-1]) <= {"s"}


def check(table, strategy):
    grid, _ = ask(table, strategy)
    answer = grid.answer()
    assert not grid.disputed
    assert all(true_in(table, change) for change in answer.changes)
    for corner in answer.corners:
        assert corner is None or at(table, corner) in "gb"
    if answer.pair is not None:
        assert answer.shape == Shape.BOTH
        odd = VERDICTS[at(table, answer.pair)]
        for axis, change in enumerate(answer.changes):
            assert (change.axis, change.at) == (axis, answer.pair[1 - axis])
            assert change.side(odd) == answer.pair[axis]
            neighbour = list(answer.pair)
            neighbour[axis] = change.side(OTHER[odd])
            assert VERDICTS[at(table, tuple(neighbour))] == OTHER[odd]
    return answer


def tables(letters, least=2, most=6):
    sizes = st.tuples(st.integers(least, most), st.integers(least, most))
    return sizes.flatmap(
        lambda size: st.lists(
            st.text(letters, min_size=size[0], max_size=size[0]), min_size=size[1], max_size=size[1]
        )
    )


@st.composite
def staircases(draw):
    """A region of one verdict around one corner, whose edge is monotone: both packages may be needed for it."""
    width, height = draw(st.tuples(st.integers(2, 9), st.integers(2, 9)))
    ends = sorted(draw(st.lists(st.integers(0, width), min_size=height, max_size=height)), reverse=True)
    inside, outside = draw(st.sampled_from(["gb", "bg"]))
    rows = [inside * end + outside * (width - end) for end in ends]
    if draw(st.booleans()):
        rows = [row[::-1] for row in rows]
    return rows[::-1] if draw(st.booleans()) else rows


@settings(max_examples=400, deadline=None)
@given(tables("gb"), st.sampled_from(["sweep", "binary"]))
def test_whatever_the_table_what_is_named_is_so(table, strategy):
    answer = check(table, strategy)
    assert answer.shape != Shape.UNTESTABLE
    assert answer.conclusion != Conclusion.INCONCLUSIVE


@settings(max_examples=400, deadline=None)
@given(tables("gggbbbss"), st.sampled_from(["sweep", "binary"]))
def test_a_cell_that_cannot_be_tested_is_never_named(table, strategy):
    answer = check(table, strategy)
    if answer.shape == Shape.UNTESTABLE:
        assert answer.conclusion == Conclusion.INCONCLUSIVE
    if answer.conclusion in (Conclusion.REGRESSED, Conclusion.FIXED):
        assert not any(change.boundary.skipped for change in answer.changes)


@settings(max_examples=400, deadline=None)
@given(staircases(), st.sampled_from(["sweep", "binary"]))
def test_of_a_monotone_table_the_answer_is_complete(table, strategy):
    """With a verdict that reaches from one corner as far as it does, there is a pair wherever both matter."""
    answer = check(table, strategy)
    letters = [at(table, corner) for corner in ((0, 0), (-1, 0), (0, -1), (-1, -1))]
    if answer.shape == Shape.ALIKE:
        assert len(set(letters)) == 1
    elif answer.shape == Shape.BOTH:
        assert answer.pair is not None
        odd = next(letter for letter in letters if letters.count(letter) == 1)
        assert answer.conclusion == (Conclusion.REGRESSED if odd == "b" else Conclusion.FIXED)
    else:
        assert {change.axis for change in answer.changes} == (
            {answer.axis} if answer.shape == Shape.ONE else {0, 1}
        )


@pytest.mark.parametrize(
    ("rows", "shape", "conclusion", "pair", "changes"),
    [
        (["gggg", "gggg", "gggg"], Shape.ALIKE, "always-good", None, []),
        (["bbbb", "bbbb"], Shape.ALIKE, "never-good", None, []),
        (["ggbb", "ggbb"], Shape.ONE, "regressed", None, [(0, 0, 1, 2), (0, 1, 1, 2)]),
        (["bbgg", "bbgg"], Shape.ONE, "fixed", None, [(0, 0, 1, 2), (0, 1, 1, 2)]),
        (["ggg", "ggg", "bbb"], Shape.ONE, "regressed", None, [(1, 0, 1, 2), (1, 2, 1, 2)]),
        (["gbb", "ggb"], Shape.ONE, "regressed", None, [(0, 0, 0, 1), (0, 1, 1, 2)]),
        (["ggb", "ggb", "bbb"], Shape.EACH, "regressed", None, [(0, 0, 1, 2), (1, 0, 1, 2)]),
        (["ggb", "ggb", "bbg"], Shape.EACH, "regressed", None, [(0, 0, 1, 2), (1, 0, 1, 2)]),
        (["gggg", "ggbb", "ggbb"], Shape.BOTH, "regressed", (2, 1), [(0, 1, 1, 2), (1, 2, 0, 1)]),
        (["gggg", "bbgg", "bbgg"], Shape.BOTH, "regressed", (1, 1), [(0, 1, 1, 2), (1, 1, 0, 1)]),
        (["bbbb", "bbgg", "bbgg"], Shape.BOTH, "fixed", (2, 1), [(0, 1, 1, 2), (1, 2, 0, 1)]),
        (["gsgg", "bssg", "bbgg"], Shape.BOTH, "untestable-gap", (0, 1), [(0, 1, 0, 3), (1, 0, 0, 1)]),
        (["gggs", "ggbb"], Shape.BOTH, "regressed", (2, 1), [(0, 1, 1, 2), (1, 2, 0, 1)]),
        (["ggss", "ggsb"], Shape.BOTH, "untestable-gap", None, None),
        (["ss", "gb"], Shape.UNTESTABLE, "inconclusive", None, []),
        (["gbg", "gbg", "bbg"], Shape.BOTH, "non-monotone", None, None),
    ],
)
def test_truth_table(rows, shape, conclusion, pair, changes):
    grid, _ = ask(rows)
    answer = grid.answer()
    assert answer.shape == shape
    if changes is None:
        return
    assert (answer.conclusion, answer.pair) == (conclusion, pair)
    assert [(c.axis, c.at, c.boundary.before, c.boundary.after) for c in answer.changes] == changes


def test_a_pair_takes_few_edges_and_the_last_one_is_narrow():
    """Two edges find the pair of a large monotone table; the third asks of its neighbour alone."""
    rows = ["b" * max(0, 30 - 2 * row) + "g" * min(40, 10 + 2 * row) for row in range(30)]
    grid, edges = ask(rows[::-1])
    assert grid.answer().pair == (29, 29)
    assert [(edge.axis, edge.last - edge.first + 1) for edge in edges] == [(0, 40), (1, 30)]


def test_edges_that_contradict_each_other_make_it_inconclusive():
    grid, _ = ask(["gb", "gb"])
    assert grid.answer().conclusion == Conclusion.REGRESSED
    grid.tell((1, 1), Verdict.GOOD)
    assert grid.disputed == {(1, 1)}
    assert grid.answer().conclusion == Conclusion.INCONCLUSIVE


def test_nothing_is_concluded_while_something_is_wanted():
    grid = Grid((3, 3))
    assert grid.answer().conclusion == Conclusion.INCONCLUSIVE
    for cell in grid.wanted_cells():
        grid.tell(cell, Verdict.GOOD if cell[0] == 0 else Verdict.BAD)
    assert grid.answer().conclusion == Conclusion.INCONCLUSIVE
    assert [edge.axis for edge in grid.wanted_edges()] == [0, 0]


def test_a_corner_is_given_up_after_some_moves():
    rows = ["g" + "s" * 60 + "g", "g" + "s" * 61]
    grid, edges = ask(rows)
    assert not edges
    assert grid.answer().shape == Shape.UNTESTABLE
    assert len(grid.verdicts) == 4 + 16


def test_what_stands_for_a_corner_is_the_nearest_and_found_by_halving():
    """Both packages' oldest releases need the other's old ones, as real ones do."""
    rows = ["g" * 40 + "s" * 24, *["g" * 64] * 9]
    grid, _ = ask(rows)
    assert grid.answer().corners == ((0, 0), (63, 1), (0, 9), (63, 9))
    rows = ["g" * 40 + "s" * 24, "g" * 40 + "s" * 24]
    grid, _ = ask(rows)
    assert grid.answer().corners == ((0, 0), (39, 0), (0, 1), (39, 1))
    assert len(grid.verdicts) <= 4 + 2 * 12
