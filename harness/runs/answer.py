"""A question asked and answered, be it about one package or about two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.runs.axes import bisect_axes
from harness.runs.bisect import Run, bisect
from harness.sessions.asked import ask
from harness.sessions.axes import ask_axes

if TYPE_CHECKING:
    from harness.model.question import Place, Question
    from harness.sessions.driver import Watcher
    from harness.state import State


def answer(question: Question, place: Place, state: State, watcher: Watcher) -> Run:
    """Answer a question and write its report.

    Raises:
        UsageError: The question names something that is not there.
        HarnessError: As the parts say; nothing that was executed before is lost.
    """
    axes = ask_axes(question, place)
    if axes is not None:
        return bisect_axes(axes, state, watcher)
    return bisect(ask(question, state, place), state, watcher)
