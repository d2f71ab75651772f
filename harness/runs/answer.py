"""A question asked and answered, be it about one package or about two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.descent.patch import Patch
from harness.descent.repository import check_source
from harness.errors import UsageError
from harness.runs.axes import bisect_axes
from harness.runs.bisect import Run, bisect
from harness.runs.descend import with_commits
from harness.sessions.asked import ask
from harness.sessions.axes import ask_axes

if TYPE_CHECKING:
    from harness.model.question import Place, Question
    from harness.sessions.driver import Watcher
    from harness.state import State


def check_commits(question: Question) -> None:
    """Complain of a source that is no repository, and of a patch that is none, before anything is executed.

    Raises:
        UsageError: It is so.
    """
    plan = question.plan
    if plan.commits:
        check_source(plan.commits)
    if plan.patch:
        Patch(Path(plan.patch))
        if not plan.commits:
            raise UsageError("--patch without --commits: commits are what it is applied to; add --commits")


def answer(question: Question, place: Place, state: State, watcher: Watcher) -> Run:
    """Answer a question and write its report.

    Raises:
        UsageError: The question names something that is not there.
        HarnessError: As the parts say; nothing that was executed before is lost.
    """
    commits = question.plan.commits
    check_commits(question)
    axes = ask_axes(question, place, state)
    if axes is not None:
        if commits:
            raise UsageError(
                "--commits with two packages: which of them the commits are of cannot be told; bisect, then "
                "`harness descend` the run of an edge"
            )
        return bisect_axes(axes, state, watcher)
    done = bisect(ask(question, state, place), state, watcher)
    return with_commits(done, commits, place, state, watcher) if commits and not done.interrupted else done
