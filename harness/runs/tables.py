"""The traces of a run as one table, for people who want their own notebook: CSV or Parquet.

A row is one step of one execution; the first columns say which one (`KEYS`), then come the signals, see
`harness.traces.trace`. A signal that had no value in a step is empty (CSV) or null (Parquet); NaN and infinities
are `nan`, `inf` and `-inf`.
"""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.probes.store import Store
    from harness.report.model import Report

KEYS = ("arm", "release", "repeat", "seed", "verdict", "step")
"""Arm, version, which execution (from 0), seed (counted from 0), verdict of that seed, step (from 1)."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length.

    Attributes:
        columns: {name: values}; None where a signal had no value.
        missing: Executions whose traces are not stored any more.
    """

    columns: dict[str, list[Any]]
    missing: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns["step"])


def trace_table(report: Report, store: Store) -> Table:
    """Gather the stored traces of all executions of a run, in the order of arms, releases, repeats and seeds."""
    columns: dict[str, list[Any]] = {name: [] for name in KEYS}
    rows = missing = 0
    for arm, version, execution in _executions(report):
        found = store.find(execution["probe"], execution["repeat"])
        if found is None:
            missing += 1
            continue
        trace = found.trace()
        count = len(trace.steps)
        values = (arm, version, execution["repeat"], execution["seed"], execution["verdict"])
        for name, value in zip(KEYS[:-1], values, strict=True):
            columns[name].extend(itertools.repeat(value, count))
        columns["step"].extend(trace.steps)
        for name in trace.columns:
            columns.setdefault(name, [None] * rows).extend(trace.signal(name))
        rows += count
        for column in columns.values():
            column.extend([None] * (rows - len(column)))
    return Table(columns, missing)


def write_table(path: Path, table: Table) -> None:
    """Write a table as the ending of the path says: `.csv` or `.parquet`.

    Raises:
        UsageError: Another ending, or pyarrow is missing for Parquet.
    """
    writers = {".csv": _csv, ".parquet": _parquet}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"--traces {path}: expected a file name that ends in .csv or .parquet")
    write_atomic(path, writer(table.columns))


def _csv(columns: dict[str, list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode("utf-8", "replace")


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an optional dependency
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed: pip install 'training-bisect[parquet]', "
            "or choose a file name that ends in .csv"
        ) from None
    arrays = {name: pa.array(values, type=_kind(name, values, pa)) for name, values in columns.items()}
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(arrays), sink, compression="zstd")
    return bytes(sink.getvalue())


def _kind(name: str, values: Sequence[Any], pa: Any) -> Any:
    if name in KEYS:
        return pa.string() if isinstance(next(iter(values), ""), str) else pa.int64()
    whole = all(value is None or isinstance(value, int) for value in values)
    return pa.int64() if whole and any(value is not None for value in values) else pa.float64()


def _executions(report: Report) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for arm in report.arms:
        for release in arm.releases:
            for execution in release.executions:
                yield arm.name, release.version, execution
