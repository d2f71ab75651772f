"""How much: an effect with an interval is drawn for every release, beside its bound."""

from __future__ import annotations

from dataclasses import replace

from synthetic_report import report

from harness.report.cache import FigureCache
from harness.report.effects import MOST_ROWS, effects
from harness.report.page import draw


def with_intervals(made, count=None):
    """Give every release of the first arm an effect with an interval."""
    arm = made.arms[0]
    rows = [
        replace(row, effect={"name": "step_seconds, times that of 1.0", "value": 1 + place / 10, "bound": 1.15}
                | {"low": 0.9 + place / 10, "high": 1.1 + place / 10})
        for place, row in enumerate(arm.releases[:count])
    ]  # fmt: skip
    return replace(made, arms=[replace(arm, releases=[*rows, *arm.releases[len(rows) :]])])


def test_bars_stand_where_their_values_are():
    made, _ = report()
    (found,) = effects(with_intervals(made, 3))
    first, second, third = found.bars
    assert first.low < first.value < found.bound < third.value < third.low + third.width < 100
    assert second.value - first.value == round(third.value - second.value, 2)
    assert (found.bound_text, first.text) == ("1.15", "1, 0.9 to 1.1")
    assert not effects(made)  # effects without an interval
    assert not effects(with_intervals(made, 1))


def test_the_page_has_them_and_keeps_the_newest():
    made, evidence = report()
    html, _ = draw(with_intervals(made), evidence, issue="", cache=FigureCache(None))
    assert 'id="effects"' in html
    assert "step_seconds, times that of 1.0" in html
    (found,) = effects(with_intervals(made))
    assert len(found.bars) + found.left_out == len(made.arms[0].releases)
    assert len(found.bars) <= MOST_ROWS
