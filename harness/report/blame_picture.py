"""The path of a search as a picture: a column an execution, a row a change, a bar where the mixture has the change."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from harness.report.blamed import Standing
from harness.report.text import one_line

if TYPE_CHECKING:
    from harness.report.blamed import BlameResult, StepResult

_COLUMN, _WIDTH, _TOP, _LEFT = 14, 10, 16, 190
_MOST_LABELS = 40
_CLASSES = {"good": "step-good", "bad": "step-bad", "other": "step-other", "unresolved": "step-refused"}
_MARKS = {
    "good": "\N{BLACK CIRCLE}",
    "bad": "\N{MULTIPLICATION X}",
    "other": "?",
    "unresolved": "\N{EN DASH}",
}


@dataclass(frozen=True, slots=True)
class PathPicture:
    """The picture as inline SVG, and what it shows, in a sentence."""

    svg: Markup
    text: str


def path_picture(blame: BlameResult) -> PathPicture | None:
    """Draw the path of a search; None where nothing was searched."""
    if not blame.steps or not blame.changes:
        return None
    order = sorted(
        range(len(blame.changes)),
        key=lambda place: (blame.changes[place].standing != Standing.CULPRIT, blame.changes[place].name),
    )
    height = 12 if len(order) <= _MOST_LABELS else 5
    rows = {place: row for row, place in enumerate(order)}
    width = _LEFT + _COLUMN * len(blame.steps) + 8
    total = _TOP + height * len(order) + 8
    size = f'viewBox="0 0 {width} {total}" width="{width}" height="{total}"'
    parts = [f'<svg class="blame-path" {size} xmlns="http://www.w3.org/2000/svg" aria-hidden="true">']
    parts += [_label(blame, place, _TOP + height * rows[place], height) for place in order]
    parts += [_column(step, number, rows, height, blame) for number, step in enumerate(blame.steps)]
    text = (
        f"Path of the search: {len(blame.steps)} mixtures in order from left to right, each with the changes that it "
        f"holds, of {len(order)} changes from top to bottom."
    )
    return PathPicture(Markup("".join([*parts, "</svg>"])), text)  # noqa: S704 - made here, texts escaped


def _label(blame: BlameResult, place: int, top: float, height: int) -> str:
    change = blame.changes[place]
    culprit = change.standing == Standing.CULPRIT
    if len(blame.changes) > _MOST_LABELS and not culprit:
        return ""
    kind = ' class="culprit"' if culprit else ""
    return f'<text{kind} x="{_LEFT - 6}" y="{top + height - 2}" text-anchor="end">{escape(one_line(change.name, 28))}</text>'


def _column(step: StepResult, number: int, rows: dict[int, int], height: int, blame: BlameResult) -> str:
    left = _LEFT + _COLUMN * number
    bars = "".join(
        f'<rect x="{left}" y="{_TOP + height * first}" width="{_WIDTH}" height="{height * count - 1}"/>'
        for first, count in _runs(sorted(rows[place] for place in step.applied))
    )
    what = f"{len(step.applied)} of {len(blame.changes)} changes: {step.outcome.value}, {one_line(step.reason, 160)}"
    mark = f'<text x="{left + _WIDTH / 2}" y="{_TOP - 5}" text-anchor="middle">{_MARKS[step.outcome]}</text>'
    frame = f'<rect class="frame" x="{left}" y="{_TOP}" width="{_WIDTH}" height="{height * len(rows) - 1}"/>'
    return f'<g class="{_CLASSES[step.outcome]}"><title>{escape(what)}</title>{frame}{bars}{mark}</g>'


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Return (first, count) of every run of neighbouring rows."""
    found = []
    for _, group in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
        run = [place for _, place in group]
        found.append((run[0], len(run)))
    return found
