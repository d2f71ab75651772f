"""A run as pandas data frames; `harness.load_run` is the way in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import UsageError
from harness.probes.store import Store
from harness.runs.stored import load_report
from harness.runs.tables import trace_table
from harness.state import State

if TYPE_CHECKING:
    import os

    from harness.report.model import Report

_RELEASES = (
    "version",
    "uploaded",
    "yanked",
    "verdict",
    "reason",
    "lock",
    "probe",
    "trace",
    "memory_peak",
    "command",
)
_SECONDS = ("environment", "import", "training")
_BOUNDARIES = ("kind", "signal", "before", "after", "skipped", "untested", "confirmed", "details")


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """One run.

    Attributes:
        report: All facts, as in report.json.
        releases: A row for each release of each arm: `arm`, the fields of report.json with `uploaded` as a time, the
            fingerprint as `fingerprint.*`, the effect as `effect.*`, times as `seconds.*`.
        boundaries: A row for each boundary of each arm, with `arm` and the fields of report.json.
        traces: A row for each step of each execution that is still stored, see `harness.runs.tables`; NaN stands for
            a value that was NaN and for one that was not recorded.
    """

    report: Report
    releases: pd.DataFrame
    boundaries: pd.DataFrame
    traces: pd.DataFrame


def load_run(path: str | os.PathLike[str], *, state: str | os.PathLike[str] | None = None) -> LoadedRun:
    """Load a run; see `harness.load_run`."""
    folder = Path(path)
    if not (folder / "report.json").is_file():
        raise UsageError(f"{folder}: no run, expected a folder with a report.json")
    report = load_report(folder)
    store = Store(State(Path(state).absolute()) if state is not None else State.find())
    return LoadedRun(
        report, _releases(report), _boundaries(report), pd.DataFrame(trace_table(report, store).columns)
    )


def _releases(report: Report) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for arm in report.arms:
        for release in arm.releases:
            row: dict[str, Any] = {"arm": arm.name, **{name: getattr(release, name) for name in _RELEASES}}
            row |= {f"seconds.{name}": release.seconds.get(name) for name in _SECONDS}
            row |= {f"fingerprint.{name}": value for name, value in (release.fingerprint or {}).items()}
            row |= {f"effect.{name}": value for name, value in (release.effect or {}).items()}
            rows.append(row)
    frame = pd.DataFrame(
        rows, columns=list(dict.fromkeys(name for row in rows for name in row)) or ["arm", *_RELEASES]
    )
    frame["uploaded"] = pd.to_datetime(frame["uploaded"], utc=True, format="ISO8601", errors="coerce")
    return frame


def _boundaries(report: Report) -> pd.DataFrame:
    rows = [
        {"arm": arm.name, **{name: getattr(boundary, name) for name in _BOUNDARIES}}
        for arm in report.arms
        for boundary in arm.boundaries
    ]
    return pd.DataFrame(rows, columns=["arm", *_BOUNDARIES])
