"""The loss with a remedy over the one without it."""

from __future__ import annotations

import re
from dataclasses import replace

import attribution
import synthetic_report

from harness.report import ProbeEvidence
from harness.report.cache import FigureCache
from harness.report.page import draw
from harness.report.spark import HEIGHT, WIDTH, spark


def coordinates(path):
    return [tuple(map(float, point.split())) for point in path.removeprefix("M").split("L")]


def test_both_lines_are_on_one_scale_and_say_their_ends():
    good, broken = synthetic_report.trace(steps=300), synthetic_report.trace(half=True, broken=True)
    drawn = spark(good, broken)
    fixed, unfixed = coordinates(drawn.fixed.path), coordinates(drawn.unfixed.path)
    assert len(fixed) > 40
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in [*fixed, *unfixed])
    assert len(unfixed) == 1, "it has one finite loss"
    assert not drawn.fixed.cross
    x, y = unfixed[0]
    assert drawn.unfixed.cross.startswith(f"M{x - 2.5:g} {y - 2.5:g}l"), "it ends there"
    assert re.fullmatch(
        r"loss \S+ to \S+ in 300 steps; without the remedy loss \S+ to NaN in 2 steps, then not finite",
        drawn.text,
    )


def test_nothing_is_drawn_of_a_training_that_never_began():
    assert spark(synthetic_report.Trace(), synthetic_report.trace()) is None
    assert spark(synthetic_report.trace(), None).unfixed is None


def test_the_page_shows_it_beside_each_remedy_that_was_executed():
    report, evidence = synthetic_report.report()
    report = replace(report, **attribution.everything())
    without, _ = draw(report, evidence, issue="", cache=FigureCache())
    assert 'class="spark"' not in without
    evidence["ab" * 32] = ProbeEvidence(synthetic_report.trace())
    page, _ = draw(report, evidence, issue="", cache=FigureCache())
    cells = [cell for one in report.interventions[0].remedies for cell in one.cells]
    assert page.count('class="spark"') == len(cells)
