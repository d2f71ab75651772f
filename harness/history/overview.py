"""The history as people read it: rows of some lines, series of measurements, and where those change their level."""

from __future__ import annotations

import csv
import io
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from harness.history.drift import change_points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.history.history import History

    Measure = Callable[[dict[str, Any]], float | None]

Row = dict[str, Any]

Key = tuple[str, str, str, str, str]
"""Scenario, package, arm, device, start."""

TABLES = ("events", "baselines", "boundaries", "releases", "probes")
"""Tables whose rows belong to lines."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One change of level.

    Attributes:
        signal: `step time` (s), `memory` or `device memory` (bytes), `final loss`.
        over: `releases`, or `time`: executions of the release `release` in order.
        device, start: Of the executions that are compared; a forked one counts its memory otherwise.
        at: The release, or the moment, from which on the level is another.
        before, after: Means of both levels.
    """

    scenario: str
    package: str
    arm: str
    device: str
    start: str
    signal: str
    over: str
    release: str
    at: str
    before: float
    after: float

    @property
    def text(self) -> str:
        """Say it in one line."""
        where = f"from {self.at} on" if self.over == "releases" else f"of {self.release} since {self.at}"
        return f"{self.signal} {where}: {_said(self.signal, self.before)} -> {_said(self.signal, self.after)}{self._share()}"

    def _share(self) -> str:
        return f" ({(self.after - self.before) / abs(self.before):+.1%})" if self.before else ""


def select(history: History, **of: str | None) -> dict[str, list[Row]]:
    """Return {table: rows} of all tables with lines, and the nights.

    Args:
        history: To read.
        of: `scenario`, `package`, `arm`; None takes all. Rows that concern all arms belong to each.
    """
    wanted = {name: value for name, value in of.items() if value is not None}
    found = {"nights": history.rows("nights")}
    for table in TABLES:
        terms = [f"({name} = ? OR {name} = '')" if name == "arm" else f"{name} = ?" for name in wanted]
        found[table] = history.rows(table, " AND ".join(terms) or "1", list(wanted.values()))
    return found


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a heading; NULL is an empty field."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def to_dict(found: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return all rows and the drifts in them, ready for JSON."""
    return {**found, "drifts": [asdict(drift) for drift in drifts(found["probes"])]}


def drifts(probes: Sequence[Row]) -> list[Drift]:
    """Return every change of level, over releases and over the executions of one release.

    Args:
        probes: Rows of `probes`.
    """
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in probes:
        if not _is_release(row["version"]):
            continue  # one of two environments that were compared: they have no order, and differ from run to run
        groups[row["scenario"], row["package"], row["arm"], row["device"], row["start"]].append(row)
    return [
        drift
        for key, rows in groups.items()
        for signal, measure in _SIGNALS.items()
        for drift in (*_over_releases(key, signal, measure, rows), *_over_time(key, signal, measure, rows))
    ]


def _is_release(version: str) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True


def _over_releases(key: Key, signal: str, measure: Measure, rows: Sequence[Row]) -> Iterator[Drift]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if (value := measure(row)) is not None:
            values[row["version"]].append(value)
    versions = sorted(values, key=Version)
    series = [statistics.median(values[version]) for version in versions]
    for change in change_points(series):
        at = versions[change.position]
        yield Drift(*key, signal, "releases", "", at, change.before, change.after)


def _over_time(key: Key, signal: str, measure: Measure, rows: Sequence[Row]) -> Iterator[Drift]:
    series: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in rows:
        if (value := measure(row)) is not None:
            series[row["version"]].append((row["moment"], value))
    for version in sorted(series, key=Version):
        ordered = sorted(series[version])
        for change in change_points([value for _, value in ordered]):
            at = ordered[change.position][0]
            yield Drift(*key, signal, "time", version, at, change.before, change.after)


def _step_time(row: Row) -> float | None:
    return row["training_seconds"] / row["steps"] if row["training_seconds"] and row["steps"] else None


def _plain(name: str) -> Measure:
    """Return what reads a column; NaN and infinities, which are text, are no level."""
    return lambda row: row[name] if isinstance(row[name], int | float) else None


_SIGNALS: Mapping[str, Measure] = {
    "step time": _step_time,
    "memory": _plain("memory_peak"),
    "device memory": _plain("device_memory_peak"),
    "final loss": _plain("final_loss"),
}


def _said(signal: str, value: float) -> str:
    if signal == "step time":
        return f"{1000 * value:.3g} ms"
    return f"{value / 2**20:.0f} MiB" if "memory" in signal else f"{value:.6g}"
