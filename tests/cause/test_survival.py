"""Survival curves against hand-made figures, and their bands against known limits."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cause.survival import kaplan_meier, survival
from harness.sessions.finding import Finding
from harness.traces.trace import Trace
from harness.verdicts.verdict import Fingerprint, Judgement, Verdict


def test_the_textbook_estimate():
    """Remission times of the 6-MP group (Freireich et al. 1963), the first failures: 6, 6, 6, 6+, 7, 9+, 10."""
    lives = [(6, True)] * 3 + [
        (6, False),
        (7, True),
        (9, False),
        (10, True),
        (10, False),
        (11, False),
        (13, True),
    ]
    lives += [(16, True)] + [(20, False)] * 10
    curve = {int(point[0]): point[1:] for point in kaplan_meier(lives)}
    assert curve[6][0] == pytest.approx(0.857, abs=5e-4)
    assert curve[7][0] == pytest.approx(0.807, abs=5e-4)
    assert curve[10][0] == pytest.approx(0.753, abs=5e-4)
    assert curve[6][1:] == pytest.approx(
        [0.6197, 0.9516], abs=5e-4
    )  # log(-log) limits, as R's survfit gives them


def test_the_ends_have_exact_binomial_limits():
    assert kaplan_meier([(100, False)] * 8)[-1] == [100.0, 1.0, pytest.approx(0.025 ** (1 / 8)), 1.0]
    assert kaplan_meier([(3, True)] * 8)[-1] == [3.0, 0.0, 0.0, pytest.approx(1 - 0.025 ** (1 / 8))]


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=2, max_size=30))
def test_the_share_falls_within_its_band(lives):
    curve = kaplan_meier(lives)
    assert curve[0][:2] == [0.0, 1.0]
    assert curve[-1][0] == max(steps for steps, _ in lives)
    for before, after in itertools.pairwise(curve):
        assert after[0] > before[0]
        assert after[1] <= before[1]
    assert all(0 <= low <= share <= high <= 1 for _, share, low, high in curve)


def seed(steps, failed):
    fingerprint = Fingerprint("non-finite weight", steps, "optimizer") if failed else None
    verdict = Verdict.BAD if failed else Verdict.GOOD
    return Finding(Judgement(verdict, "told", fingerprint), trace=Trace(steps=tuple(range(1, steps + 1))))


def test_the_seeds_of_a_release():
    whole = Finding.worst([seed(100, failed=False), seed(40, failed=True), seed(100, failed=False)])
    found = survival("soak", "1.0", whole)
    assert (found.seeds, found.failures, found.horizon) == (3, 1, 100)
    assert found.curve[1][:2] == [40.0, pytest.approx(2 / 3)]
    assert survival("soak", "1.0", seed(100, failed=False)) is None
