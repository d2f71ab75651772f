"""How large the effect is in every release, with its interval, where the oracle measures one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.text import number, one_line

if TYPE_CHECKING:
    from harness.report.model import ArmResult, ReleaseResult, Report

MOST_ROWS = 60
_MARGIN = 6
"""Percent of the width that is left free on either side."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One release: its interval and what is most likely, in percent of the width, and the same in words."""

    version: str
    verdict: str
    low: float
    width: float
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Effects:
    """One arm: what was measured, the bound (percent of the width) between good and bad, and its releases."""

    arm: str
    title: str
    bound: float
    bound_text: str
    bars: list[Bar]
    left_out: int


def effects(report: Report) -> list[Effects]:
    """Return the arms in which at least two releases have an effect with an interval, of the same quantity."""
    return [found for arm in report.arms if (found := _effects(arm)) is not None]


def _effects(arm: ArmResult) -> Effects | None:
    rows = [row for row in arm.releases if row.effect and _finite(row)]
    rows = [
        row for row in rows if row.effect and rows[0].effect and row.effect["name"] == rows[0].effect["name"]
    ]
    if len(rows) < 2:
        return None
    shown = rows[-MOST_ROWS:]
    facts = [row.effect for row in shown if row.effect]
    ends = [float(one[name]) for one in facts for name in ("low", "high", "bound")]
    least, most = min(ends), max(ends)
    scale = (100 - 2 * _MARGIN) / ((most - least) or 1.0)

    def place(value: float) -> float:
        return round(_MARGIN + (value - least) * scale, 2)

    bars = [
        Bar(
            version=one_line(row.version, 40),
            verdict=row.verdict,
            low=place(one["low"]),
            width=round((one["high"] - one["low"]) * scale, 2),
            value=place(one["value"]),
            text=f"{number(one['value'])}, {number(one['low'])} to {number(one['high'])}",
        )
        for row, one in zip(shown, facts, strict=True)
    ]
    bound = facts[-1]["bound"]
    return Effects(
        arm=arm.name,
        title=one_line(facts[0]["name"], 120),
        bound=place(bound),
        bound_text=number(bound),
        bars=bars,
        left_out=len(rows) - len(shown),
    )


def _finite(row: ReleaseResult) -> bool:
    values = [(row.effect or {}).get(name) for name in ("value", "low", "high", "bound")]
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)
