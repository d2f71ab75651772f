"""The lines of a question: all releases of one package, with the other one of two held.

A question about one package is one line. One about two is a grid, whose rows and columns are lines; its corners and most
of what a search asks lie on the four lines at its edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sessions.asked import ask
from harness.sessions.axes import ask_axes

if TYPE_CHECKING:
    from harness.model.question import Place, Question
    from harness.sessions.asked import Asked
    from harness.state import State


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        asked: The question about it.
        locks: Name of the folder of its locks in the folder `locks` of a run; empty for the only line.
        calibrates: Whether it has the release that all others of the question are compared with.
    """

    asked: Asked
    locks: str = ""
    calibrates: bool = True


def lines(question: Question, place: Place, state: State, *, every: bool = False) -> list[Line]:
    """Return the lines of a question, of two packages those at the edges of the grid.

    Args:
        question: About one package, or about two.
        place: Where and how fast.
        state: Has listings and bundles.
        every: All rows and columns, not the edges alone.

    Raises:
        UsageError: The question names something that is not there.
        HarnessError: The releases cannot be listed.
    """
    axes = ask_axes(question, place, state)
    if axes is None:
        return [Line(ask(question, state, place))]
    parts = axes.lines(axes.releases(state)[0], every=every)
    return [Line(axes.ask(part, state, axes.out), part.locks, calibrates=part is parts[0]) for part in parts]
