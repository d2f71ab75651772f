"""Finds the release that broke a training: bisects package releases by traces of the training itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from typing import Any

    from harness.runs.frames import LoadedRun

__version__ = "0.1.0"
__all__ = ["__version__", "load_run", "output", "record"]


def load_run(path: str | os.PathLike[str], *, home: str | os.PathLike[str] | None = None) -> LoadedRun:
    """Load a run as pandas data frames, for a notebook.

    Example:
        >>> run = harness.load_run("reports/latest")  # doctest: +SKIP
        >>> run.releases[["arm", "version", "verdict"]]  # doctest: +SKIP
        >>> fp16 = run.traces.query("arm == 'fp16' and repeat == 0")  # doctest: +SKIP
        >>> fp16.pivot(index="step", columns="release", values="loss").plot()  # doctest: +SKIP

    Args:
        path: The run's folder.
        home: Where the probes are stored; `$HARNESS_HOME`, else `.harness` in the working folder, if None.

    Returns:
        `report`, the facts, and the frames `releases`, `boundaries` and `traces`, see `LoadedRun`. A trace whose
        probe is not stored any more is left out.

    Raises:
        harness.errors.UsageError: There is no run, or another schema wrote it.
    """
    from harness.runs.frames import load_run as load  # noqa: PLC0415 - pandas takes half a second

    return load(path, home=home)


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
