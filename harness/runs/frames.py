"""A run as pandas data frames; `harness.load_run` is the way in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import UsageError
from harness.probes.store import Store
from harness.report.attribution import CauseResult, CellResult
from harness.report.axes import AxisChange
from harness.report.blamed import ChangeResult
from harness.report.boundaries import package_of
from harness.report.model import BoundaryResult
from harness.runs.stored import OLD_PAIR, load_report
from harness.runs.tables import trace_table
from harness.state import State

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

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
_HELD = ("package", "held", "held_version")


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """One run.

    In a question about two packages the rows of `releases` are pairs, named by `version`.

    Attributes:
        report: All facts, as in report.json.
        releases: A row for each release of each arm: `arm`, the fields of report.json with `uploaded` as a time, the
            fingerprint as `fingerprint.*`, the effect as `effect.*`, times as `seconds.*`; of a pair, the release of
            each package as `release.PACKAGE`.
        boundaries: A row for each boundary of each arm: `arm`, `package` (the one that varies), and all fields of
            `BoundaryResult`, `axis` as `axis.*`; `before` and `after` are found in `releases.version`.
        causes: A row for each cause: all fields of `CauseResult`, and `package`; `held` and `held_version` where
            another package was held.
        remedies: A row for each remedy on each release: `arm`, `remedy`, `description`, `by`, `settings`, the fields of
            `CellResult` (`release`, `outcome`, `note`, `verdict`, ...), `baseline` (verdict without it); `package`,
            `held` and `held_version` as in `causes`.
        changes: Of a question about two environments, a row for each package that differs between them: all fields of
            `ChangeResult`; no rows in any other run.
        traces: A row for each step of each execution that is still stored, see `harness.runs.tables`; NaN stands for
            a value that was NaN and for one that was not recorded.
    """

    report: Report
    releases: pd.DataFrame
    boundaries: pd.DataFrame
    causes: pd.DataFrame
    remedies: pd.DataFrame
    changes: pd.DataFrame
    traces: pd.DataFrame


def load_run(path: str | os.PathLike[str], *, state: str | os.PathLike[str] | None = None) -> LoadedRun:
    """Load a run; see `harness.load_run`."""
    folder = Path(path)
    if not any((folder / facts).is_file() for facts in ("report.json", OLD_PAIR)):
        raise UsageError(f"{folder}: no run, expected a folder with a report.json")
    report = load_report(folder)
    store = Store(State(Path(state).absolute()) if state is not None else State.find())
    of_parts = _reports(folder, report)
    return LoadedRun(
        report,
        _releases(report),
        _boundaries(report),
        _causes(of_parts),
        _remedies(of_parts),
        _changes(report),
        pd.DataFrame(trace_table(report, store).columns),
    )


def _reports(folder: Path, report: Report) -> list[tuple[dict[str, str], Report]]:
    """Return the reports that have causes and remedies, with what they vary and hold: of two packages the parts'."""
    if not report.axes:
        return [(dict.fromkeys(_HELD, "") | {"package": report.package}, report)]
    return [
        ({name: getattr(part, name) for name in _HELD}, load_report(folder / part.folder))
        for part in report.parts
        if (folder / part.folder / "report.json").is_file()
    ]


def _releases(report: Report) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for arm in report.arms:
        for release in arm.releases:
            row: dict[str, Any] = {"arm": arm.name, **{name: getattr(release, name) for name in _RELEASES}}
            if release.point is not None:
                row |= {f"release.{name}": version for name, version in release.point.choice().items()}
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
    own = [one.name for one in fields(BoundaryResult) if one.name != "axis"]
    along = [one.name for one in fields(AxisChange)] if report.axes else []
    rows = [
        {
            "arm": arm.name,
            "package": package_of(boundary, report.package),
            **{name: getattr(boundary, name) for name in own},
            **{f"axis.{name}": getattr(boundary.axis, name, None) for name in along},
        }
        for arm in report.arms
        for boundary in arm.boundaries
    ]
    return pd.DataFrame(rows, columns=["arm", "package", *own, *(f"axis.{name}" for name in along)])


def _changes(report: Report) -> pd.DataFrame:
    own = [one.name for one in fields(ChangeResult)]
    found = report.blame.changes if report.blame else []
    return pd.DataFrame([{name: getattr(one, name) for name in own} for one in found], columns=own)


def _causes(reports: Sequence[tuple[dict[str, str], Report]]) -> pd.DataFrame:
    own = [one.name for one in fields(CauseResult)]
    rows = [
        {**varied, **{name: getattr(cause, name) for name in own}}
        for varied, report in reports
        for cause in report.cause
    ]
    return pd.DataFrame(rows, columns=[*_HELD, *own])


def _remedies(reports: Sequence[tuple[dict[str, str], Report]]) -> pd.DataFrame:
    own = [one.name for one in fields(CellResult)]
    what = ("description", "by", "settings")
    rows = [
        {
            **varied,
            "arm": matrix.arm,
            "remedy": remedy.name,
            **{name: getattr(remedy, name) for name in what},
            **{name: getattr(cell, name) for name in own},
            "baseline": dict(zip(matrix.releases, matrix.baseline, strict=True)).get(cell.release),
        }
        for varied, report in reports
        for matrix in report.interventions
        for remedy in matrix.remedies
        for cell in remedy.cells
    ]
    return pd.DataFrame(rows, columns=[*_HELD, "arm", "remedy", *what, *own, "baseline"])
