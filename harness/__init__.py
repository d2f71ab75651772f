"""Finds the release that broke a training: bisects package releases by traces of the training itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.version import __version__

if TYPE_CHECKING:
    import os

    from harness.model.question import Axis, Ends, Holds, Job, Judging, Place, Plan, Question, Subject
    from harness.report.model import Report
    from harness.runs.frames import LoadedRun
    from harness.sessions.driver import Watcher

_OF_QUESTION = ("Axis", "Ends", "Holds", "Job", "Judging", "Place", "Plan", "Question", "Subject")
__all__ = [
    "Axis",
    "Ends",
    "Holds",
    "Job",
    "Judging",
    "Place",
    "Plan",
    "Question",
    "Subject",
    "__version__",
    "bisect",
    "load_run",
    "output",
    "record",
]


def __getattr__(name: str) -> Any:
    """Return a part of a question; they are imported when they are used, so that a script starts quickly."""
    if name in _OF_QUESTION:
        from harness.model import question  # noqa: PLC0415 - kept out of start-up

        return getattr(question, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def bisect(
    question: Question,
    *,
    place: Place | None = None,
    progress: Watcher | None = None,
    state: str | os.PathLike[str] | None = None,
) -> Report:
    """Answer a question as the command line does: execute what it needs, write its report, return the report.

    A question about releases is answered as by `harness bisect`, one about two environments as by `harness blame`.

    Example:
        >>> from harness import Axis, Question, Subject, bisect  # doctest: +SKIP
        >>> question = Question(subject=Subject(scenario="llama_seq_cls"))  # doctest: +SKIP
        >>> report = bisect(question)  # doctest: +SKIP
        >>> [arm.answer for arm in report.arms]  # doctest: +SKIP

    Args:
        question: About one package, or about two: an `Axis` for each; or about the changes between two environments:
            `Ends`.
        place: Where and how fast probes are executed, and where the report goes; None for this machine and `reports`.
        progress: Is told how the run goes on, see `harness.sessions.driver.Watcher`; it may be called from several
            threads at a time. None for silence.
        state: The state directory; `$HARNESS_HOME`, else `.harness` in the working folder, if None.

    Raises:
        harness.errors.UsageError: The question names something that is not there.
        harness.errors.HarnessError: Something around the probes failed; what was executed is stored.
        KeyboardInterrupt: After every running probe was ended and the report was written.
    """
    from pathlib import Path  # noqa: PLC0415 - kept out of start-up

    from harness.model.question import Ends, Place  # noqa: PLC0415
    from harness.sessions.driver import Silent  # noqa: PLC0415
    from harness.state import State  # noqa: PLC0415

    where = State(Path(state).absolute()) if state is not None else State.find()
    place, watcher = place or Place(), progress or Silent()
    if question.ends != Ends():
        from harness.blame.prepare import ask_blame  # noqa: PLC0415
        from harness.blame.run import blame  # noqa: PLC0415

        done = blame(ask_blame(question, place), where, watcher)
    else:
        from harness.runs.answer import answer  # noqa: PLC0415

        done = answer(question, place, where, watcher)
    if done.interrupted:
        raise KeyboardInterrupt
    return done.report


def load_run(path: str | os.PathLike[str], *, state: str | os.PathLike[str] | None = None) -> LoadedRun:
    """Load a run as pandas data frames, for a notebook.

    Example:
        >>> run = harness.load_run("reports/latest")  # doctest: +SKIP
        >>> run.releases[["arm", "version", "verdict"]]  # doctest: +SKIP
        >>> fp16 = run.traces.query("arm == 'fp16' and repeat == 0")  # doctest: +SKIP
        >>> fp16.pivot(index="step", columns="release", values="loss").plot()  # doctest: +SKIP

    Args:
        path: The run's folder.
        state: Where the probes are stored; `$HARNESS_HOME`, else `.harness` in the working folder, if None.

    Returns:
        `report`, the facts, and the frames `releases`, `boundaries`, `causes`, `remedies`, `changes` and `traces`, of
        every kind of run; see `LoadedRun`. A trace whose probe is not stored any more is left out.

    Raises:
        harness.errors.UsageError: There is no run, or another schema wrote it.
    """
    from harness.runs.frames import load_run as load  # noqa: PLC0415 - pandas takes half a second

    return load(path, state=state)


def record(name: str, value: float) -> None:
    """Record one value for `harness bisect --metric NAME`; again under the same name, and it becomes a series.

    Inside a probe it goes to the trace. Here, where a script runs by itself, it is printed as `NAME=value`, which
    the harness reads as well.
    """
    print(f"{name}={float(value)!r}")


def output(name: str, value: Any) -> None:
    """Record a value for `harness bisect --output NAME`: a tensor, an array, a number, a text, or lists and such.

    Inside a probe it goes to the trace. Here, where a script runs by itself, nothing happens.
    """
